import { expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import type { Value } from "../../src/specs.ts";
import { asOfKernel } from "../../src/asof/as-of-kernel.ts";
import { latestPlan, latest } from "../../src/testing/engine-cases.ts";
import { inputOf } from "../../src/plan/plan-kinds.ts";
import { resultWriters } from "../../src/window/timed-rows.ts";

interface Fact {
  readonly time: number;
  readonly s: string | null;
  readonly id?: number;
  readonly created?: number | null;
  readonly from?: number;
  readonly to?: number;
}

/** The values that hold at `t`, of facts sorted by time. */
function holding(facts: readonly Fact[], t: number, ttl: number | null = null): readonly Value[] {
  const plan = latestPlan(ttl, latest("s"));
  const rows = facts.map(({ s, id = 0, created = null }): Readonly<Record<string, Value>> => ({
    s,
    id,
    created,
  }));
  const scanned = inputOf(plan.input.input).columns;
  const columns = batchOf(
    scanned,
    rows.map((row) => scanned.map(({ name }) => row[name]!)),
  );
  const [from, to] = [
    Float64Array.from(facts, (fact) => fact.from ?? -Infinity),
    Float64Array.from(facts, (fact) => fact.to ?? Infinity),
  ];
  const sheets = resultWriters(plan.columns, 1);
  const time = Float64Array.from(facts, (fact) => fact.time);
  asOfKernel(plan, { time, from, to, columns }, { count: 0 })(0, facts.length, t, sheets, 0);
  const { values, statuses, times } = sheets[0]!;
  return [values[0]!, statuses[0]!, Number.isNaN(times[0]!) ? null : times[0]!];
}

test("a row holds at its own moment, and not before", () => {
  expect(holding([{ time: 10, s: "a" }], 9)).toEqual([null, "NOT_FOUND", null]);
  expect(holding([{ time: 10, s: "a" }], 10)).toEqual(["a", "PRESENT", 10]);
});

test("a row holds until its ttl is over, that moment included", () => {
  expect(holding([{ time: 10, s: "a" }], 15, 5)).toEqual(["a", "PRESENT", 10]);
  expect(holding([{ time: 10, s: "a" }], 16, 5)).toEqual([null, "OUTSIDE_MAX_AGE", 10]);
  expect(holding([{ time: 10, s: "a" }], 10, 0)).toEqual(["a", "PRESENT", 10]);
});

test("the newest row decides, even if its value is null", () => {
  expect(
    holding(
      [
        { time: 1, s: "a" },
        { time: 2, s: null },
      ],
      5,
    ),
  ).toEqual([null, "NULL_VALUE", 2]);
});

test("a newer row that is not known leaves the older one", () => {
  const facts = [
    { time: 1, s: "a" },
    { time: 2, s: "b", from: 10, to: 20 },
  ];
  expect([10, 11, 20, 21].map((t) => holding(facts, t)[0])).toEqual(["a", "b", "b", "a"]);
});

test("a known row of any age counts before a newer row that is not known", () => {
  expect(
    holding(
      [
        { time: 1, s: "a" },
        { time: 2, s: "b", from: 90 },
      ],
      50,
      10,
    ),
  ).toEqual([null, "OUTSIDE_MAX_AGE", 1]);
});

test("the later created column breaks a tie, then the larger key; null is earliest", () => {
  const tie = (...facts: readonly Omit<Fact, "time">[]): Value =>
    holding(
      facts.map((fact) => ({ ...fact, time: 7 })),
      7,
    )[0]!;
  expect(tie({ s: "a", created: 5, id: 1 }, { s: "b", created: 4, id: 2 })).toBe("a");
  expect(tie({ s: "a", created: null, id: 9 }, { s: "b", created: -5, id: 2 })).toBe("b");
  expect(tie({ s: "a", created: 4, id: 3 }, { s: "b", created: 4, id: 2 })).toBe("a");
  expect(tie({ s: "a", id: 2 }, { s: "b", id: 10 })).toBe("b");
});
