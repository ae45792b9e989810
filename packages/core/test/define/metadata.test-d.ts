import {
  count,
  derivedView,
  div,
  entity,
  feature,
  featureService,
  featureView,
  latest,
  string,
  sum,
  type ColumnType,
  type Metadata,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { customers, transactions, user, weekly } from "./support/bank.ts";

const about: Metadata = { owner: "fraud", tags: ["a"], sensitivity: "pii" };

test("metadata changes no type", () => {
  expectTypeOf(string().nullable().describe(about)).toEqualTypeOf<
    ColumnType<"string", string | null>
  >();
  const view = featureView("v", {
    ...about,
    entity: entity("user", { keys: { user_id: string() }, description: "A customer" }),
    source: transactions,
    features: {
      num: count().over("7d").describe(about),
      total: sum(transactions.amount).overEach("1d", "7d").describe(about),
      burst: feature(div(count().over("1d"), 2)).describe(about),
      old: count()
        .over("1d")
        .renamedFrom("older")
        .describe({ deprecated: { until: "2027" } }),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    num: number;
    total_1d: number;
    total_7d: number;
    burst: number | null;
    old: number;
    older: number;
  }>();
  const facts = featureView("facts", {
    entity: user,
    source: customers,
    features: { city: latest(customers.city).describe(about) },
  });
  expectTypeOf<RowOf<typeof facts>>().toEqualTypeOf<{ city: string | null }>();
  const derived = derivedView("d", { ...about, features: { half: div(weekly.mean, 2) } });
  const service = featureService("s", [derived, facts], about);
  expectTypeOf<RowOf<typeof service>>().toEqualTypeOf<{
    half: number | null;
    city: string | null;
  }>();
});
