/** Files with small pages: every reader gets the rows, and a scan of few keys reads few pages. */
import assert from "node:assert/strict";
import { type ColumnChunk, readColumnIndex, readOffsetIndex } from "hyparquet";
import { isTidemarkError } from "@tidemark/core";
import {
  batchOf,
  distinctTexts,
  valueAt,
  type Batch,
  type ColumnSpec,
  type KeyRanges,
  type Value,
} from "@tidemark/core/spi";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFooter, type ParquetSource } from "../src/parquet/footer.ts";
import { openParquet } from "../src/parquet/reader.ts";
import { compareCodePoints } from "../src/parquet/statistics.ts";
import { parquetBytes, type ParquetWriteOptions } from "../src/parquet/writer.ts";
import { column } from "./lakes.ts";

const { first, runs } = seedsFromEnvironment({ runs: 300 });

const text = fc.constantFrom("", "a", "aa", "b", "user_1", "user_10", "\u{e000}", "\u{1f600}");

/** The columns of a file, with their values. Keys are first. */
const kinds: readonly { readonly spec: ColumnSpec; readonly values: fc.Arbitrary<Value> }[] = [
  { spec: column("text", "string"), values: text },
  { spec: column("long", "int64"), values: fc.bigInt({ min: -3n, max: 9n }) },
  { spec: column("short", "int32"), values: fc.integer({ min: -3, max: 9 }) },
  { spec: column("number", "float64"), values: fc.double({ noDefaultInfinity: true }) },
  { spec: column("time", "timestamp"), values: fc.maxSafeInteger() },
  { spec: column("flag", "boolean"), values: fc.boolean() },
  { spec: column("exact", "decimal", { precision: 20, scale: 2 }), values: fc.bigInt(-99n, 99n) },
  { spec: column("bytes", "bytes"), values: fc.uint8Array({ maxLength: 5 }) },
  { spec: column("nothing", "string"), values: fc.constant(null) },
  { spec: column("distinct", "string"), values: text },
  {
    spec: column("list", "list", { element: { type: "int32", nullable: true } }),
    values: fc.array(fc.option(fc.integer({ min: 0, max: 3 })), { maxLength: 3 }),
  },
];
const KEYS = kinds.slice(0, 3).map(({ spec }) => spec);
const columns = kinds.map(({ spec }) => spec);

