/** Definitions that the tests of `define` share. */
import {
  avg,
  boolean,
  bytes,
  commitTime,
  count,
  date,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  json,
  latest,
  pushSource,
  source,
  string,
  sum,
  timestamp,
  type FeatureReads,
  type Pushes,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });
export const account = entity("account", { keys: { bank: string(), account_id: int64() } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    bank: string(),
    account_id: int64(),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    cents: int32(),
    points: int64({ mode: "number" }),
    fee: decimal("Fee", { precision: 10, scale: 2 }),
    ok: boolean(),
    day: date(),
    raw: bytes(),
    extra: json<{ tags: string[] }>(),
    time: timestamp("Time", { zone: "UTC" }),
    seen: timestamp({ mode: "micros" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
  createdAt: "seen",
});

export const transfers = source("transfers", {
  table: "public.transfers",
  columns: {
    id: int64(),
    sender_id: string(),
    receiver_id: string(),
    branch: int32(),
    amount: decimal({ precision: 12, scale: 4 }),
    at: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "at",
});

export const customers = source("customers", {
  table: "public.customers",
  columns: { user_id: string(), city: string().nullable(), age: int32(), created: timestamp() },
  primaryKey: ["user_id"],
  eventTime: commitTime({ since: "created" }),
});

export const logins = pushSource("logins", {
  columns: {
    user_id: string(),
    nth: int64("n"),
    device: string("Device").nullable(),
    fee: decimal({ precision: 10, scale: 2 }),
    extra: json<{ tags: string[] }>().nullable(),
    time: timestamp("Time"),
    seen: timestamp({ mode: "micros" }).nullable(),
  },
  primaryKey: ["user_id", "nth"],
  eventTime: "time",
});

export const weekly = featureView("weekly", {
  entity: user,
  source: transactions,
  features: {
    num: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    mean: avg(transactions.amount).over("7d"),
  },
});
export const accounts = featureView("accounts", {
  entity: account,
  source: transactions,
  features: { total: sum(transactions.fee).over("30d"), moves: count().overEach("1h", "1d") },
});
export const profile = featureView("profile", {
  entity: user,
  source: customers,
  features: { city: latest(customers.city), age: latest(customers.age).default(0) },
});

export declare const store: FeatureReads;
export declare const pushes: Pushes;
