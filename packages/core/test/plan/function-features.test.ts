import {
  add,
  avg,
  count,
  coalesce,
  div,
  explainPlan,
  feature,
  featureView,
  gt,
  lower,
  max,
  mul,
  selectedFeatures,
  sum,
  type AnyExpr,
} from "@tidemark/core";
import { naiveEngine } from "@tidemark/testkit/oracle/naive-engine";
import { transactions, user } from "@tidemark/testkit/bank/definitions";
import { expect, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { specOfView } from "../../src/define/spec-of.ts";
import { resultsOf } from "../../src/engine/engine-columns.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import { planOf } from "../../src/plan/compile.ts";
import { columnsOf } from "../../src/plan/columns-read.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { runtimeDataOf } from "../../src/registry/runtime-data.ts";
import { entityRows, eventRow, eventsOf, type NamedRow } from "../../src/testing/engine-cases.ts";
import { computed } from "../../src/testing/engine-queries.ts";

const DAY = 86_400_000_000;
const { amount, vendor } = transactions;
const spent = sum(amount);

const spending = featureView("spending", {
  entity: user,
  source: transactions,
  features: {
    week: spent.over("7d"),
    burst: div(count().over("1d"), count().over("7d")),
    mean: coalesce(avg(amount).over("1d"), 0),
    mean_or: feature(avg(amount).over("1d")).default(-1),
    trend: feature(div(spent.over("1d"), spent.over("7d")))
      .default(0)
      .renamedFrom("ratio"),
    large: gt(spent.where(gt(amount, 100)).over("1d"), 100),
    shop: lower(max(vendor).over("7d")),
    own_default: add(avg(amount).over("1d").default(5), 1),
  },
});

async function answers(events: readonly NamedRow[], t: number) {
  const spec = specOfView(spending);
  const plan = planOf(spec, spec.features);
  const [found, expected] = await Promise.all(
    [localEngine(), naiveEngine()].map(async (engine) =>
      resultsOf(await computed(engine, plan, eventsOf(plan, events), entityRows([0, t]))),
    ),
  );
  expect(found).toEqual(expected);
  return Object.fromEntries(
    plan.columns.map(({ name }, c) => [name, [found![c]!.values[0], found![c]!.statuses[0]]]),
  );
}

test("functions of windows, with rows in both windows, in the long one, and in none", async () => {
  const old = eventRow(0, 0, { amount: 30, vendor: "Žabka" });
  const fresh = eventRow(0, 5 * DAY, { amount: 130, vendor: null });
  expect(await answers([old, fresh], 5 * DAY + 1)).toEqual({
    week: [160, "PRESENT"],
    burst: [0.5, "PRESENT"],
    mean: [130, "PRESENT"],
    mean_or: [130, "PRESENT"],
    trend: [130 / 160, "PRESENT"],
    large: [true, "PRESENT"],
    shop: ["žabka", "PRESENT"],
    own_default: [131, "PRESENT"],
  });
  expect(await answers([old], 3 * DAY)).toEqual({
    week: [30, "PRESENT"],
    burst: [0, "PRESENT"],
    mean: [0, "PRESENT"],
    mean_or: [-1, "NULL_VALUE"],
    trend: [0, "PRESENT"],
    large: [false, "PRESENT"],
    shop: ["žabka", "PRESENT"],
    own_default: [6, "PRESENT"],
  });
  expect(await answers([old], 8 * DAY)).toEqual({
    week: [0, "NOT_FOUND"],
    burst: [null, "NOT_FOUND"],
    mean: [0, "NOT_FOUND"],
    mean_or: [-1, "NOT_FOUND"],
    trend: [0, "NOT_FOUND"],
    large: [false, "NOT_FOUND"],
    shop: [null, "NOT_FOUND"],
    own_default: [6, "NOT_FOUND"],
  });
});

test("equal windows are computed once, also those of plain features", () => {
  expect(explainPlan([spending.week, spending.trend, spending.burst])).toMatchInlineSnapshot(`
    "answers week float64, trend float64, burst float64 or null
    needs user_id string
    derive
      week = week
      trend = div(trend_window_1, week); null is 0
      burst = div(burst_window_1, burst_window_2)
      window by user_id, found in 7d
        week = sum(amount) over 7d
        trend_window_1 = sum(amount) over 1d
        burst_window_1 = count() over 1d
        burst_window_2 = count() over 7d
        scan transactions: amount"
  `);
});

test("a function has the type of its expression, its columns and its longest window", () => {
  const features = new Map(specOfView(spending).features.map((one) => [one.name, one]));
  expect(features.get("burst")).toMatchObject({
    window: 7 * DAY,
    result: { type: "float64", nullable: true },
  });
  expect(features.get("trend")!.result.nullable).toBe(false);
  expect(columnsOf(features.get("large")!)).toEqual(["amount", "amount"]);
  expect(selectedFeatures(spending).map(({ as }) => as)).toContain("ratio");
});

/** The fingerprint of a view of one feature. */
function fingerprint(of: AnyExpr): string {
  const view = featureView("v", {
    entity: user,
    source: transactions,
    features: { f: of as never },
  });
  return definedObjects(collectDefinitions({ view })).get("feature v.f")!.fingerprint;
}

test("a fingerprint is of what the function computes", () => {
  const burst = fingerprint(div(count().over("1d"), count().over("7d")));
  expect(fingerprint(div(count().over("24h"), count().over("1w")))).toBe(burst);
  const others = [
    div(count().over("7d"), count().over("1d")),
    div(count().over("1d"), count().over("8d")),
    div(count(amount).over("1d"), count().over("7d")),
    div(count().where(gt(amount, 1)).over("1d"), count().over("7d")),
    mul(count().over("1d"), count().over("7d")),
    div(count().over("1d"), 7),
  ].map(fingerprint);
  expect(new Set([burst, ...others]).size).toBe(others.length + 1);
});

test("letter case in a function of windows is pinned by the registry", () => {
  const view = featureView("v", {
    entity: user,
    source: transactions,
    features: { shop: lower(max(vendor).over("7d")) },
  });
  expect(runtimeDataOf(collectDefinitions({ view }))).not.toEqual(
    runtimeDataOf(collectDefinitions({ user })),
  );
});
