/** A scan with a range of keys reads the row groups with such keys, and gives their rows alone. */
import { batchOf, valueAt, type ColumnSpec, type TableSpec, type Value } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, type ObjectStore } from "@tidemark/delta";
import { expect, test } from "vitest";
import { asksForMost, rowsOfKeys } from "../src/parquet/key-rows.ts";
import { column, temporary } from "./lakes.ts";

const ROWS = 300_000;

/** Counts the bytes that are read of data files. */
function counting(objects: ObjectStore, read: { bytes: number }): ObjectStore {
  return {
    ...objects,
    async read(key, ...args) {
      const bytes = await objects.read(key, ...args);
      if (key.endsWith(".parquet")) read.bytes += bytes?.length ?? 0;
      return bytes;
    },
  };
}

test("rows of other keys are skipped, by row groups and pages", async () => {
  const folder = await temporary();
  const read = { bytes: 0 };
  const store = deltaOfflineStore(counting(localObjects(folder), read));
  const columns: readonly ColumnSpec[] = [column("key", "string"), column("value", "int64")];
  const table: TableSpec = { name: "keys", columns, partitionBy: [], readByKey: true };
  const keyOf = (row: number): string => `k${String(Math.floor(row / 1000)).padStart(3, "0")}`;
  const rows = Array.from({ length: ROWS }, (_, row): Value[] => [
    keyOf(row),
    BigInt(row) * 999_983n,
  ]);
  await store.append(table, [batchOf(columns, rows)], { positions: [] });
  const scan = async (...ranges: readonly (readonly [min: Value, max: Value])[]) => {
    read.bytes = 0;
    const values: Value[] = [];
    const keys = new Set<Value>();
    for await (const { length, vectors } of store.scan("keys", {
      columns: ["value", "key"],
      ...(ranges.length > 0 && {
        keyRanges: { column: "key", ranges: ranges.map(([min, max]) => ({ min, max })) },
      }),
    }))
      for (let i = 0; i < length; i++) {
        values.push(valueAt(vectors[0]!, i));
        keys.add(valueAt(vectors[1]!, i));
      }
    return { rows: values.length, bytes: read.bytes, keys };
  };
  const all = await scan();
  expect(all.rows).toBe(ROWS);
  const some = await scan(["k002", "k004"]);
  expect([...some.keys]).toEqual(["k002", "k003", "k004"]);
  expect(some.rows).toBe(3000);
  // a row group has 131,072 rows, and a page has 768
  expect(some.bytes).toBeLessThan(all.bytes / 8);
  const two = await scan(["k002", "k002"], ["k290", "k290"]);
  expect([...two.keys]).toEqual(["k002", "k290"]);
  expect(two.rows).toBe(2000);
  expect(two.bytes).toBeLessThan(all.bytes / 8);
  expect(await scan(["l", "m"])).toMatchObject({ rows: 0 });
  await store.close();
});

test("the rows with a key of the ranges", () => {
  const texts = (values: readonly (string | null)[]) =>
    batchOf(
      [column("key", "string")],
      values.map((value) => [value]),
    ).vectors[0]!;
  const found = (values: readonly (string | null)[], ...ranges: readonly [Value, Value][]) =>
    rowsOfKeys(texts(values), values.length, {
      ranges: ranges.map(([min, max]) => ({ min, max })),
    })!.map(({ from, to }) => [from, to]);
  expect(found(["a", "b", "b", "c"], ["b", "b"])).toEqual([[1, 3]]);
  // U+E000 comes before U+1F600
  expect(found(["a", "\u{e000}", "\u{1f600}"], ["b", "\u{1f5ff}"])).toEqual([[1, 2]]);
  expect(found([null, "b", null, "b", null], ["b", "b"])).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(found(["b", "a", "b", "c", "d"], ["b", "b"], ["c", "e"])).toEqual([
    [0, 1],
    [2, 5],
  ]);
  expect(found(["a", "c"], ["b", "b"])).toEqual([]);
  const longs = batchOf([column("key", "int64")], [[5n], [2n ** 53n + 1n], [9n]]).vectors[0]!;
  const ranges = [{ min: 2n ** 53n + 1n, max: 2n ** 60n }];
  expect(rowsOfKeys(longs, 3, { ranges })).toEqual([{ from: 1, to: 2 }]);
  const numbers = batchOf([column("key", "float64")], [[5]]).vectors[0]!;
  expect(rowsOfKeys(numbers, 1, { ranges: [{ min: 1, max: 2 }] })).toBe(null);
});

test("a scan that asks for most keys of a row group", () => {
  const many = (...keys: readonly string[]) => ({
    ranges: keys.map((key) => ({ min: key, max: key })),
  });
  expect(asksForMost({ ranges: [{ min: "a", max: "z" }] }, "b", "y", 99)).toBe(true);
  expect(asksForMost({ ranges: [{ min: "c", max: "z" }] }, "b", "y", 99)).toBe(false);
  expect(asksForMost(many("a", "c", "e", "z"), "b", "y", 2)).toBe(true);
  expect(asksForMost(many("a", "c", "e", "z"), "b", "y", 3)).toBe(false);
  // the rows before the first key and after the last one are not asked
  expect(asksForMost(many("c", "d", "e", "z"), "b", "y", 2)).toBe(false);
  expect(asksForMost(many("a", "c", "d", "e"), "b", "y", 2)).toBe(false);
});
