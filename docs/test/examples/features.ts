/** The definitions that examples in comments speak of. */
import {
  boolean,
  count,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  pushSource,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string("User ID") } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    vendor: string("Vendor"),
    amount: float64("Amount").nullable(),
    online: boolean("Online"),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const customers = source("customers", {
  table: "public.customers",
  columns: { user_id: string("User ID"), city: string("City"), time: timestamp("Time") },
  primaryKey: ["user_id"],
  eventTime: "time",
});

export const logins = pushSource("logins", {
  columns: { id: string(), user_id: string(), device: string().nullable(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});

export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    transactions_l1w: count().over("7d"),
    amount_l1w: sum(transactions.amount).over("7d"),
  },
});

export const profile = featureView("profile", {
  entity: user,
  source: customers,
  features: { city: latest(customers.city) },
});

export const fraud = featureService("fraud_v1", [weekly.transactions_l1w, weekly.amount_l1w]);
