import {
  avg,
  count,
  entity,
  explainPlan,
  featureService,
  featureView,
  gt,
  latest,
  mul,
  selectedFeatures,
  sum,
} from "@tidemark/core";
import { transactions, user, weekly } from "@tidemark/testkit/bank/definitions";
import { expect, test } from "vitest";
import { bytes, float64, pushSource, string, timestamp } from "@tidemark/core";
import { compileQuery, planOf } from "../../src/plan/compile.ts";
import { specOfView } from "../../src/define/spec-of.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import { entityRows, eventRow, eventsOf } from "../../src/testing/engine-cases.ts";
import { computed } from "../../src/testing/engine-queries.ts";

const spending = featureView("spending", {
  entity: user,
  source: transactions,
  features: {
    spent: sum(transactions.amount).overEach("1d", "7d"),
    large: sum(transactions.amount).where(gt(transactions.amount, 100)).over("7d"),
    count_large: count().where(gt(transactions.amount, 100)).over("7d").renamedFrom("n_large"),
    mean: avg(transactions.amount).over("7d").default(0),
    spent_again: sum(transactions.amount).over("7d"),
    twice: sum(mul(transactions.amount, 2)).over("7d"),
  },
});
const newest = featureView("newest", {
  entity: user,
  source: transactions,
  ttl: "30d",
  features: { vendor: latest(transactions.vendor) },
});

test("explainPlan prints the tree; equal aggregates are one", () => {
  const service = featureService("both", [
    spending.spent_1d,
    spending.mean,
    spending.large,
    spending.spent_1d.as("spent"),
    newest.vendor.as("shop"),
  ]);
  expect(explainPlan(service)).toMatchInlineSnapshot(`
    "answers spent_1d float64, mean float64, large float64, spent float64, shop string or null
    needs user_id string
    join
      derive
        spent_1d = spent_1d
        mean = mean; null is 0
        large = large
        spent = spent_1d
        window by user_id, found in 7d
          spent_1d = sum(amount) over 1d
          mean = avg(amount) over 7d
          large = sum(amount) where amount > 100 over 7d
          scan transactions: amount
      derive
        shop = vendor
        latest by user_id, not older than 30d
          vendor = vendor
          scan transactions: id, vendor"
  `);
});

test("a query is plain data", () => {
  const { query } = compileQuery(selectedFeatures([spending, newest, weekly]));
  expect(structuredClone(query)).toEqual(query);
});

test("a plan says what callers give and get", () => {
  const { query, views } = compileQuery(selectedFeatures([newest.vendor.as("shop"), spending]));
  expect(query.needs).toEqual([{ name: "user_id", type: "string", nullable: false }]);
  expect(query.outputs.slice(0, 2)).toEqual([
    { name: "shop", type: "string", nullable: true },
    { name: "spent_1d", type: "float64", nullable: false },
  ]);
  expect(views.map(({ indexes }) => indexes)).toEqual([[0], [1, 2, 3, 4, 5, 6, 7, 8]]);
  expect(explainPlan(newest)).not.toContain("join");
});

test("literals that differ are different aggregates", () => {
  const other = pushSource("other", {
    columns: { id: string(), at: timestamp(), x: float64(), raw: bytes().nullable() },
    primaryKey: ["id"],
    eventTime: "at",
  });
  const who = entity("who", { keys: { id: string() } });
  const view = featureView("v", {
    entity: who,
    source: other,
    features: {
      a: sum(other.x).where(gt(other.x, 1)).over("1d"),
      b: sum(other.x).where(gt(other.x, 1)).over("1d"),
      c: sum(other.x).where(gt(other.x, 2)).over("1d"),
      d: sum(other.x).where(gt(other.x, 1)).over("2d"),
      e: count(other.x).where(gt(other.x, 1)).over("1d"),
    },
  });
  const spec = specOfView(view);
  const { input } = planOf(spec, spec.features);
  expect(input.node === "window" && input.aggregates.map(({ name }) => name)).toEqual([
    "a",
    "c",
    "d",
    "e",
  ]);
});

test("features together answer as each alone", async () => {
  const spec = specOfView(spending);
  const rows = Array.from({ length: 40 }, (_, i) =>
    eventRow(i % 2, i * 40_000_000_000, { amount: (i * 37) % 211 }),
  );
  const asked = entityRows(...[0, 1].flatMap((key) => [3e11, 9e11].map((t) => [key, t] as const)));
  const answer = async (features: typeof spec.features) => {
    const plan = planOf(spec, features);
    return computed(localEngine(), plan, eventsOf(plan, rows), asked);
  };
  const alone = await Promise.all(spec.features.map((feature) => answer([feature])));
  expect(await answer(spec.features)).toEqual(alone.flat());
});
