/** Tests that requests may name a renamed feature by its former name. */
import {
  collectDefinitions,
  count,
  entity,
  featureView,
  int64,
  source,
  string,
  timestamp,
} from "@tidemark/core";
import { expect, test } from "vitest";
import { featureResolver } from "../../src/features/feature-resolver.ts";
import { featureNames } from "../../src/api/requested-features.ts";
import { definitionsJson } from "../../src/api/definitions-json.ts";

const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const view = featureView("daily", {
  entity: entity("user", { keys: { user_id: string() } }),
  source: payments,
  features: { payments: count().over("1d").renamedFrom("n") },
});
const definitions = collectDefinitions({ view });
const resolver = featureResolver(definitions);

test("a former name resolves to the feature, and is its name in the answer", () => {
  const short = resolver.features(["daily:n", "daily:payments"], "short").selected;
  expect(short.map(({ feature, as }) => [feature.name, as])).toEqual([
    ["payments", "n"],
    ["payments", "payments"],
  ]);
  expect(resolver.features(["daily"], "full").selected.map(({ as }) => as)).toEqual([
    "daily__payments",
    "daily__n",
  ]);
  const names = featureNames(definitions, resolver);
  expect(names.list(["daily:n"]).count).toBe(1);
  expect(names.view("daily").count).toBe(2);
});

test("the description of a view names the former name and what it became", () => {
  expect(definitionsJson(definitions).views[0]!.features).toMatchObject([
    { name: "payments", feature: "daily:payments", description: "count(payments) over 1d" },
    { name: "n", description: "count(payments) over 1d; former name of payments" },
  ]);
});
