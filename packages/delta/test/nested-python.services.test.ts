import assert from "node:assert/strict";
import { join } from "node:path";
import { batchOf, type ColumnSpec, type TypeSpec, type Value } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, readParquet, writeParquet } from "@tidemark/delta";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { expect, test } from "vitest";
import { temporary, valuesOf } from "./lakes.ts";
import { nestedColumn } from "./nested-values.ts";
import { type Canonical, canonicalParts } from "./python-values.ts";

const python = pythonReaders();

async function ask<T>(script: string, ...args: readonly string[]): Promise<T> {
  const program = join(import.meta.dirname, "python", script);
  const env = { TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
  const child = startPython(python.path, [program, ...args], { env });
  return JSON.parse((await child.succeeded()).stdout) as T;
}

const nullable = (type: Omit<TypeSpec, "nullable">): TypeSpec => ({ ...type, nullable: true });
const required = (type: Omit<TypeSpec, "nullable">): TypeSpec => ({ ...type, nullable: false });
const text = nullable({ type: "string" });
const int64 = nullable({ type: "int64" });
const decimal = nullable({ type: "decimal", precision: 38, scale: 9 });

const columns: readonly ColumnSpec[] = [
  nestedColumn("list", nullable({ type: "list", element: text })),
  nestedColumn(
    "lists",
    nullable({ type: "list", element: nullable({ type: "list", element: int64 }) }),
  ),
  nestedColumn("decimals", nullable({ type: "list", element: decimal })),
  nestedColumn(
    "times",
    required({ type: "list", element: required({ type: "timestamp", zone: "UTC" }) }),
  ),
  nestedColumn(
    "map",
    required({
      type: "map",
      keys: required({ type: "int64" }),
      values: nullable({ type: "float64" }),
    }),
  ),
  nestedColumn(
    "maps",
    nullable({
      type: "map",
      keys: required({ type: "date" }),
      values: nullable({ type: "map", keys: required({ type: "string" }), values: decimal }),
    }),
  ),
  nestedColumn(
    "struct",
    nullable({
      type: "struct",
      fields: [
        { name: "a", ...required({ type: "int32" }) },
        { name: "b", ...nullable({ type: "list", element: nullable({ type: "boolean" }) }) },
        { name: "c", ...nullable({ type: "bytes" }) },
      ],
    }),
  ),
];

const some: readonly (readonly Value[])[] = [
  [
    ["a", null, "ü", ""],
    [[1n, null], [], null],
    [10n ** 37n, null, -1n],
    [1, -1, 2 ** 52],
    [
      [-(2n ** 63n), -0],
      [7n, null],
    ],
    [
      [-3, [["x", 5n]]],
      [9, null],
    ],
    [1, [true, null, false], new Uint8Array([0, 255])],
  ],
  [[], [], [], [], [], [], [-5, null, null]],
  [null, null, null, [0], [[1n, 5e-324]], null, null],
  [["b"], [[]], [1n], [2], [], [[0, []]], [0, [], new Uint8Array()]],
];
const rows = Array.from({ length: 1000 }, (_, i) => some[(i * 7) % some.length]!);
const expected = rows.map((row) => columns.map((spec, c) => canonicalParts(spec, row[c]!)));

type Found = Record<"pyarrow" | "duckdb" | "polars", Canonical[][]> & {
  types: Record<string, string>;
};

suiteNeeding(python, "Lists, maps and structs in Python's readers and writers", () => {
  test("PyArrow, DuckDB and Polars read our file, and one without rows", async () => {
    const directory = await temporary();
    const file = join(directory, "nested.parquet");
    const batches = [rows.slice(0, 3), rows.slice(3)].map((some) => batchOf(columns, some));
    await writeParquet(file, { columns, batches });
    const { types, ...found } = await ask<Found>("read_nested.py", file);
    assert.deepEqual(types, {
      list: "list<element: string>",
      lists: "list<element: list<element: int64>>",
      decimals: "list<element: decimal128(38, 9)>",
      times: "list<element: timestamp[us, tz=UTC] not null>",
      map: "map<int64, double ('map')>",
      maps: "map<date32[day], map<string, decimal128(38, 9) ('value')> ('maps')>",
      struct: "struct<a: int32 not null, b: list<element: bool>, c: binary>",
    });
    for (const reader of ["pyarrow", "duckdb", "polars"] as const)
      assert.deepEqual(found[reader], expected, reader);

    const empty = join(directory, "empty.parquet");
    await writeParquet(empty, { columns, batches: [] });
    const nothing = await ask<Found>("read_nested.py", empty);
    assert.deepEqual(nothing, { types, pyarrow: [], duckdb: [], polars: [] });
    assert.deepEqual(await valuesOf(await readParquet(empty)), []);
  });

  test("delta-rs reads our table and appends its rows, and we read them", async () => {
    const lake = await temporary();
    const store = deltaOfflineStore(localObjects(lake));
    const table = { name: "nested", columns, partitionBy: [] };
    await store.append(table, [batchOf(columns, rows)], { positions: [] });
    const path = join(lake, "nested");
    const { types, ...found } = await ask<Found>("read_nested.py", path, "append");
    for (const reader of ["pyarrow", "duckdb", "polars"] as const)
      assert.deepEqual(found[reader], expected, reader);
    assert.equal(types["times"], "list<element: int64 not null>");
    const fresh = deltaOfflineStore(localObjects(lake));
    const state = (await fresh.state("nested"))!;
    assert.deepEqual([state.version, state.rows, state.columns], [1, 2 * rows.length, columns]);
    const requested = columns.map(({ name }) => name);
    assert.deepStrictEqual(await valuesOf(fresh.scan("nested", { columns: requested })), [
      ...rows,
      ...rows,
    ]);
    await fresh.optimize("nested");
    assert.equal((await valuesOf(fresh.scan("nested", { columns: requested }))).length, 2000);
  });

  test("we read what PyArrow, DuckDB and Polars write", async () => {
    const directory = await temporary();
    const written = await ask<{ columns: string[]; rows: Canonical[][] }>(
      "write_nested.py",
      directory,
    );
    for (const [name, of] of [
      ["pyarrow-1.0-element", written.columns],
      ["pyarrow-1.0-item", written.columns],
      ["pyarrow-2.0-element", written.columns],
      ["pyarrow-2.0-item", written.columns],
      ["duckdb", written.columns],
      ["polars", written.columns.filter((column) => !/^counts$|^by_name$/.test(column))],
    ] as const) {
      const file = await readParquet(join(directory, `${name}.parquet`));
      assert.deepEqual(file.unsupported, [], name);
      assert.deepEqual(
        file.columns.map((column) => column.name),
        of,
        name,
      );
      const read = await valuesOf(file);
      assert.deepEqual(
        read.map((row) => row.map((value, c) => canonicalParts(file.columns[c]!, value))),
        written.rows.map((row) => of.map((column) => row[written.columns.indexOf(column)]!)),
        name,
      );
    }
    assert.deepEqual(await valuesOf(await readParquet(join(directory, "unsorted.parquet"))), [
      [
        [
          ["", 2n],
          ["a", null],
          ["b", 1n],
        ],
      ],
      [
        [
          ["z", 3n],
          ["é", 4n],
          ["\uffff", 6n],
          ["😀", 5n],
        ],
      ],
    ]);
    for (const [name, message] of [
      ["twice", /twice\.parquet: column "m" has a map with the same key twice; repair it/],
      ["far", /far\.parquet: column "l\.list\.element" holds a time beyond 2\^53 µs/],
    ] as const)
      await expect(
        readParquet(join(directory, `${name}.parquet`)).then(valuesOf),
      ).rejects.toMatchObject({ code: "PARQUET_VALUE", message: expect.stringMatching(message) });
  });
});
