import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, type ColumnSpec, type Value, batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, readParquet, writeParquet } from "@tidemark/delta";
import { test } from "vitest";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { parquetBytes } from "../src/parquet/writer.ts";
import { column, temporary, valuesOf } from "./lakes.ts";
import { canonical } from "./python-values.ts";

const python = pythonReaders();

async function ask<T>(script: string, ...args: readonly string[]): Promise<T> {
  const program = join(import.meta.dirname, "python", script);
  const env = { TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
  const child = startPython(python.path, [program, ...args], { env });
  return JSON.parse((await child.succeeded()).stdout) as T;
}

function canonicalRows(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
): (string | null)[][] {
  const key = (row: readonly (string | null)[]): string[] => row.map((cell) => cell ?? "None");
  return rows
    .map((row) => columns.map((spec, c) => canonical(spec, row[c]!)))
    .sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      const c = x.findIndex((cell, i) => cell !== y[i]);
      return c < 0 ? 0 : Buffer.compare(Buffer.from(x[c]!), Buffer.from(y[c]!));
    });
}

const columns: readonly ColumnSpec[] = [
  column("region", "string"),
  column("id", "int64", { nullable: false }),
  column("name", "string"),
  column("größe_☂", "string"),
  column("price", "decimal", { precision: 38, scale: 9 }),
  column("cents", "decimal", { precision: 7, scale: 2 }),
  column("middle", "decimal", { precision: 18, scale: 4 }),
  column("time", "timestamp", { zone: "UTC" }),
  column("day", "date"),
  column("x", "float64"),
  column("n", "int32"),
  column("flag", "boolean"),
  column("raw", "bytes"),
  column("doc", "json"),
];
const table = { name: "bank/transactions", columns, partitionBy: ["region"] };

function row(i: number): Value[] {
  if (i % 9 === 8) return columns.map(({ name }) => (name === "id" ? BigInt(i) : null));
  return [
    ["north", "süd & west/1=2", null][i % 3]!,
    i === 0 ? 2n ** 63n - 1n : BigInt(i),
    i % 4 === 0 ? "" : `naïve 😀 ${i}`,
    `☂${"é".repeat(i)}`,
    (i % 2 === 0 ? 1n : -1n) * (10n ** 38n - 1n - BigInt(i)),
    BigInt(i * 7 - 50),
    -(10n ** 17n) + BigInt(i),
    -1_000_000 * i - 1,
    -i * 30,
    i === 2 ? -0 : i === 3 ? 5e-324 : i / 3,
    -(2 ** 31) + i,
    i % 2 === 0,
    new Uint8Array([i, 0, 255]),
    `{"n":${i},"big":12345678901234567890}`,
  ];
}

function batch(from: number, to: number): Batch {
  return batchOf(
    columns,
    Array.from({ length: to - from }, (_, i) => row(from + i)),
  );
}

