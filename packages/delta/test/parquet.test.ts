import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { type Batch, type ColumnSpec, type Value, batchOf, valueAt } from "@tidemark/core/spi";
import { readParquet, writeParquet } from "@tidemark/delta";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { describe, test } from "vitest";
import { decimalBytes } from "../src/parquet/elements.ts";
import { column, temporary, valuesOf } from "./lakes.ts";

const { first, runs } = seedsFromEnvironment({ runs: 400 });

const digits = (precision: number): fc.Arbitrary<bigint> =>
  fc.bigInt(-(10n ** BigInt(precision)) + 1n, 10n ** BigInt(precision) - 1n);

const kinds: readonly { readonly spec: ColumnSpec; readonly values: fc.Arbitrary<Value> }[] = [
  {
    spec: column("text", "string"),
    values: fc.oneof(fc.constantFrom("a", "b", "ü"), fc.string({ unit: "binary", maxLength: 8 })),
  },
  { spec: column("json", "json"), values: fc.json({ maxDepth: 1 }) },
  { spec: column("int64", "int64"), values: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) },
  { spec: column("int32", "int32"), values: fc.integer() },
  {
    spec: column("float64", "float64"),
    values: fc.double({ noNaN: true, noDefaultInfinity: true }),
  },
  { spec: column("time", "timestamp"), values: fc.maxSafeInteger() },
  { spec: column("date", "date"), values: fc.integer() },
  { spec: column("boolean", "boolean"), values: fc.boolean() },
  { spec: column("bytes", "bytes"), values: fc.uint8Array({ maxLength: 5 }) },
  ...[1, 9, 10, 18, 19, 20, 37, 38].map((precision) => ({
    spec: column(`decimal${precision}`, "decimal", { precision, scale: Math.min(precision, 9) }),
    values: digits(precision),
  })),
];

