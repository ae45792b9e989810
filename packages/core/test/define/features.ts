// The example definitions of a bank (DESIGN §3).
import {
  avg,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  max,
  min,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"), // TypeScript name: column type("name in the database")
    user_id: string("User ID"),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }), // The text has no zone, so the zone is declared.
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    num_transactions_l1w: count().over("7d"),
    total_amount_l1w: sum(transactions.amount).over("7d"),
    avg_amount_l1w: avg(transactions.amount).over("7d"),
    min_amount_l1w: min(transactions.amount).over("7d"),
    max_amount_l1w: max(transactions.amount).over("7d"),
    num_vendors_l1w: countDistinct(transactions.vendor).over("7d"),
    num_sources_l1w: countDistinct(transactions.channel).over("7d"),
  },
});

export const fraud = featureService("fraud_v1", [
  weekly.num_transactions_l1w,
  weekly.total_amount_l1w,
]);
