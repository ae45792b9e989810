import {
  avg,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  max,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });
export const transactions = source("transactions", {
  table: "public.transactions",
  columns: {
    id: int64(),
    user_id: string(),
    card: string().nullable(),
    amount: float64().nullable(),
    time: timestamp(),
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
    most: max(transactions.amount).over("7d"),
    cards: countDistinct(transactions.card).over("30d"),
    mean: avg(transactions.amount).overEach("1h", "1d"),
  },
});
export const profile = featureView("profile", {
  entity: user,
  source: transactions,
  features: { card: latest(transactions.card) },
});
export const fraud = featureService("fraud", [weekly, profile.card.as("last_card")]);
