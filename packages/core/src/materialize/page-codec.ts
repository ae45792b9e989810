/**
 * Materialized rows in cells of the online store: a page holds the rows of about thirty entities, chosen by hash, so that a day of half a million rows is some
 * sixteen thousand cells. A read takes one page and decodes one row of it.
 */
import { ByteReader, ByteWriter, damaged } from "../columns/bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../model.ts";

const FORMAT = 1;
/** Rows of a page, on average, are between half of this and this. */
export const PAGE_ROWS = 48;

/** How many pages hold so many rows: a power of two, so that a row's page follows from the low bits of its hash. */
export function pagesFor(rows: number): number {
  let pages = 1;
  while (pages * PAGE_ROWS < rows) pages *= 2;
  return pages;
}

/** Writes a page: format, how many rows, and of each its hash, its key's text and its values. */
export interface PageWriter {
  begin(rows: number): void;
  row(hash: number, key: string, value: (feature: number) => Value): void;
  finish(): Uint8Array;
}

export function pageWriter(columns: readonly ColumnSpec[]): PageWriter {
  const writer = new ByteWriter(8192);
  const one = new ByteWriter(256);
  return {
    begin(rows) {
      writer.clear();
      writer.byte(FORMAT);
      writer.count(rows);
    },
    row(hash, key, value) {
      one.clear();
      one.text(key);
      for (let c = 0; c < columns.length; c++) writeValue(one, columns[c]!, value(c));
      writer.count(hash);
      writer.count(one.length);
      writer.raw(one.view());
    },
    finish: () => writer.copy(),
  };
}

/** The values of the row under this key; null: the page has none. Throws `STATE_DAMAGED`, `STATE_NEWER_FORMAT`. */
export function rowOfPage(columns: readonly ColumnSpec[], bytes: Uint8Array, hash: number, key: string): readonly Value[] | null {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== FORMAT) throw new TidemarkError("STATE_NEWER_FORMAT", `online store: a page of materialized rows has format ${format}, this version reads ${FORMAT}: use the version of Tidemark that wrote it, or materialize the view again`);
  const rows = reader.items();
  for (let row = 0; row < rows; row++) {
    const here = reader.count();
    const end = reader.items() + reader.at;
    if (here === hash && reader.text() === key) {
      const values = columns.map((column) => readValue(reader, column));
      if (reader.at !== end) throw damaged("has a materialized row of another length than it says");
      return values;
    }
    reader.at = end;
  }
  return null;
}

const MISSING = 0;
const THERE = 1;

function writeValue(writer: ByteWriter, column: ColumnSpec, value: Value): void {
  if (value === null) return writer.byte(MISSING);
  writer.byte(THERE);
  switch (column.kind) {
    case "string": case "json": return writer.text(value as string);
    case "boolean": return writer.byte(value === true ? 1 : 0);
    case "int32": case "date": return writer.zigzag(value as number);
    case "float64": case "timestamp": return writer.float64(value as number);
    case "int64": return writer.int64(value as bigint);
    case "decimal": return writer.text(String(value));
    case "bytes":
      writer.count((value as Uint8Array).length);
      return writer.raw(value as Uint8Array);
  }
}

function readValue(reader: ByteReader, column: ColumnSpec): Value {
  if (reader.byte() === MISSING) return null;
  switch (column.kind) {
    case "string": case "json": return reader.text();
    case "boolean": return reader.byte() === 1;
    case "int32": case "date": return reader.zigzag();
    case "float64": case "timestamp": return reader.float64();
    case "int64": return reader.int64();
    case "decimal": {
      const text = reader.text();
      if (!/^-?\d{1,39}$/.test(text)) throw damaged("has a decimal without digits");
      return BigInt(text);
    }
    case "bytes": return reader.raw(reader.count()).slice();
  }
}
