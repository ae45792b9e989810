/** Defines the bank of tests and benchmarks: users, transactions, cards and weekly features. */
import {
  avg,
  commitTime,
  count,
  countDistinct,
  date,
  decimal,
  entity,
  featureService,
  featureView,
  float64,
  int32,
  int64,
  latest,
  max,
  min,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

/** The entity of the bank. */
export const user = entity("user", { keys: { user_id: string() } });

/** The columns of `transactions`. */
export const transactionColumns = {
  id: int64("id"),
  user_id: string("User ID"),
  vendor: string("Vendor").nullable(),
  channel: string("Sources").nullable(),
  amount: float64("Amount").nullable(),
  time: timestamp("Time", { zone: "UTC" }),
};
/** The source of the bank's features. */
export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: transactionColumns,
  primaryKey: ["id"],
  eventTime: "time",
});

/** Makes the seven weekly features over the columns of a source of transactions. */
export const weeklyFeatures = ({
  amount,
  vendor,
  channel,
}: Pick<typeof transactions, "amount" | "vendor" | "channel">) => ({
  num_transactions_l1w: count().over("7d"),
  total_amount_l1w: sum(amount).over("7d"),
  avg_amount_l1w: avg(amount).over("7d"),
  min_amount_l1w: min(amount).over("7d"),
  max_amount_l1w: max(amount).over("7d"),
  num_vendors_l1w: countDistinct(vendor).over("7d"),
  num_sources_l1w: countDistinct(channel).over("7d"),
});
/** The seven weekly features. */
export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: weeklyFeatures(transactions),
});
/** The service of the seven weekly features. */
export const fraud = featureService("fraud_v1", [weekly]);

/** A dimension: each version of a card holds from its commit. */
export const cards = source("cards", {
  table: "public.card",
  columns: { card_no: string(), user_id: string(), opened: date().nullable() },
  primaryKey: ["card_no"],
  eventTime: commitTime(),
});
/** The latest card of each user. */
export const holder = featureView("holder", {
  entity: user,
  source: cards,
  features: { card: latest(cards.card_no), opened: latest(cards.opened) },
});

/** Exact decimals in a table whose log has before-images. */
export const identity = source("full_identity", {
  table: "public.full_identity",
  columns: {
    id: int32(),
    user_id: string().nullable(),
    amount: decimal({ precision: 12, scale: 2 }).nullable(),
    at: timestamp({ zone: "UTC" }).nullable(),
    channel: string().nullable(),
  },
  primaryKey: ["id"],
  eventTime: "at",
});
