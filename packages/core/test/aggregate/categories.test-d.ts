import {
  avg,
  boolean,
  count,
  decimal,
  entity,
  featureView,
  float64,
  histogram,
  int64,
  lower,
  source,
  string,
  sum,
  timestamp,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    time: timestamp(),
    amount: float64().nullable(),
    fee: decimal({ precision: 9, scale: 2 }),
    vendor: string().nullable(),
    blocked: boolean(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const { amount, fee, vendor, blocked, id } = payments;

test("by answers a map, byEach an object", () => {
  const view = featureView("v", {
    entity: user,
    source: payments,
    features: {
      fees: sum(fee).by(vendor).over("7d"),
      means: avg(amount).by(blocked).overEach("1d", "7d"),
      filled: avg(amount).default(0).by(lower(vendor)).over("7d"),
      counts: count().by(id).over("7d"),
      nested: histogram(vendor).by(blocked).over("7d"),
      listed: sum(fee).byEach(vendor, ["web", "app"]).over("7d"),
      listed_means: avg(amount).byEach(vendor, ["web"]).over("7d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    fees: ReadonlyMap<string, string>;
    means_1d: ReadonlyMap<boolean, number | null>;
    means_7d: ReadonlyMap<boolean, number | null>;
    filled: ReadonlyMap<string, number>;
    counts: ReadonlyMap<bigint, number>;
    nested: ReadonlyMap<boolean, ReadonlyMap<string, number>>;
    listed: { readonly web: string; readonly app: string };
    listed_means: { readonly web: number | null };
  }>();
});
