import {
  entityPartitions,
  joinPartitions,
  partitionCount,
} from "../../src/offline/entity-partitions.ts";
import { keyColumns } from "../../src/request/entity-keys.ts";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { expect, test } from "vitest";

test.for([1, 2, 3, 7])(
  "in %d passes every row is asked once, one entity's rows together, and comes back in its place",
  (count) => {
    const { views, requests } = generateScenario(5, { requests: 40 });
    const view = views[0]!;
    const keys = keyColumns(
      view.entity.keys,
      requests.map((request) => request.keys),
    );
    const times = Float64Array.from(requests, (request) => request.time);
    const passes = entityPartitions(view, keys, times, count);
    const seen = passes.flatMap((pass) => [...pass.indexes]);
    expect(seen.toSorted((a, b) => a - b)).toEqual(requests.map((_, i) => i));
    for (const pass of passes)
      expect(
        [...pass.rows.entity].every((entity) => entity >= 0 && entity < pass.rows.keyCount),
      ).toBe(true);
    // An entity partition answers each row with its own time, and puts each time back in its place.
    const answers = joinPartitions(
      passes.map(({ indexes, rows }) => ({
        indexes,
        answers: [
          {
            values: { kind: "float64" as const, values: rows.time, valid: null },
            statuses: new Uint8Array(rows.length),
            times: rows.time,
          },
        ],
      })),
      keys.length,
    );
    expect(answers[0]).toEqual({
      values: { kind: "float64", values: times, valid: null },
      statuses: new Uint8Array(keys.length),
      times,
    });
  },
);

test("more entity partitions are made for more events, more columns, and what was known", () => {
  expect(partitionCount(0, 0, "as-corrected", 2 ** 30)).toBe(1);
  expect(partitionCount(10_000_000, 3, "as-corrected", 2 ** 30)).toBe(1);
  expect(partitionCount(10_000_000, 3, "as-known", 2 ** 30)).toBe(2);
  expect(partitionCount(10_000_000, 12, "as-corrected", 2 ** 30)).toBe(3);
  expect(partitionCount(100_000_000, 3, "as-corrected", 2 ** 30)).toBe(10);
  expect(partitionCount(100_000_000, 3, "as-corrected", 2 ** 31)).toBe(5);
});
