/** A scan with a range of keys reads the row groups with such keys, and gives their rows alone. */
import { batchOf, valueAt, type ColumnSpec, type TableSpec, type Value } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, type ObjectStore } from "@tidemark/delta";
import { expect, test } from "vitest";
import { rowsOfKeys } from "../src/parquet/key-rows.ts";
import { column, temporary } from "./lakes.ts";

const ROWS = 300_000;

/** Counts the bytes that are read of data files. */
function counting(objects: ObjectStore, read: { bytes: number }): ObjectStore {
  return {
    name: objects.name,
    size: (...args) => objects.size(...args),
    async read(key, ...args) {
      const bytes = await objects.read(key, ...args);
      if (key.endsWith(".parquet")) read.bytes += bytes?.length ?? 0;
      return bytes;
    },
    put: (...args) => objects.put(...args),
    createIfAbsent: (...args) => objects.createIfAbsent(...args),
    list: (...args) => objects.list(...args),
    delete: (...args) => objects.delete(...args),
  };
}

test("rows of other keys are skipped, by row groups and within them", async () => {
  const folder = await temporary();
  const read = { bytes: 0 };
  const store = deltaOfflineStore(counting(localObjects(folder), read));
  const columns: readonly ColumnSpec[] = [column("key", "string"), column("value", "int64")];
  const table: TableSpec = { name: "keys", columns, partitionBy: [] };
  const keyOf = (row: number): string => `k${String(Math.floor(row / 1000)).padStart(3, "0")}`;
  const rows = Array.from({ length: ROWS }, (_, row): Value[] => [
    keyOf(row),
    BigInt(row) * 999_983n,
  ]);
  await store.append(table, [batchOf(columns, rows)], { positions: [] });
  const scan = async (keyRange?: { column: string; min: Value; max: Value }) => {
    read.bytes = 0;
    const values: Value[] = [];
    const keys = new Set<Value>();
    for await (const { length, vectors } of store.scan("keys", {
      columns: ["value", "key"],
      keyRange,
    }))
      for (let i = 0; i < length; i++) {
        values.push(valueAt(vectors[0]!, i));
        keys.add(valueAt(vectors[1]!, i));
      }
    return { rows: values.length, bytes: read.bytes, keys };
  };
  const all = await scan();
  expect(all.rows).toBe(ROWS);
  const some = await scan({ column: "key", min: "k002", max: "k004" });
  expect([...some.keys]).toEqual(["k002", "k003", "k004"]);
  expect(some.rows).toBe(3000);
  // one row group of three
  expect(some.bytes).toBeLessThan(all.bytes / 2);
  expect(await scan({ column: "key", min: "l", max: "m" })).toMatchObject({ rows: 0 });
  await store.close();
});

test("the rows from the first to the last key of a range", () => {
  const texts = (values: readonly (string | null)[]) =>
    batchOf(
      [column("key", "string")],
      values.map((value) => [value]),
    ).vectors[0]!;
  const found = (values: readonly (string | null)[], min: string, max: string) => {
    const { from, to } = rowsOfKeys(texts(values), values.length, { column: "key", min, max });
    return [from, to];
  };
  expect(found(["a", "b", "b", "c"], "b", "b")).toEqual([1, 3]);
  // U+E000 comes before U+1F600
  expect(found(["a", "\u{e000}", "\u{1f600}"], "b", "\u{1f5ff}")).toEqual([1, 2]);
  expect(found([null, "b", null, "b", null], "b", "b")).toEqual([1, 4]);
  // not sorted: all rows between come too
  expect(found(["b", "a", "b", "c"], "b", "b")).toEqual([0, 3]);
  expect(found(["a", "c"], "b", "b")).toEqual([2, 2]);
  const longs = batchOf([column("key", "int64")], [[5n], [2n ** 53n + 1n], [9n]]).vectors[0]!;
  const range = { column: "key", min: 2n ** 53n + 1n, max: 2n ** 60n };
  expect(rowsOfKeys(longs, 3, range)).toEqual({ from: 1, to: 2 });
});
