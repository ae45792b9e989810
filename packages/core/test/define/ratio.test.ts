/** A ratio is a function of two windows, written in one call. */
import {
  and,
  avg,
  coalesce,
  count,
  div,
  entity,
  eq,
  feature,
  featureView,
  float64,
  gt,
  decimal,
  int64,
  latest,
  lower,
  max,
  min,
  mul,
  ratio,
  source,
  string,
  sum,
  timestamp,
  type RowOf,
} from "@tidemark/core";
import { expect, expectTypeOf, test } from "vitest";
import { specOfView } from "../../src/define/spec-of.ts";
import { resultsOf } from "../../src/engine/engine-columns.ts";
import { localEngine } from "../../src/engine/local-engine.ts";
import { planOf } from "../../src/plan/compile.ts";
import { entityRows, eventsOf } from "../../src/testing/engine-cases.ts";
import { computed } from "../../src/testing/engine-queries.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    time: timestamp(),
    x: float64().nullable(),
    fee: decimal({ precision: 9, scale: 2 }),
    kind: string(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const refunds = source("refunds", {
  table: "public.refunds",
  columns: { id: int64(), user_id: string(), time: timestamp(), x: float64() },
  primaryKey: ["id"],
  eventTime: "time",
});
const { x, fee, kind } = payments;
const large = gt(x, 3);
const online = eq(kind, "online");

const view = <F extends Parameters<typeof featureView>[1]["features"]>(features: F) =>
  specOfView(featureView("v", { entity: user, source: payments, features } as never));

test.each([
  ["as it is", ratio(sum(x), count(x)).over("1d"), div(sum(x).over("1d"), count(x).over("1d"))],
  [
    "with conditions of both and of one",
    ratio(sum(x).where(large), count()).where(online).over("1d"),
    div(sum(x).where(and(large, online)).over("1d"), count().where(online).over("1d")),
  ],
  [
    "with a default",
    ratio(sum(x), count()).over("1d").default(0),
    feature(div(sum(x).over("1d"), count().over("1d"))).default(0),
  ],
  [
    "with a default before the window",
    ratio(sum(x), count()).default(0).over("1d"),
    feature(div(sum(x).over("1d"), count().over("1d"))).default(0),
  ],
  [
    "with a former name",
    ratio(sum(x), count()).over("1d").renamedFrom("old"),
    feature(div(sum(x).over("1d"), count().over("1d"))).renamedFrom("old"),
  ],
  [
    "of a ratio, with the default of a part",
    ratio(ratio(sum(x), count()), avg(fee).default(1)).over("1d"),
    div(div(sum(x).over("1d"), count().over("1d")), avg(fee).default(1).over("1d")),
  ],
  [
    "in a function of windows",
    mul(ratio(sum(x), count()).default(0).over("1d"), 100),
    mul(coalesce(div(sum(x).over("1d"), count().over("1d")), 0), 100),
  ],
])("a ratio %s", (_, one, spelled) => {
  const [found, expected] = [view({ f: one } as never), view({ f: spelled } as never)];
  expect(found.features).toStrictEqual(expected.features);
});

test("overEach makes one feature for each window", () => {
  const found = view({
    f: ratio(sum(x), count()).overEach("1d", "7d").renamedFrom("old"),
  } as never);
  expect(
    found.features.map(({ name, window, renamedFrom }) => [name, window, renamedFrom]),
  ).toEqual([
    ["f_1d", 86_400e6, ["old_1d"]],
    ["f_7d", 7 * 86_400e6, ["old_7d"]],
  ]);
});

// The rows of docs/aggregations.md: 12 ÷ 20.
test("a ratio divides two doubles once", async () => {
  const HOUR = 3_600_000_000;
  const spec = view({
    f: ratio(sum(x).where(eq(kind, "ok")), sum(x)).over("1d"),
    cents: ratio(sum(fee), count()).over("1d"),
    nothing: ratio(sum(x), count()).over("1h"),
    zero: ratio(count(), sum(x)).where(eq(kind, "none")).over("1d"),
  } as never);
  const plan = planOf(spec, spec.features);
  const row = (id: number, hour: number, value: number | null, ok: string) => ({
    entity: 0,
    time: hour * HOUR,
    from: -Infinity,
    to: Infinity,
    values: { id: BigInt(id), user_id: "a", time: hour * HOUR, x: value, fee: 10n, kind: ok },
  });
  const rows = [
    row(1, 6, 2, "ok"),
    row(2, 8, 4, "not"),
    row(3, 8, 4, "not"),
    row(4, 10, null, "ok"),
    row(5, 11, 10, "ok"),
  ];
  const found = resultsOf(
    await computed(localEngine(), plan, eventsOf(plan, rows), entityRows([0, 12 * HOUR])),
  );
  expect(found.map(({ values, statuses }) => [values[0], statuses[0]])).toEqual([
    [0.6, "PRESENT"],
    [0.1, "PRESENT"],
    [10, "PRESENT"],
    [null, "NULL_VALUE"],
  ]);
});

test("the types of ratios", () => {
  const made = featureView("v", {
    entity: user,
    source: payments,
    features: {
      plain: ratio(sum(fee), count()).over("1d"),
      filled: ratio(count(), sum(x)).over("7d").default(0),
      each: ratio(max(x), min(x)).where(online).overEach("1d", "7d"),
      percent: mul(ratio(count().where(online), count()).over("1d"), 100),
    },
  });
  expectTypeOf<RowOf<typeof made>>().toEqualTypeOf<{
    plain: number | null;
    filled: number;
    each_1d: number | null;
    each_7d: number | null;
    percent: number | null;
  }>();
});

test.each([
  [
    "a column",
    "DEFINITION_INVALID",
    "ratio(): a must be an aggregation without a window, such as count(), got column payments.x",
    // @ts-expect-error -- a column is no aggregation
    () => ratio(x, count()),
  ],
  [
    "a part with its window",
    "DEFINITION_INVALID",
    "ratio(b: count()): it has its window already; give the window to the ratio",
    // @ts-expect-error -- this aggregation has its window already: give the window to the ratio
    () => ratio(sum(x), count().over("1d")),
  ],
  [
    "the latest value",
    "DEFINITION_INVALID",
    "ratio(a: latest(payments.x)): it is the latest value; a ratio takes aggregations over rows",
    // @ts-expect-error -- this is the latest value: a ratio takes aggregations over rows
    () => ratio(latest(x), count()),
  ],
  [
    "text",
    "TYPE_MISMATCH",
    "ratio(a: max(lower(payments.kind))): it answers string; a ratio takes numbers",
    // @ts-expect-error -- this aggregation answers string: a ratio takes numbers
    () => ratio(max(lower(kind)), count()),
  ],
  [
    "two sources",
    "COLUMN_OF_ANOTHER_SOURCE",
    'ratio(b: sum(refunds.x)): it is about source "refunds", a about "payments"',
    // @ts-expect-error -- this is about refunds, the first argument about payments
    () => ratio(sum(x), sum(refunds.x)),
  ],
  [
    "no window",
    "DEFINITION_INVALID",
    'feature "f": say over which window, as in .over("7d")',
    () => view({ f: ratio(sum(x), count()) } as never),
  ],
] as const)("a ratio with %s is refused", (_, code, says, call) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code });
  expect((thrown as Error).message).toContain(says);
});
