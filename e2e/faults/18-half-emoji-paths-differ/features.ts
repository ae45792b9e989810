import {
  count,
  countDistinct,
  entity,
  featureView,
  float64,
  int64,
  source,
  string,
  timestamp,
} from "@tidemark/core";

export const client = entity("client", { keys: { client_id: string() } });
export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    client_id: string("client_id"),
    amount: float64("amount").nullable(),
    paid_at: timestamp("paid_at"),
    note: string("note").nullable(),
  },
  primaryKey: ["id"],
  eventTime: "paid_at",
});
export const activity = featureView("activity", {
  entity: client,
  source: payments,
  features: { n_7d: count().over("7d"), notes: countDistinct(payments.note).over("7d") },
});
