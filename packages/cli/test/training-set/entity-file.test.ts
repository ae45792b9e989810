/** Files of entity rows: their times and keys are read by one rule in every format. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { batchOf, formatTime, valueAt, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { writeParquet } from "@tidemark/delta";
import type { EntityFileOptions } from "@tidemark/core/internal";
import { entityFile } from "../../src/training-set/entity-file.ts";

const directory = mkdtempSync(join(tmpdir(), "tidemark-entities-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const { signal } = new AbortController();

const column = (name: string, type: ColumnSpec["type"], more = {}): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable: true,
  ...more,
});
type Options = Partial<EntityFileOptions>;

async function read(file: string, options: Options = {}): Promise<Value[][]> {
  const content = await entityFile(file, {
    keys: [column("key", "string")],
    zone: null,
    timeUnit: null,
    signal,
    ...options,
  });
  const rows: Value[][] = [];
  for await (const batch of content.batches())
    for (let i = 0; i < batch.length; i++)
      rows.push(batch.vectors.map((vector) => valueAt(vector, i)));
  return rows;
}
function written(name: string, content: string | Buffer): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}
async function parquet(columns: readonly ColumnSpec[], rows: Value[][]): Promise<string> {
  const file = join(directory, "rows.parquet");
  await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
  return file;
}
const csvTime = (text: string): string => written("t.csv", `key,event_timestamp\na,"${text}"\n`);
const jsonTime = (text: string): string =>
  written("t.jsonl", `{"key": "a", "event_timestamp": ${JSON.stringify(text)}}\n`);
const textTime = (text: string): Promise<string> =>
  parquet([column("key", "string"), column("event_timestamp", "string")], [["a", text]]);

describe("a time is the same instant in CSV, JSON lines and text columns of Parquet", () => {
  const berlin: Options = { zone: "Europe/Berlin" };
  // prettier-ignore
  const TIMES: readonly (readonly [text: string, instant: string, options?: Options])[] = [
    ["2025-06-08T12:00:00Z", "2025-06-08T12:00:00.000000Z"],
    ["2025-06-08 14:00:00+0200", "2025-06-08T12:00:00.000000Z"],
    ["2025-06-08 14:00:00+02", "2025-06-08T12:00:00.000000Z"],
    ["2025-06-08 12:00:00 UTC", "2025-06-08T12:00:00.000000Z"],
    [" 2025-06-08t12:00:00,123456789z ", "2025-06-08T12:00:00.123456Z"],
    ["2025-06-08 14:00", "2025-06-08T12:00:00.000000Z", berlin],
    ["2025-06-08", "2025-06-07T22:00:00.000000Z", berlin],
    ["2025-10-26 02:30:00", "2025-10-26T00:30:00.000000Z", berlin],
    ["2025-03-30 02:30:00", "2025-03-30T01:30:00.000000Z", berlin],
    ["2018-11-04", "2018-11-04T03:00:00.000000Z", { zone: "America/Sao_Paulo" }],
    ["1749384000000", "2025-06-08T12:00:00.000000Z", { timeUnit: "ms" }],
    ["1749384000", "2025-06-08T12:00:00.000000Z", { timeUnit: "s" }],
    ["1749384000000001", "2025-06-08T12:00:00.000001Z", { timeUnit: "us" }],
    ["1749384000000001999", "2025-06-08T12:00:00.000001Z", { timeUnit: "ns" }],
    ["-1", "1969-12-31T23:59:59.999999Z", { timeUnit: "ns" }],
    ["1749384000000.0", "2025-06-08T12:00:00.000000Z", { timeUnit: "ms" }],
  ];
  for (const [text, instant, options] of TIMES)
    test(`${JSON.stringify(text)} ${JSON.stringify(options ?? {})} is ${instant}`, async () => {
      for (const file of [csvTime(text), jsonTime(text), await textTime(text)]) {
        const [row] = await read(file, options);
        expect(formatTime(row![1] as number), file).toBe(instant);
      }
    });

  test("whole numbers and dates of a column are those of the text", async () => {
    const numbers = [1_749_384_000_000n];
    const time = async (type: ColumnSpec["type"], value: Value, options: Options, more = {}) => {
      const columns = [column("key", "string"), column("event_timestamp", type, more)];
      return formatTime(
        (await read(await parquet(columns, [["a", value]]), options))[0]![1] as number,
      );
    };
    const noon = "2025-06-08T12:00:00.000000Z";
    expect(await time("int64", numbers[0]!, { timeUnit: "ms" })).toBe(noon);
    expect(await time("int32", 1_749_384_000, { timeUnit: "s" })).toBe(noon);
    expect(await time("float64", 1_749_384_000_000, { timeUnit: "ms" })).toBe(noon);
    expect(
      await time("decimal", numbers[0]!, { timeUnit: "ms" }, { precision: 38, scale: 0 }),
    ).toBe(noon);
    expect(await time("date", 20_247, berlin)).toBe("2025-06-07T22:00:00.000000Z");
    expect(await time("timestamp", 1_749_384_000_000_000, {}, { zone: "UTC" })).toBe(noon);
    const json = written("n.jsonl", '{"key": "a", "event_timestamp": 1749384000000}\n');
    expect(formatTime((await read(json, { timeUnit: "ms" }))[0]![1] as number)).toBe(noon);
  });
});

describe("a time that cannot be read is refused with its place and the next step", () => {
  // prettier-ignore
  const TEXTS: readonly (readonly [text: string, said: string, options?: Options])[] = [
    ["2025-06-08 14:00:00", "without a zone; write Z or +07:00 behind it, or name its zone with --zone"],
    ["2025-06-08", "a date alone, without hour, minute and zone; write 2025-06-08T00:00:00Z, or name its zone with --zone"],
    ["08/06/2025", "can be mistaken for one another", { zone: "UTC" }],
    ["NaT", "stands for a missing one"],
    ["1749384000000", "2025-06-08T12:00:00Z in milliseconds, 1970-01-21T05:56:24Z in microseconds"],
    ["1749384000000", "name its unit with --time-unit, as in --time-unit ms", { zone: "UTC" }],
    ["1749384000000", "beyond the times of the years 1684 to 2255 if its unit is s", { timeUnit: "s" }],
    ["9999-12-31T00:00:00Z", "1684-07-28 to 2255-06-05"],
    ["20250608", "write 2026-01-31T09:30:00Z", { timeUnit: "s" }],
  ];
  for (const [text, said, options] of TEXTS)
    test(`${text} ${JSON.stringify(options ?? {})}`, async () => {
      const places: readonly (readonly [file: string, place: string])[] = [
        [csvTime(text), "t.csv:2: event_timestamp: "],
        [jsonTime(text), "t.jsonl:1: event_timestamp: "],
        [await textTime(text), "row 1: event_timestamp: "],
      ];
      for (const [file, place] of places) {
        const refused = read(file, options);
        await expect(refused).rejects.toMatchObject({ code: "TIME_INVALID" });
        await expect(refused).rejects.toThrow(said);
        await expect(refused).rejects.toThrow(place);
      }
    });

  test("a text that may be a name of another column is not shown", async () => {
    await expect(read(csvTime("Ann Smith"))).rejects.toThrow(
      't.csv:2: event_timestamp: a text that is no time; write it as "2026-01-31T09:30:00.125Z"',
    );
  });

  test("a row without a time", async () => {
    for (const file of [
      written("t.csv", "key,event_timestamp\na,\n"),
      written("t.jsonl", '{"key": "a", "event_timestamp": null}\n'),
      await parquet([column("key", "string"), column("event_timestamp", "int64")], [["a", null]]),
    ])
      await expect(read(file)).rejects.toThrow(/(:\d|row 1): event_timestamp is (empty|null)/);
  });

  test("a column that is no time", async () => {
    const columns = [column("key", "string"), column("event_timestamp", "boolean")];
    await expect(read(await parquet(columns, [["a", true]]))).rejects.toThrow(
      "event_timestamp is boolean; give a timestamp, text, or whole numbers with --time-unit",
    );
  });
});

describe("keys", () => {
  const int64: Options = { keys: [column("key", "int64")] };
  const csv = (key: string): string =>
    written("k.csv", `key,event_timestamp\n${key},2025-06-08T12:00:00Z\n`);
  const json = (key: string): string =>
    written("k.jsonl", `{"key": ${key}, "event_timestamp": "2025-06-08T12:00:00Z"}\n`);
  const keyOf = async (file: string, options: Options): Promise<Value> =>
    (await read(file, options))[0]![0]!;

  test("of whole numbers may have a fraction of zeros, an exponent and a sign", async () => {
    for (const text of ["1000", "1000.0", "1e3", "1.0E3", "+1000", " 1000 ", "0001000"])
      expect(await keyOf(csv(text), int64), text).toBe(1000n);
    for (const text of ["1000", "1000.0", "1e3", '"1000"', '"1000.0"'])
      expect(await keyOf(json(text), int64), text).toBe(1000n);
    expect(await keyOf(csv("9223372036854775807"), int64)).toBe(9223372036854775807n);
    expect(await keyOf(csv("-7"), { keys: [column("key", "int32")] })).toBe(-7);
  });

  test("of text stay as they are", async () => {
    for (const text of ["007", "1000.0", " a ", "6f9619ff-8b86-4011-b42d-00c04fc964ff", "null"])
      expect(await keyOf(csv(text), {}), text).toBe(text);
  });

  // prettier-ignore
  const REFUSED: readonly (readonly [key: string, said: string])[] = [
    ["1000.5", "k.csv:2: key: 1000.5 is not whole; give the keys as whole numbers"],
    ["9007199254740992.0", "floats from 2^53 on have lost digits; write the column as integers"],
    ["1e16", "floats from 2^53 on have lost digits"],
    ["9223372036854775808", "k.csv:2: key: the value is no int64"],
    ["Ann Smith", "k.csv:2: key: the text is no int64, which its entity says; give int64 values"],
    ["", "k.csv:2: key is empty; give every row its keys"],
  ];
  for (const [key, said] of REFUSED)
    test(`of whole numbers: ${JSON.stringify(key)} is refused, and no name is shown`, async () => {
      const refused = read(csv(key), int64);
      await expect(refused).rejects.toMatchObject({ code: "KEY_INVALID" });
      await expect(refused).rejects.toThrow(said);
      await expect(refused).rejects.not.toThrow("Smith");
    });

  test("of text given as numbers are refused, because a number has lost its zeros", async () => {
    await expect(read(json("1000"))).rejects.toThrow(
      "k.jsonl:1: key: a number is no string, which its entity says; write it in quotes, as text",
    );
  });

  test("that a file lacks are named with the columns that it has", async () => {
    await expect(read(written("k.csv", "Key,event_timestamp\n"))).rejects.toThrow(
      'there is no column key; did you mean "Key"? (it has Key, event_timestamp)',
    );
    const columns = [column("KEY", "int64"), column("event_timestamp", "date")];
    await expect(read(await parquet(columns, []))).rejects.toThrow(
      'there is no column key; did you mean "KEY"? (it has KEY int64, event_timestamp date)',
    );
  });
});

test("a CSV file without names is told, and its first row is not shown", async () => {
  for (const row of ["4711,Ann Smith,2025-06-08", "4711,4711", "4711,"]) {
    const refused = read(written("h.csv", `${row}\n`));
    await expect(refused).rejects.toThrow(/h\.csv:1: .*the first line must name the columns/);
    await expect(refused).rejects.not.toThrow(/4711|Ann/);
  }
});

describe("JSON lines", () => {
  const row = (members: string): string =>
    written("j.jsonl", `{"key": "a", "event_timestamp": "2025-06-08T12:00:00Z"${members}}\n`);

  test("with a member twice are refused; a member within a value may be there twice", async () => {
    await expect(read(row(', "y": 1, "y": 2'))).rejects.toThrow('the object has "y" twice');
    await expect(read(row(', "y": 1, "\\u0079" : 2'))).rejects.toThrow("twice");
    expect(await read(row(', "y": {"y": "\\"y\\":"}'))).toHaveLength(1);
  });

  test("with NaN are refused with the next step, and nothing of the line is shown", async () => {
    await expect(read(row(', "secret name": NaN'))).rejects.toThrow(
      /j\.jsonl:1: this is not JSON.*no NaN and no Infinity: write null/,
    );
    await expect(read(row(', "secret name": NaN'))).rejects.not.toThrow("secret");
  });

  test("keep members that have the names of what every object has", async () => {
    const file = written(
      "j.jsonl",
      '{"key": "a", "event_timestamp": "2025-06-08T12:00:00Z", "constructor": "x"}\n' +
        '{"key": "a", "event_timestamp": "2025-06-08T12:00:00Z"}\n',
    );
    expect((await read(file)).map((values) => values[2])).toEqual(["x", null]);
  });
});
