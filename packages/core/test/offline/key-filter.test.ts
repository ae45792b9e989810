/** Tests that exactly the rows whose keys are in a set are found. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { historyContext, type HistoryContext } from "../../src/offline/history-context.ts";
import { batchOf } from "../../src/columns/batch.ts";
import { keyFinder, keyRange, type KeySet } from "../../src/offline/key-filter.ts";
import type { ColumnSpec, SourceSpec, Value } from "../../src/specs.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

const columns: readonly ColumnSpec[] = [
  { name: "place", database: "place", type: "string", nullable: false },
  { name: "id", database: "id", type: "int64", nullable: false },
];
const contextOf = (...primaryKey: readonly string[]): HistoryContext =>
  historyContext(memoryOfflineStore(), {
    name: "visits",
    table: "public.visits",
    columns,
    primaryKey,
    eventTime: { kind: "committed", since: null },
    createdAt: null,
  } satisfies SourceSpec);
const names = columns.map(({ name }) => name);
const setOf = ({ rows }: HistoryContext, keys: readonly (readonly Value[])[]): KeySet =>
  new Map(keys.map((key) => [rows.textOf(key), { key }]));

test("a row is found exactly if its key is in the set", () => {
  const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const key = fc.tuple(fc.constantFrom("a", "b"), fc.oneof(id, fc.constantFrom(0n, 1n, 2n)));
  const context = contextOf("place", "id");
  fc.assert(
    fc.property(fc.array(key), fc.array(key), (within, others) => {
      const keys = setOf(context, within);
      const rows = [...others, ...within];
      const find = keyFinder(context, keys, names)(batchOf(columns, rows));
      rows.forEach((row, i) => {
        const text = context.rows.textOf(row);
        expect(find(i)).toBe(keys.has(text) ? text : null);
      });
    }),
  );
});

test("without an integer in the key rows are found too", () => {
  const context = contextOf("place");
  const find = keyFinder(context, setOf(context, [["a"]]), names);
  const found = find(
    batchOf(columns, [
      ["a", 1n],
      ["b", 1n],
    ]),
  );
  expect([found(0), found(1)]).toEqual([context.rows.textOf(["a"]), null]);
});

test("the range of the keys' integer column is known, unless a double cannot hold it", () => {
  const context = contextOf("place", "id");
  const range = (...ids: readonly bigint[]): unknown =>
    keyRange(
      context,
      setOf(
        context,
        ids.map((one) => ["a", one]),
      ),
    );
  expect(range(7n, -2n, 5n)).toEqual({ column: "id", min: -2, max: 7 });
  expect(range(7n, 2n ** 60n)).toBe(undefined);
  expect(keyRange(contextOf("place"), new Map())).toBe(undefined);
});
