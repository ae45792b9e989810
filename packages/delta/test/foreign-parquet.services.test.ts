import assert from "node:assert/strict";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { formatTime, type Value } from "@tidemark/core/spi";
import { toUser } from "@tidemark/core/internal";
import { readParquet, writeParquet } from "@tidemark/delta";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { expect, test } from "vitest";
import { temporary, valuesOf } from "./lakes.ts";

const python = pythonReaders();

async function foreignFiles(): Promise<{ directory: string; rows: string[][] }> {
  const directory = await temporary();
  const program = join(import.meta.dirname, "python", "write_foreign.py");
  const env = { TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
  const child = startPython(python.path, [program, directory], { env });
  return { directory, ...JSON.parse((await child.succeeded()).stdout) };
}

const MICROS_9999 = 253_402_214_400_000_000n;

suiteNeeding(python, "Parquet files of PyArrow, Polars, DuckDB and Spark", () => {
  test("every codec that they write is read", async () => {
    const { directory, rows } = await foreignFiles();
    const files = (await readdir(directory)).filter((name) => name.startsWith("codec-"));
    assert.equal(files.length, 25);
    for (const name of files)
      assert.deepEqual(
        (await valuesOf(await readParquet(join(directory, name)))).map((row) => row.map(String)),
        rows,
        name,
      );
  });

  test("far times, uuids, times of day and unsigned numbers ride along exactly", async () => {
    const { directory } = await foreignFiles();
    const file = await readParquet(join(directory, "types.parquet"));
    const out = join(directory, "out.parquet");
    await writeParquet(out, { columns: file.columns, batches: file });
    const back = await readParquet(out);
    for (const read of [file, back]) {
      const rows = await valuesOf(read);
      const of = (name: string): Value[] =>
        rows.map((row) => row[read.columns.findIndex((column) => column.name === name)]!);
      const far = [-62_135_596_800_000_000n, MICROS_9999, 253_402_300_799_999_999n, null];
      assert.deepEqual(of("us"), [...far, 1_749_211_200_000_000n]);
      assert.deepEqual(of("naive"), [...far, 1_749_211_200_000_000n]);
      assert.deepEqual(of("ms").slice(0, 3), [far[0], far[1], 253_402_300_799_999_000n]);
      assert.deepEqual(of("half"), [0.5, -2, null, 65504, 5.960464477539063e-8]);
      assert.deepEqual(of("clock")[0], "23:59:59.000007");
      assert.deepEqual(of("clock_ms")[0], "01:02:03.004");
      assert.deepEqual(of("clock_ns")[0], "00:00:00.000000001");
      assert.deepEqual(
        [of("u8")[0], of("u32")[0], of("u64")[0]],
        [255, 2n ** 32n - 1n, 2n ** 64n - 1n],
      );
      assert.deepEqual(of("raw16")[0], new Uint8Array(Buffer.from("0123456789abcdef")));
      assert.deepEqual(of("dictionary"), ["a", "b", "a", null, "c"]);
      assert.deepEqual([of("list")[0], of("struct")[0]], [[1n, 2n], [1n]]);
      assert.deepEqual(of("map")[0], [["a", 1n]]);
      const { zoneless } = read.columns.find(({ name }) => name === "naive")!;
      assert.equal(zoneless, true);
    }
    assert.deepEqual(file.unsupported, [{ name: "wide", holds: "a decimal of 76 digits" }]);
    await expect(
      readParquet(join(directory, "types.parquet"), { columns: ["wide"] }),
    ).rejects.toThrow(
      /"wide" is a decimal of 76 digits, which Tidemark does not hold; cast it, or/,
    );
  });

  test("far times have their text in rows of objects", async () => {
    const instant = { name: "t", database: "t", type: "timestamp", nullable: true } as const;
    assert.equal(formatTime(MICROS_9999), "9999-12-31T00:00:00.000000Z");
    assert.equal(formatTime(-62_135_596_800_000_001n), "+000000-12-31T23:59:59.999999Z");
    assert.deepEqual(toUser(MICROS_9999 as never, instant), new Date("9999-12-31T00:00:00Z"));
    assert.deepEqual(toUser(MICROS_9999 as never, { ...instant, mode: "micros" }), MICROS_9999);
    assert.deepEqual(
      toUser(MICROS_9999 as never, { ...instant, zoneless: true }),
      "9999-12-31T00:00:00.000000",
    );
  });

  test("DuckDB's own types are read, or named", async () => {
    const { directory } = await foreignFiles();
    const file = await readParquet(join(directory, "duckdb-types.parquet"));
    const [row] = await valuesOf(file);
    const of = (name: string): Value =>
      row![file.columns.findIndex((column) => column.name === name)]!;
    assert.match(
      String(of("id")),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    );
    assert.deepEqual([of("kind"), of("huge"), of("doc")], ["x", 170, '{"a": 1}']);
    assert.deepEqual([of("clock"), of("valid_to")], ["09:30:00.125000", MICROS_9999]);
    assert.deepEqual(file.unsupported, [{ name: "span", holds: "an interval" }]);
  });

  test("two columns of one name are refused, unless other columns are asked for", async () => {
    const { directory } = await foreignFiles();
    await expect(readParquet(join(directory, "twice.parquet"))).rejects.toMatchObject({
      code: "COLUMN_NAME",
      message: expect.stringContaining('two columns are called "y"; rename one in the file'),
    });
  });

  test("a folder of Spark is read file by file, and other folders say what they are", async () => {
    const { directory, rows } = await foreignFiles();
    const folder = join(directory, "spark.parquet");
    const file = await readParquet(folder);
    assert.equal(file.rows, rows.length);
    assert.deepEqual(
      (await valuesOf(file)).map((row) => row.map(String)),
      rows,
    );
    const refused = async (says: string): Promise<void> =>
      expect(readParquet(folder)).rejects.toMatchObject({
        code: "OBJECTS_FAILED",
        message: expect.stringContaining(says),
      });
    await mkdir(join(folder, "day=1"));
    await refused("it has the folder day=1, whose column is in no file");
    await mkdir(join(folder, "_delta_log"));
    await refused("it is a Delta table; scan table");
    const other = join(directory, "other.parquet");
    await mkdir(other);
    await expect(readParquet(other)).rejects.toThrow("it holds no .parquet file");
    await rename(join(directory, "types.parquet"), join(other, "b.parquet"));
    await rename(join(directory, "duckdb-types.parquet"), join(other, "a.parquet"));
    await expect(readParquet(other)).rejects.toMatchObject({
      code: "PARQUET_TYPE",
      message: expect.stringMatching(
        /b\.parquet: column 1 is us timestamp, and .*a\.parquet has id string/,
      ),
    });
  });
});
