import {
  bytes,
  entity,
  featureView,
  int64,
  latest,
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
    token: bytes("token").nullable(),
    paid_at: timestamp("paid_at"),
  },
  primaryKey: ["id"],
  eventTime: "paid_at",
});
export const activity = featureView("activity", {
  entity: client,
  source: payments,
  features: { token: latest(payments.token) },
});