suiteNeeding(python, "Python's readers and writers of Delta and Parquet", () => {
  test("deltalake, Polars and DuckDB read our table; we read what delta-rs writes", async () => {
    const lake = await temporary();
    const store = deltaOfflineStore(localObjects(lake), { checkpointEvery: 4 });
    const kept: Value[][] = [];
    for (let i = 0; i < 6; i++) {
      await store.append(table, [batch(i * 10, i * 10 + 10)], {
        positions: [
          {
            partition: "topic:0",
            expected: i === 0 ? null : i - 1,
            next: i,
            checkpoint: { message: { offset: i, fingerprint: `☂ ${i}` } },
          },
        ],
      });
      for (let k = 0; k < 10; k++) kept.push(row(i * 10 + k));
    }
    // A removed file: the rows of one partition are replaced.
    assert.equal(
      await store.rewrite(table, [batch(900, 903)], {
        replaced: { region: ["north"] },
        expectedVersion: 5,
        positions: [],
      }),
      "done",
    );
    const rows = [...kept.filter(([region]) => region !== "north"), row(900), row(901), row(902)];
    const expected = canonicalRows(columns, rows);

    // The entries up to the checkpoint are removed, so every reader reads the checkpoint.
    for (let version = 0; version < 4; version++)
      await rm(join(lake, table.name, "_delta_log", `${String(version).padStart(20, "0")}.json`));
    const appended = join(lake, "appended");
    const found: Record<
      "deltalake" | "polars" | "duckdb" | "pushed" | "parquet" | "expected parquet" | "after",
      string[][]
    > & {
      version: number;
      partitions: string[];
      numRecords: number;
      stored: string[];
      types: Record<string, [string, boolean]>;
    } = await ask("read_table.py", join(lake, table.name), appended);
    const { types, stored } = found;
    assert.deepEqual(
      [found.version, found.partitions, found.numRecords],
      [6, ["region"], rows.length],
    );
    for (const reader of ["deltalake", "polars", "duckdb", "pushed"] as const)
      assert.deepEqual(found[reader], expected, reader);
    assert.deepEqual(found.parquet, found["expected parquet"]);
    assert.deepEqual(
      stored,
      columns.slice(1).map(({ name }) => name),
    );
    assert.deepEqual(
      Object.entries(types).map(([name, [type, nullable]]) => [
        name,
        type.replace("large_", ""),
        nullable,
      ]),
      [
        ["region", "string", true],
        ["id", "int64", false],
        ["name", "string", true],
        ["größe_☂", "string", true],
        ["price", "decimal128(38, 9)", true],
        ["cents", "decimal128(7, 2)", true],
        ["middle", "decimal128(18, 4)", true],
        ["time", "int64", true],
        ["day", "date32[day]", true],
        ["x", "double", true],
        ["n", "int32", true],
        ["flag", "bool", true],
        ["raw", "binary", true],
        ["doc", "string", true],
      ],
    );

    const fresh = deltaOfflineStore(localObjects(lake));
    for (const reader of [store, fresh]) {
      const after = await valuesOf(
        reader.scan(table.name, { columns: columns.map(({ name }) => name) }),
      );
      assert.deepEqual(canonicalRows(columns, after), found.after);
      assert.deepEqual((await reader.state(table.name))!.columns, columns);
      assert.deepEqual((await reader.state(table.name))!.positions, [
        {
          partition: "topic:0",
          offset: 5,
          checkpoint: { message: { offset: 5, fingerprint: "☂ 5" } },
        },
      ]);
    }
    assert.equal(
      await fresh.append(table, [batch(910, 912)], {
        positions: [{ partition: "topic:0", expected: 5, next: 6 }],
      }),
      "done",
    );
    assert.equal((await store.state(table.name))!.rows, found.after.length + 2);
  });

  test("a deltalake table is read: types, deletes, checkpoint, a later column", async () => {
    const lake = await temporary();
    const written: { version: number; columns: string[]; rows: string[][] } = await ask(
      "write_table.py",
      join(lake, "theirs"),
    );
    const store = deltaOfflineStore(localObjects(lake));
    const state = (await store.state("theirs"))!;
    assert.deepEqual(
      [state.version, state.rows, state.partitionBy],
      [written.version, written.rows.length, ["part"]],
    );
    const specs = written.columns.map((name) =>
      state.columns.find((candidate) => candidate.name === name)!,
    );
    assert.deepEqual(
      specs.map(({ name, type }) => [name, type]),
      [
        ["id", "int64"],
        ["small", "int32"],
        ["tiny", "int32"],
        ["int", "int32"],
        ["single", "float64"],
        ["double", "float64"],
        ["flag", "boolean"],
        ["text_é☂", "string"],
        ["raw", "bytes"],
        ["day", "date"],
        ["at", "timestamp"],
        ["naive", "timestamp"],
        ["price", "decimal"],
        ["cents", "decimal"],
        ["middle", "decimal"],
        ["part", "string"],
        ["later", "string"],
      ],
    );
    assert.deepEqual(
      canonicalRows(specs, await valuesOf(store.scan("theirs", { columns: written.columns }))),
      written.rows,
    );
    assert.equal(
      (await valuesOf(store.scan("theirs", { columns: ["id"], partitions: { part: ["é/ü=1"] } })))
        .length,
      written.rows.filter((values) => values[written.columns.indexOf("part")] === "é/ü=1").length,
    );
    const early = await valuesOf(
      store.scan("theirs", {
        columns: ["at"],
        range: { column: "id", min: -(2 ** 50), max: -(2 ** 50) + 5 },
      }),
    );
    assert.ok(
      early.some(([at]) => at === -1),
      "the row of the last microsecond of 1969",
    );
  });

  test("label files of PyArrow, DuckDB and Polars are read with equal rows", async () => {
    const directory = await temporary();
    const expected: Record<string, { columns: string[]; rows: string[][] }> = await ask(
      "write_frames.py",
      directory,
    );
    assert.equal(Object.keys(expected).length, 10);
    for (const [name, { columns: names, rows }] of Object.entries(expected)) {
      const file = await readParquet(join(directory, name));
      assert.deepEqual(
        file.columns.map((spec) => [spec.name, spec.type]),
        [
          ["user_id", "string"],
          ["account", "int64"],
          ["weight", "float64"],
          ["label", "boolean"],
          ["n", "int64"],
          ["event_timestamp", "timestamp"],
        ],
        name,
      );
      assert.equal(file.rows, rows.length);
      // PyArrow loses the zone of times of 96 bits.
      const zone = name === "int96.parquet" ? undefined : "UTC";
      assert.equal(file.columns[5]!.zone, zone);
      assert.equal(file.columns[5]!.zoneless, zone === undefined ? true : undefined);
      assert.deepEqual(
        names,
        file.columns.map((spec) => spec.name),
      );
      const read = await valuesOf(file);
      assert.deepEqual(canonicalRows(file.columns, read), rows, name);
      assert.deepEqual(
        read.map((values) => Number(values[4])),
        read.map((_, i) => i),
        "rows come in their order",
      );
    }
  });

  test("PyArrow, DuckDB and Polars read our file and its times as timestamps", async () => {
    const file = join(await temporary(), "training.parquet");
    const rows = Array.from({ length: 300 }, (_, i) => row(i));
    assert.equal(
      await writeParquet(file, { columns, batches: [batch(0, 100), batch(100, 300)] }),
      300,
    );
    const found: Record<"pyarrow" | "duckdb" | "polars", string[][]> & {
      types: Record<string, string>;
    } = await ask("read_parquet.py", file);
    const { types } = found;
    for (const reader of ["pyarrow", "duckdb", "polars"] as const)
      assert.deepEqual(found[reader], canonicalRows(columns, rows), reader);
    assert.equal(types["time"], "timestamp[us, tz=UTC]");
    assert.equal(types["price"], "decimal128(38, 9)");
    const back = await readParquet(file);
    assert.deepEqual(
      canonicalRows(back.columns, await valuesOf(back)),
      canonicalRows(columns, rows),
    );
  });

  test("PyArrow, DuckDB and Polars find keys in a file with a page index", async () => {
    const file = join(await temporary(), "pages.parquet");
    const keyed = [column("key", "string"), ...columns];
    const keyOf = (i: number): string => `k${String(i >> 1).padStart(3, "0")}`;
    const rows = Array.from({ length: 300 }, (_, i) => [keyOf(i), ...row(i)]);
    const parts: Uint8Array[] = [];
    for await (const part of parquetBytes(
      { columns: keyed, timestamps: "utc", where: file, pageRows: 32, groupRows: 200 },
      [{ batch: batchOf(keyed, rows), rows: null, from: 0, to: rows.length }],
      { rows: 0, bytes: 0, ranges: [] },
    ))
      parts.push(part);
    await writeFile(file, Buffer.concat(parts));
    const keys = ["k000", "k015", "k016", "k101", "k149", "none"];
    const found: Record<"pyarrow" | "duckdb" | "polars", Record<string, string[][]>> & {
      rows: number;
      offsets: string[];
      bounds: string[];
    } = await ask("read_pages.py", file, "key", JSON.stringify(keys));
    assert.equal(found.rows, 300);
    for (const reader of ["pyarrow", "duckdb", "polars"] as const)
      for (const key of keys)
        assert.deepEqual(
          found[reader][key],
          canonicalRows(
            keyed,
            rows.filter((one) => one[0] === key),
          ),
          `${reader}, ${key}`,
        );
    for (const name of ["key", "id", "time", "x", "price"]) {
      assert.ok(found.offsets.includes(name), name);
      assert.ok(found.bounds.includes(name), name);
    }
  });
});
