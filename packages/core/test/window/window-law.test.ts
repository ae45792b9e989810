import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { windowPlan, over } from "../../src/testing/engine-cases.ts";
import { resultWriters } from "../../src/window/timed-rows.ts";
import { windowKernel } from "../../src/window/window-kernel.ts";
import { isKnown, lowerBound } from "../../src/window/window-law.ts";

const DAY = 86_400_000_000;

/**
 * The number of these times that a window holds. With `known`: of versions known in these
 * intervals.
 */
function held(
  times: readonly number[],
  window: number,
  t: number,
  known?: { readonly from: number; readonly to: number },
): number {
  const plan = windowPlan(over("count", null, window));
  const every = (bound: number): Float64Array => Float64Array.from(times, () => bound);
  const rows = {
    time: Float64Array.from(times),
    from: known === undefined ? null : every(known.from),
    to: known === undefined ? null : every(known.to),
    columns: batchOf(
      [],
      times.map(() => []),
    ),
  };
  const sheets = resultWriters(plan.columns, 1);
  windowKernel(plan, rows, { count: 0 })(0, times.length, t, sheets, 0);
  return Number(sheets[0]!.values[0]);
}

describe.each([
  ["a day", DAY],
  ["a microsecond", 1],
])("a window of %s", (_: string, w: number) => {
  // 2025, before 1970, the epoch, the edge of a day, and the ends of the safe integers.
  test.each([
    [1_741_064_767_123_456],
    [-1_741_064_767_123_456],
    [0],
    [DAY * 20_000],
    [2 ** 53 - 1],
    [w + 1 - 2 ** 53],
  ])("at %d holds t − w and t − 1, neither t − w − 1 nor t", (t: number) => {
    expect(held([t], w, t)).toBe(0);
    expect(held([t - 1], w, t)).toBe(1);
    expect(held([t - w], w, t)).toBe(1);
    expect(held([t - w - 1], w, t)).toBe(0);
  });
});

test("a value decays as the clock moves, with no event", () => {
  expect([1, 10, 11, 12, 20, 21].map((t) => held([0, 1, 10], 10, t))).toEqual([1, 2, 2, 1, 1, 0]);
});

test("an event in the future waits for its time", () => {
  expect([99, 100, 101].map((t) => held([100], 10, t))).toEqual([0, 0, 1]);
});

describe("a version", () => {
  test("is seen while known from < t ≤ known to", () => {
    expect([10, 11, 20, 21].map((t) => isKnown(10, 20, t))).toEqual([false, true, true, false]);
    expect(isKnown(10, 10, 10)).toBe(false);
    expect([isKnown(-Infinity, Infinity, -(2 ** 53)), isKnown(-Infinity, -Infinity, 0)]).toEqual([
      true,
      false,
    ]);
  });

  test("counts for max(event time, known from) < t ≤ min(event time + w, known to)", () => {
    const counts = (from: number, to: number): number[] =>
      [100, 101, 110, 111, 150, 151, 200, 201].filter(
        (t) => held([100], 100, t, { from, to }) === 1,
      );
    expect(counts(-Infinity, Infinity)).toEqual([101, 110, 111, 150, 151, 200]);
    expect(counts(110, 150)).toEqual([111, 150]);
    expect(counts(50, 150)).toEqual([101, 110, 111, 150]);
    expect(counts(110, 500)).toEqual([111, 150, 151, 200]);
  });
});

test("the lower bound is the first time that is not below, as a walk finds it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 })),
      fc.integer({ min: -1, max: 21 }),
      fc.nat(),
      fc.nat(),
      (list, bound, a, b) => {
        const times = Float64Array.from(list.sort((x, y) => x - y));
        const [start, end] = [a % (times.length + 1), b % (times.length + 1)].sort(
          (x, y) => x - y,
        ) as [number, number];
        let walked = start;
        while (walked < end && times[walked]! < bound) walked++;
        expect(lowerBound(times, start, end, bound)).toBe(walked);
      },
    ),
  );
});
