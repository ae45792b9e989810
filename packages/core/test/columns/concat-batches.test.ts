import { expect, test } from "vitest";
import { batchOf, concatBatches, valueAt } from "../../src/columns/batch.ts";
import type { ColumnSpec, ScalarType, Value } from "../../src/specs.ts";

const values: Readonly<Record<ScalarType, readonly Value[]>> = {
  string: ["b", null, "a", "b", "", "c"],
  json: ["{}", "[1]", null, "{}", "1", null],
  boolean: [true, false, null, true, true, false],
  int32: [1, -1, null, 2147483647, 0, 5],
  int64: [1n, null, 9223372036854775807n, -1n, 0n, 3n],
  float64: [0.5, -1, null, 1e300, 0, 2],
  decimal: [1n, 10n ** 37n, null, -5n, 0n, 7n],
  timestamp: [0, -1, null, 1_741_064_767_123_456, 5, 6],
  date: [0, -719162, null, 20147, 1, 2],
  bytes: [
    new Uint8Array([1]),
    null,
    new Uint8Array(0),
    new Uint8Array([255, 0]),
    null,
    new Uint8Array([2]),
  ],
};
const columns = Object.keys(values).map((kind): ColumnSpec => ({
  name: kind,
  database: kind,
  type: kind as ScalarType,
  nullable: true,
  precision: 38,
  scale: 0,
}));
const rows = Array.from({ length: 6 }, (_, i) =>
  columns.map(({ type }) => values[type as ScalarType][i]!),
);

for (const [text, cuts] of [
  ["one batch", [6]],
  ["an empty batch between", [2, 0, 4]],
  ["a batch per row", [1, 1, 1, 1, 1, 1]],
  ["nulls in one batch only", [3, 3]],
  ["nothing", [0, 0]],
] as const) {
  test(`joined batches hold the rows of each, in order: ${text}`, () => {
    let at = 0;
    const batches = cuts.map((length) => batchOf(columns, rows.slice(at, (at += length))));
    const joined = concatBatches(columns, batches);
    expect(joined.length).toBe(at);
    for (let i = 0; i < at; i++)
      expect(joined.vectors.map((vector) => valueAt(vector, i))).toEqual(rows[i]);
  });
}

test("equal strings of different batches have equal codes", () => {
  const joined = concatBatches(columns.slice(0, 1), [
    batchOf(columns.slice(0, 1), [["a"], ["b"]]),
    batchOf(columns.slice(0, 1), [["b"], ["a"]]),
  ]).vectors[0]!;
  expect(joined.kind === "string" ? [...joined.codes] : []).toEqual([0, 1, 1, 0]);
});
