import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedByTime } from "../../src/engine/time-runs.ts";

/** Times in pieces, most of which ascend. */
const times = fc
  .array(
    fc.record({
      times: fc.array(fc.integer({ min: -5, max: 40 }), { maxLength: 30 }),
      sorted: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((pieces) =>
    Float64Array.from(
      pieces.flatMap(({ times: own, sorted }) => (sorted ? own.toSorted((a, b) => a - b) : own)),
    ),
  );

test("every row comes once, and the times ascend; or there are too many runs", () => {
  let merged = 0;
  fc.assert(
    fc.property(times, (given) => {
      const order = mergedByTime(given);
      if (order === null) return;
      merged++;
      expect(order.map((row) => given[row]!)).toEqual(
        Int32Array.from(given.toSorted((a, b) => a - b)),
      );
      expect(order.toSorted()).toEqual(Int32Array.from(given.keys()));
    }),
    { numRuns: 500 },
  );
  expect(merged).toBeGreaterThan(100);
});

test("rows in the opposite order of time are no small number of runs", () => {
  const descending = Float64Array.from({ length: 33 }, (_, i) => -i);
  expect(mergedByTime(descending)).toBeNull();
  expect(mergedByTime(descending.subarray(0, 32))).not.toBeNull();
});
