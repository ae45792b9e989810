import {
  count,
  entity,
  featureView,
  float64,
  int64,
  max,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

export const client = entity("client", { keys: { client_id: string() } });
export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    client_id: string("client_id"),
    amount: float64("Amount").nullable(),
    paid_at: timestamp("paid_at"),
  },
  primaryKey: ["id"],
  eventTime: "paid_at",
});
export const activity = featureView("activity", {
  entity: client,
  source: payments,
  features: {
    n_7d: count().over("7d"),
    total_7d: sum(payments.amount).over("7d"),
    max_7d: max(payments.amount).over("7d"),
  },
});
