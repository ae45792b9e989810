import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { csvHeader, csvRecords, type CsvRecord } from "../../src/input/csv.ts";
import { ENTITIES_CODES, fileLines, MAX_LINE_LENGTH } from "@tidemark/core/internal";

const directory = mkdtempSync(join(tmpdir(), "tidemark-csv-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const written = (content: string | Buffer, name = "rows.csv"): string => {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
};
async function read(content: string | Buffer, name?: string): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const batch of csvRecords(written(content, name), ENTITIES_CODES))
    records.push(...batch);
  return records;
}
const rows = async (content: string | Buffer, name?: string): Promise<unknown[]> =>
  (await read(content, name)).map(({ fields }) => fields);

const { first: seed, runs } = seedsFromEnvironment({ runs: 200 });

test("what a writer of RFC 4180 wrote is read back, with the line of each record", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.array(fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "ü", "😀") }), {
          minLength: 2,
          maxLength: 4,
        }),
        { minLength: 1, maxLength: 20 },
      ),
      fc.constantFrom("\n", "\r\n"),
      async (given, end) => {
        const field = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        let line = 1;
        const expected = given.map((fields) => {
          const record = { fields, line };
          line += fields.join("").split("\n").length;
          return record;
        });
        const text = given.map((fields) => fields.map(field).join(",") + end).join("");
        expect(await read(text)).toEqual(expected);
      },
    ),
    { seed, numRuns: runs },
  );
});

test("fields, records and quotes that a piece of the file cuts are whole", async () => {
  // pieces have 262,144 bytes
  for (let before = 262_136; before < 262_150; before++) {
    const text = `${"x".repeat(before)},"a""b\r\nc",,""\r\n1,2,3,4\r\n`;
    expect(await read(text)).toEqual([
      { fields: ["x".repeat(before), 'a"b\r\nc', null, ""], line: 1 },
      { fields: ["1", "2", "3", "4"], line: 3 },
    ]);
  }
});

test("an empty field is null and quotes hold the empty text; empty lines are skipped", async () => {
  expect(await rows('a,,""\n\n""\n\r\nb,')).toEqual([["a", null, ""], [""], ["b", null]]);
  expect(await rows("a,b\rc,d\r")).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(await rows("")).toEqual([]);
});

test("UTF-8 and UTF-16 are read, with a byte order mark and packed too", async () => {
  const text = "\uFEFFid,name\r\n1,Zoë 😀\r\n";
  const bigEndian = Buffer.from(text, "utf16le").swap16();
  const expected = [
    ["id", "name"],
    ["1", "Zoë 😀"],
  ];
  const unmarked = Buffer.from(text.slice(1), "utf16le");
  for (const bytes of [Buffer.from(text), Buffer.from(text, "utf16le"), bigEndian, unmarked]) {
    expect(await rows(bytes)).toEqual(expected);
    expect(await rows(gzipSync(bytes), "rows.csv.gz")).toEqual(expected);
  }
});

// prettier-ignore
const INVALID: readonly (readonly [name: string, content: string | Buffer, said: string])[] = [
  ["a quote without its end", 'a,b\n1,"x\n2,y\n', "rows.csv:2: a quoted field does not end"],
  ["a quote within a field", 'a,b\n1,x"y\n', "rows.csv:2: a quote stands within a field"],
  ["text behind a quoted field", 'a,b\n1,"x"y\n', "rows.csv:2: after a quoted field there is more"],
  ["NUL", "a,b\n1,x\n2,\0\n", "rows.csv:3: there is a character NUL"],
  ["Latin-1", Buffer.from("a,b\n1,x\n2,Zoë\n", "latin1"), "rows.csv:3: this is not UTF-8"],
];
for (const [name, content, said] of INVALID)
  test(`${name} is refused with its line, and no value is shown`, async () => {
    await expect(rows(content)).rejects.toThrow(said);
  });

test("a header names the columns once each, and commas separate them", async () => {
  const header = (text: string) => csvHeader(written(text), ENTITIES_CODES);
  expect(await header("a,b\n")).toEqual(["a", "b"]);
  await expect(header("a,b,a\n")).rejects.toThrow('two columns are called "a"');
  await expect(header("a,,b\n")).rejects.toThrow("the 2. column has no name");
  for (const text of ["a;b\n", "a\tb\n", "a|b\n"])
    await expect(header(text)).rejects.toThrow("separate columns by commas");
  await expect(header("\n\n")).rejects.toThrow("the file is empty");
});

test("the time of a long field grows with its length alone", async () => {
  const seconds = async (length: number): Promise<number> => {
    const started = performance.now();
    expect((await rows(`a,b\n1,"${"x".repeat(length)}"\n`))[1]).toHaveLength(2);
    return performance.now() - started;
  };
  await seconds(1 << 20);
  const [short, long] = [await seconds(1 << 21), await seconds(1 << 24)];
  // eight times the length; in quadratic time it were 64 times the duration
  expect(long / short).toBeLessThan(32);
});

test("a record and a line have a largest size, and the error names where it begins", async () => {
  const endless = "x".repeat(MAX_LINE_LENGTH + 1);
  await expect(rows(`a,b\n1,"${endless}`)).rejects.toThrow(/rows\.csv:2: the record that begins/);
  await expect(rows(`a\n${",".repeat(70_000)}\n`)).rejects.toThrow(/rows\.csv:2: .*65536 fields/);
  const lines = async (): Promise<void> => {
    for await (const batch of fileLines(written(`{}\n${endless}`), ENTITIES_CODES)) void batch;
  };
  await expect(lines()).rejects.toThrow(/rows\.csv:2: the line is longer than/);
});
