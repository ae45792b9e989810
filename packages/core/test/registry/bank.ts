/** Definitions of every kind, for tests of their registry. */
import {
  and,
  commitTime,
  count,
  decimal,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  gt,
  inList,
  int64,
  latest,
  source,
  string,
  sum,
  timestamp,
  type StoreOptions,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });

export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    vendor: string("Vendor").nullable(),
    amount: float64("Amount").nullable(),
    fee: decimal("fee", { precision: 10, scale: 2 }).nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
export const customers = source("customers", {
  table: "public.customers",
  columns: { id: int64("id"), user_id: string("user"), city: string("city").nullable() },
  primaryKey: ["id"],
  eventTime: commitTime(),
});

export const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    number: count().over("7d"),
    total: sum(payments.amount).over("7d"),
    fees: sum(payments.fee).over("1d"),
    large: count()
      .where(and(gt(payments.fee, "10.00"), inList(payments.vendor, ["Hospital", "Taxi"])))
      .over("7d"),
  },
});
export const hospital = featureView("hospital", {
  entity: user,
  source: payments,
  features: { visits: count().where(eq(payments.vendor, "Hospital")).over("1d") },
});
export const profile = featureView("profile", {
  entity: user,
  source: customers,
  ttl: "30d",
  features: { city: latest(customers.city).default("nowhere") },
});

export const fraud = featureService("fraud", [weekly.number, weekly.total.as("spent"), profile]);

export type Bank = StoreOptions["definitions"];
export const bank: Bank = { user, payments, customers, weekly, hospital, profile, fraud };