/** The bytes of a file of these rows. */
async function fileOf(
  rows: readonly (readonly Value[])[],
  options: Pick<ParquetWriteOptions, "pageRows" | "groupRows">,
): Promise<Uint8Array<ArrayBuffer>> {
  const batch = batchOf(columns, rows);
  const at = columns.findIndex(({ name }) => name === "distinct");
  const texts = distinctTexts(rows.map((row) => row[at] as string | null));
  const whole = { ...batch, vectors: batch.vectors.with(at, texts) };
  const parts: Uint8Array[] = [];
  for await (const part of parquetBytes(
    { columns, timestamps: "long", where: "the file", ...options },
    [{ batch: whole, rows: null, from: 0, to: rows.length }],
    { rows: 0, bytes: 0, ranges: [] },
  ))
    parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

function sourceOf(bytes: Uint8Array<ArrayBuffer>, read = { bytes: 0 }): ParquetSource {
  return {
    name: "the file",
    size: bytes.length,
    advice: "write it anew",
    readGap: 0,
    read: async (from, to) => {
      read.bytes += to - from;
      return bytes.slice(from, to);
    },
  };
}

const rowsOf = ({ length, vectors }: Pick<Batch, "length" | "vectors">): readonly Value[][] =>
  Array.from({ length }, (_, row) => vectors.map((vector) => valueAt(vector, row)));

const compareKeys = (a: Value, b: Value): number =>
  typeof a === "string" ? compareCodePoints(a, b as string) : a! < b! ? -1 : a! > b! ? 1 : 0;

/** Rows that repeat their first key, as rows of a history do. */
const someRows: fc.Arbitrary<readonly (readonly Value[])[]> = fc
  .record({
    share: fc.constantFrom(0, 0.1, 0.6),
    rows: fc.array(
      fc.record({
        repeats: fc.integer({ min: 1, max: 6 }),
        keys: fc.tuple(...kinds.slice(0, 3).map(({ values }) => values)),
        others: fc.array(fc.tuple(...kinds.slice(3).map(({ values }) => values)), {
          minLength: 6,
          maxLength: 6,
        }),
        nulls: fc.array(
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 11, maxLength: 11 }),
          { minLength: 6, maxLength: 6 },
        ),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  })
  .map(({ share, rows }) =>
    rows.flatMap(({ repeats, keys, others, nulls }) =>
      Array.from({ length: repeats }, (_, i) =>
        [...keys, ...others[i]!].map((value, c) => (nulls[i]![c]! < share ? null : value)),
      ),
    ),
  );

/** Keys of a scan: some alone, and sometimes a range. */
const someKeys: fc.Arbitrary<{ readonly key: ColumnSpec; readonly ranges: KeyRanges["ranges"] }> =
  fc.constantFrom(...KEYS).chain((key) => {
    const number = fc.integer({ min: -4, max: 10 });
    const one: fc.Arbitrary<Value> =
      key.type === "string" ? text : key.type === "int64" ? number.map(BigInt) : number;
    return fc.array(one, { maxLength: 3 }).map((keys) => {
      const values = [...new Set(keys)].sort(compareKeys);
      const [first, from, to] = values;
      const ranges =
        values.length === 3
          ? [
              { min: first!, max: first! },
              { min: from!, max: to! },
            ]
          : values.map((value) => ({ min: value, max: value }));
      return { key, ranges };
    });
  });

describe("a file with small pages", () => {
  test("has all rows, and those of some keys, for any pages and row groups", async () => {
    await fc.assert(
      fc.asyncProperty(
        someRows,
        fc.boolean(),
        fc.constantFrom(undefined, 1, 2, 7, 40),
        fc.constantFrom(undefined, 5, 30),
        someKeys,
        fc.subarray(columns),
        async (all, isSorted, pageRows, groupRows, { key, ranges }, wanted) => {
          const keyAt = columns.indexOf(key);
          const rows = isSorted
            ? all
                .filter((row) => row[keyAt] !== null)
                .toSorted((a, b) => compareKeys(a[keyAt]!, b[keyAt]!))
            : all;
          const file = await openParquet(sourceOf(await fileOf(rows, { pageRows, groupRows })));
          const keys = { column: key.name, ranges };
          const isAsked = (value: Value): boolean =>
            value !== null &&
            ranges.some(
              ({ min, max }) => compareKeys(min, value) <= 0 && compareKeys(value, max) <= 0,
            );
          const asked = [key, ...wanted.filter((one) => one !== key)];
          let before = 0;
          for (const [group, { rows: length }] of file.groups.entries()) {
            const own = rows.slice(before, (before += length));
            const vectors = await file.readGroup(group, columns, "missing");
            assert.deepEqual(rowsOf({ length, vectors }), own);
            const expected = own
              .filter((row) => isAsked(row[keyAt]!))
              .map((row) => asked.map((one) => row[columns.indexOf(one)]!));
            if (!file.mayHoldKeys(group, keys)) {
              assert.deepEqual(expected, []);
              continue;
            }
            const read = await file.readKeys(group, asked, keys, "missing");
            const found = rowsOf({ length: read.rows, vectors: read.vectors });
            assert.deepEqual(
              found.filter(([value]) => isAsked(value!)),
              expected,
            );
            const others = asked.filter((one) => one !== key);
            const withoutKey = await file.readKeys(group, others, keys, "missing");
            const kept = rowsOf({ length: withoutKey.rows, vectors: withoutKey.vectors });
            // rows of other keys may come too
            if (kept.length === found.length)
              assert.deepEqual(
                kept,
                found.map((row) => row.slice(1)),
              );
            else assert.equal(kept.length, length);
          }
          assert.equal(before, rows.length);
        },
      ),
      { seed: first, numRuns: runs },
    );
  });

  test("has an index of its pages that holds for every value", async () => {
    await fc.assert(
      fc.asyncProperty(someRows, fc.constantFrom(1, 2, 7), async (rows, pageRows) => {
        const bytes = await fileOf(rows, { pageRows });
        const { metadata } = await readFooter(sourceOf(bytes));
        const [group] = metadata.row_groups;
        for (const chunk of group!.columns) {
          const path = chunk.meta_data!.path_in_schema;
          const starts: readonly number[] | null = pageStarts(bytes, chunk);
          if (starts === null) continue;
          assert.deepEqual(
            starts,
            starts.map((_, page) => page * pageRows),
          );
          if (chunk.column_index_offset === undefined) continue;
          const c = columns.findIndex(({ name }) => name === path[0]);
          const element = metadata.schema.find(({ name }) => name === path[0])!;
          const index = readColumnIndex(
            readerAt(bytes, chunk.column_index_offset),
            element,
          ) as unknown as Record<"min_values" | "max_values", Value[]> &
            Record<"null_pages", boolean[]> &
            Record<"null_counts", bigint[]>;
          for (const [page, start] of starts.entries()) {
            const values: readonly Value[] = rows
              .slice(start, starts[page + 1])
              .map((row) => row[c]!);
            const present: readonly Value[] = values.filter((value) => value !== null);
            assert.equal(index.null_pages[page], present.length === 0);
            assert.equal(Number(index.null_counts[page]), values.length - present.length);
            if (columns[c]!.type === "decimal" || columns[c]!.type === "timestamp") continue;
            for (const value of present) {
              assert.ok(compareKeys(index.min_values[page]!, value) <= 0, `${path}: ${value}`);
              assert.ok(compareKeys(index.max_values[page]!, value) >= 0, `${path}: ${value}`);
            }
          }
        }
      }),
      { seed: first, numRuns: runs },
    );
  });

  test("is named as damaged where its index is wrong, or gives the same rows", async () => {
    const rows = Array.from({ length: 60 }, (_, row): Value[] =>
      columns.map(({ name }) =>
        name === "long" ? BigInt(row >> 2) : name === "number" ? row / 3 : null,
      ),
    );
    const bytes = await fileOf(rows, { pageRows: 4 });
    const { metadata } = await readFooter(sourceOf(bytes));
    const at = columns.findIndex(({ name }) => name === "number");
    const { offset_index_offset: offset, offset_index_length: length } =
      metadata.row_groups[0]!.columns[at]!;
    const keys = { column: "long", ranges: [{ min: 7n, max: 7n }] };
    const read = async (from: Uint8Array<ArrayBuffer>): Promise<readonly Value[][]> => {
      const file = await openParquet(sourceOf(from));
      const { rows: found, vectors } = await file.readKeys(0, [columns[at]!], keys, "missing");
      return rowsOf({ length: found, vectors });
    };
    const right = rows.slice(28, 32).map((row) => [row[at]!]);
    assert.deepEqual(await read(bytes), right);
    let damaged = 0;
    for (let byte = 0; byte < length!; byte++)
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const other = bytes.slice();
        other[Number(offset) + byte]! ^= bit;
        try {
          assert.deepEqual(await read(other), right);
        } catch (error) {
          if (!isTidemarkError(error)) throw error;
          assert.equal(error.code, "PARQUET_DAMAGED");
          damaged++;
        }
      }
    assert.ok(damaged > 0);
  });

  test("is read in part for few keys", async () => {
    const rows = Array.from({ length: 20_000 }, (_, row): Value[] =>
      columns.map(({ name }) => {
        if (name === "text") return `user_${String(row >> 5).padStart(4, "0")}`;
        return name === "number" ? Math.sin(row) : null;
      }),
    );
    const bytes = await fileOf(rows, { pageRows: 100 });
    const read = { bytes: 0 };
    const file = await openParquet(sourceOf(bytes, read));
    const wanted = columns.filter(({ name }) => name === "number");
    read.bytes = 0;
    await file.readGroup(0, wanted, "missing");
    const whole = read.bytes;
    read.bytes = 0;
    const ranges = ["user_0007", "user_0300", "user_0301"].map((key) => ({ min: key, max: key }));
    const found = await file.readKeys(0, wanted, { column: "text", ranges }, "missing");
    expect(found.rows).toBe(96);
    expect(read.bytes).toBeLessThan(whole / 8);
  });
});

function readerAt(bytes: Uint8Array<ArrayBuffer>, offset: bigint) {
  return { view: new DataView(bytes.buffer), offset: Number(offset) };
}

/** The first row of each page of a chunk. null: it has no index. */
function pageStarts(bytes: Uint8Array<ArrayBuffer>, chunk: ColumnChunk): number[] | null {
  if (chunk.offset_index_offset === undefined) return null;
  const { page_locations: pages } = readOffsetIndex(readerAt(bytes, chunk.offset_index_offset));
  return pages.map(({ first_row_index: row }) => Number(row));
}