describe("a Parquet file", () => {
  test("returns every value of every type bit for bit, for any batch cuts", async () => {
    const directory = await temporary();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        fc.gen(),
        async (length, cut, share, g) => {
          const columns = kinds.map(({ spec }) => ({ ...spec, nullable: share > 0 }));
          const rows = Array.from({ length }, () =>
            kinds.map(({ values }) =>
              share > 0 && g(fc.double, { min: 0, max: 1, noNaN: true }) < share
                ? null
                : g(() => values),
            ),
          );
          const batches: Batch[] = [];
          for (let from = 0; from < length; from += cut)
            batches.push(batchOf(columns, rows.slice(from, from + cut)));
          const file = join(directory, `${n++}.parquet`);
          assert.equal(await writeParquet(file, { columns, batches }), length);
          const back = await readParquet(file);
          assert.deepEqual(
            back.columns.map(({ name, type, nullable }) => [name, type, nullable]),
            columns.map(({ name, type, nullable }) => [
              name,
              type === "json" ? "string" : type,
              nullable,
            ]),
          );
          assert.deepStrictEqual(
            await valuesOf(back),
            rows.map((row) => row.map((value) => value)),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("has row groups of bounded size, in order, each with only its own strings", async () => {
    const file = join(await temporary(), "large.parquet");
    const columns = [column("n", "int64", { nullable: false }), column("text", "string")];
    async function* batches(): AsyncGenerator<Batch> {
      for (let from = 0; from < 300_000; from += 30_000)
        yield batchOf(
          columns,
          Array.from({ length: 30_000 }, (_, i) => [
            BigInt(from + i),
            (from + i) % 10 === 0 ? null : `text ${(from + i) % 70_001}`,
          ]),
        );
    }
    assert.equal(await writeParquet(file, { columns, batches: batches() }), 300_000);
    let row = 0;
    let largest = 0;
    for await (const batch of await readParquet(file, { columns: ["text", "n"] })) {
      largest = Math.max(largest, batch.length);
      for (let i = 0; i < batch.length; i++, row++) {
        if (valueAt(batch.vectors[1]!, i) !== BigInt(row)) assert.fail(`row ${row}`);
        if (valueAt(batch.vectors[0]!, i) !== (row % 10 === 0 ? null : `text ${row % 70_001}`))
          assert.fail(`text of row ${row}`);
      }
    }
    assert.equal(row, 300_000);
    assert.ok(largest <= 65_536);
  });

  test("of large values is cut into row groups by their bytes", async () => {
    const file = join(await temporary(), "wide.parquet");
    const columns = [column("doc", "json")];
    const large = "x".repeat(1 << 20);
    const batches = Array.from({ length: 10 }, (_, b) =>
      batchOf(
        columns,
        Array.from({ length: 15 }, (_unused, i) => [`${b * 15 + i}${large}`]),
      ),
    );
    await writeParquet(file, { columns, batches });
    let row = 0;
    const sizes: number[] = [];
    for await (const batch of await readParquet(file)) {
      sizes.push(batch.length);
      for (let i = 0; i < batch.length; i++, row++)
        assert.ok((valueAt(batch.vectors[0]!, i) as string).startsWith(`${row}x`));
    }
    assert.equal(row, 150);
    assert.ok(Math.max(...sizes) <= 64, String(sizes));
  });

  test("cut off or changed anywhere is an error that names it, or the same rows", async () => {
    const directory = await temporary();
    const columns = kinds.map(({ spec }) => spec);
    const rows = fc.sample(fc.tuple(...kinds.map(({ values }) => values)), {
      numRuns: 200,
      seed: 7,
    }) as Value[][];
    const file = join(directory, "damaged.parquet");
    await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
    const whole = await readFile(file);
    const named = (error: unknown): boolean =>
      isTidemarkError(error) &&
      /^PARQUET_(DAMAGED|TYPE|VALUE|UNSUPPORTED|TOO_LARGE)$/.test(error.code) &&
      error.message.includes("damaged.parquet");
    for (let length = 0; length < whole.length; length += 61) {
      await writeFile(file, whole.subarray(0, length));
      await assert.rejects(
        async () => valuesOf(await readParquet(file)),
        named,
        `cut to ${length}`,
      );
    }
    let found = 0;
    for (let k = 0; k < runs; k++) {
      const at = (k * 2_654_435_761 + first) % whole.length;
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (k % 8);
      await writeFile(file, changed);
      try {
        await valuesOf(await readParquet(file));
      } catch (error) {
        assert.ok(named(error), `seed ${first}, byte ${at}: ${String(error)}`);
        found++;
      }
    }
    assert.ok(found > runs * 0.75, `${found} of ${runs} changes were found`);
  });

  test("that cannot be written whole is not written at all", async () => {
    const directory = await temporary();
    const file = join(directory, "out.parquet");
    const columns = [
      column("amount", "decimal", { precision: 3, scale: 1 }),
      column("time", "timestamp", { nullable: false }),
    ];
    for (const [code, row] of [
      ["DECIMAL_OUT_OF_RANGE", [1000n, 1]],
      ["DECIMAL_OUT_OF_RANGE", [-1000n, 1]],
      ["TIME_OUT_OF_RANGE", [1n, 2 ** 53]],
      ["TIME_OUT_OF_RANGE", [1n, NaN]],
      ["NULL_NOT_ALLOWED", [1n, null]],
    ] as const) {
      await assert.rejects(
        writeParquet(file, {
          columns,
          batches: [batchOf(columns, [[999n, 0]]), batchOf(columns, [[...row]])],
        }),
        (error) => isTidemarkError(error, code),
        code,
      );
    }
    await assert.rejects(writeParquet(file, { columns: [], batches: [] }), (error) =>
      isTidemarkError(error, "PARQUET_NO_COLUMNS"),
    );
    await assert.rejects(
      writeParquet(join(directory, "no", "such", "out.parquet"), { columns, batches: [] }),
      (error) => isTidemarkError(error, "OBJECTS_FAILED"),
    );
    assert.deepEqual(await readdir(directory), []);
  });

  test("that is not there, or lacks a column, says so", async () => {
    const directory = await temporary();
    await assert.rejects(readParquet(join(directory, "none.parquet")), (error) =>
      isTidemarkError(error, "OBJECTS_FAILED"),
    );
    await writeFile(join(directory, "text.parquet"), "user_id,event_timestamp\n");
    await assert.rejects(readParquet(join(directory, "text.parquet")), (error) =>
      isTidemarkError(error, "PARQUET_DAMAGED"),
    );
    const columns = [column("a", "int32")];
    await writeParquet(join(directory, "a.parquet"), {
      columns,
      batches: [batchOf(columns, [[1]])],
    });
    await assert.rejects(
      readParquet(join(directory, "a.parquet"), { columns: ["b"] }),
      (error) => isTidemarkError(error, "COLUMN_MISSING") && error.message.includes("it has a"),
    );
  });

  test("holds a decimal in the fewest bytes its precision needs", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 9, 18, 19, 38].map(decimalBytes),
      [1, 1, 2, 2, 3, 4, 8, 9, 16],
    );
  });
});
