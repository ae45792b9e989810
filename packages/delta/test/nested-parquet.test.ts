import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import {
  type Batch,
  batchOf,
  type ColumnSpec,
  type TypeSpec,
  type Value,
  valueAt,
} from "@tidemark/core/spi";
import { readParquet, writeParquet } from "@tidemark/delta";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { encodeGroup } from "../src/parquet/row-group.ts";
import { gather } from "../src/parquet/gather.ts";
import { columnOfNode } from "../src/parquet/nested-elements.ts";
import { treesOf } from "../src/parquet/schema-tree.ts";
import { temporary, valuesOf } from "./lakes.ts";
import { nestedColumn, typedValues } from "./nested-values.ts";

const { first, runs } = seedsFromEnvironment({ runs: 400 });

describe("a Parquet file of lists, maps and structs", () => {
  test("returns every value bit for bit, for any type and any batch cuts", async () => {
    const directory = await temporary();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(typedValues(3), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        fc.gen(),
        async (types, length, cut, g) => {
          const columns = types.map(({ spec }, c) => nestedColumn(`c${c}`, spec));
          const rows = Array.from({ length }, () => types.map(({ values }) => g(() => values)));
          const batches: Batch[] = [];
          for (let from = 0; from < length; from += cut)
            batches.push(batchOf(columns, rows.slice(from, from + cut)));
          const file = join(directory, `${n++}.parquet`);
          assert.equal(await writeParquet(file, { columns, batches }), length);
          const back = await readParquet(file);
          assert.deepStrictEqual(
            back.columns.map(({ name, type }) => [name, type]),
            columns.map(({ name, type }) => [name, type]),
          );
          assert.deepStrictEqual(await valuesOf(back), rows);
        },
      ),
      { seed: first, numRuns: runs },
    );
  });

  test("rows of a list and rows of a part of a batch are gathered alone", async () => {
    await fc.assert(
      fc.property(
        typedValues(2),
        fc.array(fc.nat({ max: 19 }), { maxLength: 20 }),
        fc.nat({ max: 20 }),
        fc.gen(),
        ({ spec, values }, indexes, from, g) => {
          const columns = [nestedColumn("c", spec)];
          const rows = Array.from({ length: 20 }, () => [g(() => values)]);
          const batch = batchOf(columns, rows);
          const pieces = [
            { batch, rows: Int32Array.from(indexes), from: 0, to: indexes.length },
            { batch, rows: null, from, to: 20 },
          ];
          const vectors = [gather(columns[0]!, pieces, "test")];
          const length = indexes.length + 20 - from;
          assert.deepStrictEqual(rowsOf({ length, columns, vectors }), [
            ...indexes.map((i) => rows[i]!),
            ...rows.slice(from),
          ]);
        },
      ),
      { seed: first, numRuns: runs },
    );
  });

  test("cut off or changed anywhere is an error that names it, or other rows", async () => {
    const file = join(await temporary(), "damaged.parquet");
    const types = fc.sample(typedValues(3), { numRuns: 20, seed: 7 });
    const columns = types.map(({ spec }, c) => nestedColumn(`c${c}`, spec));
    const samples = types.map(({ values }) => fc.sample(values, { numRuns: 50, seed: 7 }));
    const rows = Array.from({ length: 50 }, (_, i) => samples.map((values) => values[i]!));
    await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
    const whole = await readFile(file);
    const named = (error: unknown): boolean =>
      isTidemarkError(error) &&
      // a changed name may be that of another column
      /^COLUMN_NAME$|^PARQUET_(DAMAGED|TYPE|VALUE|UNSUPPORTED|TOO_LARGE)$/.test(error.code) &&
      error.message.includes("damaged.parquet");
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
    assert.ok(found > runs * 0.5, `${found} of ${runs} changes were found`);
  });

  test("that cannot be written whole is not written at all", async () => {
    const file = join(await temporary(), "out.parquet");
    const int32: TypeSpec = { type: "int32", nullable: false };
    const struct: TypeSpec = { type: "struct", nullable: true, fields: [{ name: "a", ...int32 }] };
    const decimal: TypeSpec = { type: "decimal", precision: 3, scale: 1, nullable: true };
    const time: TypeSpec = { type: "timestamp", nullable: true };
    const list = (element: TypeSpec): TypeSpec => ({ type: "list", nullable: false, element });
    const map = (keys: TypeSpec, values: TypeSpec): TypeSpec => ({
      type: "map",
      nullable: false,
      keys,
      values,
    });
    for (const [spec, value, code, message] of [
      [list(int32), null, "NULL_NOT_ALLOWED", 'column "c" is not nullable and 1 of 2 rows have'],
      [list(int32), [1, null], "NULL_NOT_ALLOWED", '"c.element" is not nullable and lacks'],
      [map(int32, int32), [[1, null]], "NULL_NOT_ALLOWED", '"c.value" is not nullable'],
      [list(struct), [[null]], "NULL_NOT_ALLOWED", '"c.element.a" is not nullable'],
      [list(decimal), [999n, 1000n], "DECIMAL_OUT_OF_RANGE", '"c.list.element" has more than 3'],
      [map(int32, time), [[1, 2 ** 53]], "TIME_OUT_OF_RANGE", '"c.key_value.value" is no whole'],
    ] as const) {
      const columns = [nestedColumn("c", spec)];
      await expect(
        writeParquet(file, { columns, batches: [batchOf(columns, [[[]], [value]])] }),
      ).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
    const columns = [nestedColumn("c", list(struct))];
    await writeParquet(file, { columns, batches: [batchOf(columns, [[[[1], null]]])] });
    assert.deepEqual(await valuesOf(await readParquet(file)), [[[[1], null]]]);
    const others = [nestedColumn("c", list(int32))];
    await expect(
      writeParquet(file, { columns, batches: [batchOf(others, [[[1]]])] }),
    ).rejects.toMatchObject({
      code: "COLUMN_TYPE_CONFLICT",
      message: expect.stringContaining('column "c.element" as int32, and it is struct'),
    });
  });

  test("is cut into row groups by the size of its lists", async () => {
    const file = join(await temporary(), "wide.parquet");
    const columns = [
      nestedColumn("c", {
        type: "list",
        nullable: false,
        element: { type: "float64", nullable: false },
      }),
    ];
    const value = Array.from({ length: 1000 }, (_, i) => i);
    const batch = batchOf(
      columns,
      Array.from({ length: 20_000 }, (_, i) => [i % 2 === 0 ? value : []]),
    );
    await writeParquet(file, { columns, batches: [batch] });
    const sizes: number[] = [];
    for await (const { length } of await readParquet(file)) sizes.push(length);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      20_000,
    );
    // 64 MiB are 8,388 lists of 8,000 bytes
    assert.ok(Math.max(...sizes) < 17_000, String(sizes));
  });

  test("of old writers is read: the repeated node is the element", async () => {
    const columns = [
      nestedColumn("c", {
        type: "list",
        nullable: true,
        element: { type: "int32", nullable: false },
      }),
    ];
    const rows = [[[1, 2]], [null], [[]], [[3]]];
    const vectors = batchOf(columns, rows).vectors;
    const group = await encodeGroup({ columns, timestamps: "utc", rows: 4, vectors });
    assert.ok("bytes" in group);
    // the levels are the same, and a node is missing in the schema
    const writer = new ByteWriter();
    const file = new ParquetWriter({
      writer,
      schema: [
        { name: "schema", num_children: 1 },
        { name: "c", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
        { name: "element", repetition_type: "REPEATED", type: "INT32" },
      ],
    });
    const { meta_data, ...chunk } = group.chunks[0]!.chunk;
    const offset = BigInt(writer.offset);
    const data_page_offset = meta_data!.data_page_offset + offset;
    const own = { ...meta_data!, path_in_schema: ["c", "element"], data_page_offset };
    writer.appendBytes(group.bytes);
    file.row_groups.push({
      columns: [{ ...chunk, file_offset: offset, meta_data: own }],
      num_rows: 4n,
      total_byte_size: BigInt(group.bytes.length),
    });
    file.num_rows = 4n;
    await file.finish();
    const path = join(await temporary(), "old.parquet");
    await writeFile(path, writer.getBytes());
    const back = await readParquet(path);
    assert.deepEqual(back.columns, columns);
    assert.deepEqual(await valuesOf(back), rows);
  });

  test("of old writers may have lists without a node for the element", () => {
    const list = { name: "c", repetition_type: "OPTIONAL", converted_type: "LIST" } as const;
    const typeOf = (...elements: Parameters<typeof treesOf>[0]): ColumnSpec | null =>
      columnOfNode(treesOf(elements)[0]!, false);
    const int32 = { name: "a", type: "INT32", repetition_type: "OPTIONAL" } as const;
    const struct = {
      type: "struct",
      nullable: false,
      fields: [{ name: "a", type: "int32", nullable: true }],
    };
    const column = (element: object): object => ({
      name: "c",
      database: "c",
      type: "list",
      nullable: true,
      element,
    });
    const one = { ...list, num_children: 1 };
    const repeated = { repetition_type: "REPEATED" } as const;
    expect(typeOf(one, { ...int32, ...repeated })).toEqual(
      column({ type: "int32", nullable: false }),
    );
    expect(typeOf(one, { name: "bag", ...repeated, num_children: 1 }, int32)).toEqual(
      column({ type: "int32", nullable: true }),
    );
    for (const name of ["array", "c_tuple"])
      expect(typeOf(one, { name, ...repeated, num_children: 1 }, int32)).toEqual(column(struct));
    expect(
      typeOf(one, { name: "x", ...repeated, num_children: 2 }, int32, { ...int32, name: "b" }),
    ).toMatchObject(column({ type: "struct", nullable: false }));
    // no list at all
    expect(typeOf({ ...int32, ...repeated })).toBeNull();
    expect(typeOf(one, int32)).toBeNull();
    const deep = Array.from({ length: 100_000 }, () => ({ ...int32, num_children: 1 }));
    expect(typeOf(...deep, int32)).toBeNull();
  });
});

function rowsOf({ length, vectors }: Batch): Value[][] {
  return Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i)));
}
