/** A bank's features, for a training set on Spark. */
import {
  count,
  decimal,
  entity,
  featureView,
  float64,
  int64,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

const user = entity("user", { keys: { user_id: string() } });
export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    amount: float64("Amount").nullable(),
    fee: decimal("Fee", { precision: 12, scale: 2 }).nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
export const weekly = featureView("weekly", {
  entity: user,
  source: transactions,
  features: {
    num: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    fees: sum(transactions.fee).over("7d"),
  },
});
