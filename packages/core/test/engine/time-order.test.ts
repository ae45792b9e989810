/** Rows of entities are ordered by time, and rows of one time keep their order. */
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { expect, test } from "vitest";
import { orderByTime } from "../../src/engine/time-order.ts";

const { first, runs } = seedsFromEnvironment({ runs: 300 });

/** Rows of entities, in runs that ascend or in any order. */
const times = fc.integer({ min: -20, max: 20 });
const runOfTimes = fc.array(times, { maxLength: 40 }).map((run) => run.toSorted((a, b) => a - b));
const rowsOfEntity = fc.oneof(
  fc.array(times, { maxLength: 60 }),
  fc.array(runOfTimes, { maxLength: 12 }).map((some) => some.flat()),
);

test("any rows are in the order of a stable sort", () => {
  fc.assert(
    fc.property(fc.array(rowsOfEntity, { maxLength: 5 }), (entities) => {
      const starts = new Int32Array(entities.length + 1);
      entities.forEach((rows, e) => (starts[e + 1] = starts[e]! + rows.length));
      const given = entities.flat();
      const expected = entities.flatMap((rows, e) =>
        rows
          .map((time, i) => ({ time, row: starts[e]! + i }))
          .sort((a, b) => a.time - b.time || a.row - b.row),
      );
      const sorted = Float64Array.from(given);
      const order = orderByTime(starts, sorted);
      expect([...sorted]).toEqual(expected.map(({ time }) => time));
      const rows = expected.map(({ row }) => row);
      if (order === null) expect(rows).toEqual([...rows.keys()]);
      else expect([...order]).toEqual(rows);
    }),
    { seed: first, numRuns: runs },
  );
});
