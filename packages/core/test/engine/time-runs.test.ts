import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedByTime, type BatchRows } from "../../src/engine/time-runs.ts";

const timesOf = (batches: readonly BatchRows[]): number[] =>
  batches.flatMap(({ rows, times }) => Array.from(rows, (row) => times[row]!));

/** Batches of a few runs: the times of each are sorted, and some rows are not wanted. */
const batches = fc
  .array(
    fc.record({
      times: fc.array(fc.integer({ min: -5, max: 40 }), { maxLength: 30 }),
      sorted: fc.boolean(),
      step: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map(({ times, sorted, step }): BatchRows => {
      const own = Float64Array.from(sorted ? times.toSorted((a, b) => a - b) : times);
      return { times: own, rows: Int32Array.from(own.keys()).filter((row) => row % step === 0) };
    }),
  );

test("every row comes once, and the times ascend; or there are too many runs", () => {
  let merged = 0;
  fc.assert(
    fc.property(batches, (given) => {
      const total = given.reduce((sum, { rows }) => sum + rows.length, 0);
      const picks = mergedByTime(given, total);
      if (picks === null) return;
      merged++;
      const { part, index } = picks;
      const times = Array.from(part, (p, i) => given[p]!.times[index[i]!]!);
      expect(times).toEqual(timesOf(given).toSorted((a, b) => a - b));
      const rows = Array.from(part, (p, i) => `${p} ${index[i]}`);
      expect(rows.toSorted()).toEqual(
        given.flatMap((batch, p) => Array.from(batch.rows, (row) => `${p} ${row}`)).toSorted(),
      );
    }),
    { numRuns: 500 },
  );
  expect(merged).toBeGreaterThan(100);
});

test("rows in the opposite order of time are no small number of runs", () => {
  const times = Float64Array.from({ length: 100 }, (_, i) => -i);
  const rows = Int32Array.from(times.keys());
  expect(mergedByTime([{ times, rows }], 100)).toBeNull();
  expect(mergedByTime([{ times, rows: rows.slice(0, 32) }], 32)).not.toBeNull();
});
