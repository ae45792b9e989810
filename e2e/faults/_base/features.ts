import {
  count,
  entity,
  featureService,
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
export const card = entity("card", { keys: { card_no: int64() } });
export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    client_id: string("client_id"),
    card_no: int64("card_no"),
    amount: float64("amount").nullable(),
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
    last_paid_7d: max(payments.paid_at).over("7d"),
  },
});
export const cards = featureView("cards", {
  entity: card,
  source: payments,
  features: { c_n_7d: count().over("7d"), c_total_7d: sum(payments.amount).over("7d") },
});
export const svc = featureService("svc", [activity.n_7d, activity.total_7d]);
export const csvc = featureService("csvc", [cards.c_n_7d, cards.c_total_7d]);
