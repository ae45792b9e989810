/** Tests which columns that are declared as text hold other values. */
import type { Change } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { TextColumns } from "../../src/ingest/text-columns.ts";

/** What is told of a column. A row is the JSON text of the log, and the text that was read. */
function toldOf(rows: readonly (readonly [json: string, text: string | null])[]): unknown {
  const columns = new TextColumns([{ name: "total", database: "Total", index: 0 }]);
  rows.forEach(([json, text], offset) => {
    columns.add({
      topic: "t",
      partition: 0,
      offset,
      values: [text],
      logged: { row: `{"Total":${json}}`, key: null, oldKey: null, format: "{}" },
    } as unknown as Change);
  });
  return columns
    .mismatches("orders")
    .map(({ column, reason, rows: count, first }) => [
      column,
      reason,
      count,
      first.offset,
      first.message,
    ]);
}

const times = <T>(count: number, of: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i));
const number = (example: string): string =>
  `column "Total" is declared as string, and every value is a number, such as ${example}; as ` +
  'texts, "10" comes before "9"; declare the column by what it holds';

describe("a column of text is told", () => {
  test("if every value is a number, without nulls", () => {
    const rows = times(
      80,
      (i) => [i % 4 === 0 ? "null" : `${i}`, i % 4 === 0 ? null : `${i}`] as const,
    );
    expect(toldOf(rows)).toEqual([["total", "TEXT_OF_NUMBERS", 60, 1, number("1")]]);
  });

  test("if every value is a decimal as text, with one scale", () => {
    expect(toldOf(times(50, (i) => [`"${i}.50"`, `${i}.50`]))).toEqual([
      ["total", "TEXT_OF_NUMBERS", 50, 0, number("0.50")],
    ]);
  });

  test("if a schema made decimals of base64", () => {
    expect(toldOf(times(50, (i) => ['"J3U="', `${i}`]))).toEqual([
      ["total", "TEXT_OF_NUMBERS", 50, 0, number("0")],
    ]);
  });

  test("if every value is true or false", () => {
    expect(toldOf(times(50, (i) => [`${i > 3}`, `${i > 3}`]))).toMatchObject([
      ["total", "TEXT_OF_BOOLEANS", 50, 0, expect.stringContaining("every value is true or false")],
    ]);
  });
});

describe("a column of text is not told", () => {
  test.each<[string, (i: number) => readonly [string, string | null]]>([
    ["with digits as text, such as a postal code", (i) => [`"${1000 + i}"`, `${1000 + i}`]],
    ["with texts of several scales, such as a version", (i) => [`"1.${i}"`, `1.${i}`]],
    ["with one word among numbers", (i) => (i === 30 ? ['"none"', "none"] : [`${i}`, `${i}`])],
    ["with objects", () => ['{"a":1}', '{"a":1}']],
    ["of nulls", () => ["null", null]],
  ])("%s", (_, row) => {
    expect(toldOf(times(80, row))).toEqual([]);
  });

  test("of fewer than fifty values", () => {
    expect(toldOf(times(49, (i) => [`${i}`, `${i}`]))).toEqual([]);
  });
});
