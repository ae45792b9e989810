/** Tests that rows of typed values are read again after their columns have other names. */
import { expect, test } from "vitest";
import { changeReader } from "../../src/row-formats/change-reader.ts";
import { valuesLogger } from "../../src/row-formats/values-format.ts";
import type { ColumnSpec, SourceSpec } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";

const column = (name: string, database: string, type: ColumnSpec["type"]): ColumnSpec => ({
  name,
  database,
  type,
  nullable: true,
});
const sourceOf = (columns: readonly ColumnSpec[], primaryKey: readonly string[]): SourceSpec => ({
  name: "visits",
  table: "public.visits",
  columns,
  primaryKey,
  eventTime: { kind: "committed", since: null },
  createdAt: null,
});
const former = sourceOf(
  [
    column("id", "id", "int64"),
    column("part", "Part No", "int32"),
    column("note", "note", "string"),
    column("raw_note", "note", "bytes"),
  ],
  ["id", "part"],
);
const renamed = sourceOf(
  [
    column("text", "note", "string"),
    column("number", "Part No", "int32"),
    column("raw_note", "note", "bytes"),
    column("id", "id", "int64"),
  ],
  ["id", "number"],
);
const change = (over: Partial<Change>): Change => ({
  source: "visits",
  topic: "visits",
  partition: 0,
  offset: 0,
  kind: "upsert",
  values: [7n, 3, "a", Uint8Array.of(1)],
  oldKey: null,
  unavailable: [],
  invalidColumns: [],
  undecodable: null,
  nonFinite: 0,
  order: 1n,
  committed: 1,
  snapshot: false,
  op: "c",
  timestamp: null,
  transaction: null,
  ...over,
});
const log = valuesLogger(former);
const read = changeReader(renamed);
const readAgain = (one: Change): Change => read({ ...one, logged: log(one) });

test("values are found by the columns' names in the database", () => {
  expect(readAgain(change({})).values).toEqual(["a", 3, Uint8Array.of(1), 7n]);
});

test("a delete and an old key keep their primary key", () => {
  const gone = change({ kind: "delete", values: [7n, 3, null, null] });
  expect(readAgain(gone)).toMatchObject({ kind: "delete", values: [null, 3, null, 7n] });
  expect(readAgain(change({ oldKey: [8n, 4] })).oldKey).toEqual([8n, 4]);
});

test("columns that were invalid or left out are so under their new names", () => {
  const values = [7n, 3, null, null];
  const invalid = change({ values, invalidColumns: [{ column: "note", reason: "NOT_TEXT" }] });
  expect(readAgain(invalid).invalidColumns).toEqual([{ column: "text", reason: "NOT_TEXT" }]);
  expect(readAgain(change({ values, unavailable: [2] })).unavailable).toEqual([0]);
});
