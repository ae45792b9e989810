/** Brings the rows of a day from any origin into a form that COPY reads. */
import { stat } from "node:fs/promises";
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import {
  formatTime,
  valueAt,
  type ColumnSpec,
  type Value,
  type ValueType,
} from "@tidemark/core/spi";
import { fileLines, fileThere, LOAD_CODES, toUser } from "@tidemark/core/internal";
import type { ParquetRows } from "@tidemark/delta";
import { redact } from "../config/secret.ts";
import { csvHeader, csvRecords, fieldsOf } from "../input/csv.ts";
import { loadDelta } from "../modules/optional-packages.ts";
import { copyBytes, copyField, rowInvalid } from "./copy-text.ts";
import type { LoadRow } from "../config/load-jobs.ts";
import { jsonRow } from "./json-row.ts";
import type { ColumnWriter } from "./time-columns.ts";

export interface DayRows {
  /** The columns of the table that the rows fill. If empty, the day has no rows. */
  readonly columns: readonly string[];
  /** The rows in COPY's text format. `writers` convert the times, by the place of the column. */
  bytes(writers: ColumnWriters): AsyncIterable<Buffer>;
  /** Where a row of COPY comes from, for messages: `payments.csv:12`, `row 12`. */
  location(row: number): string | Promise<string>;
  /** Opens the rows a second time, for messages. null: they come once. */
  readonly reopen: (() => Promise<DayRows>) | null;
}

/** The writer of each column of the rows; undefined where its values stay as they are. */
export type ColumnWriters = readonly (ColumnWriter | undefined)[];

export async function fileRows(file: string, signal: AbortSignal): Promise<DayRows> {
  const kind = /\.(csv|jsonl|parquet)(?:\.gz)?$/i.exec(file)![1]!.toLowerCase();
  const rows =
    kind === "csv"
      ? await csvRows(file, signal)
      : kind === "parquet"
        ? await parquetRows(file, signal)
        : await objectRows(jsonlRows(file, signal), (row) => lineOfRow(file, row, signal));
  return { ...rows, reopen: () => fileRows(file, signal) };
}

/**
 * The rows of a function.
 * @throws LOAD_ROWS_FAILED when the function throws; the message counts the rows before the error.
 */
export function functionRows(
  rows: Iterable<LoadRow> | AsyncIterable<LoadRow>,
  who: string,
): Promise<DayRows> {
  let number = 0;
  const failed = (cause: unknown): TidemarkError<string> =>
    isTidemarkError(cause)
      ? cause
      : new TidemarkError(
          "LOAD_ROWS_FAILED",
          `${who} threw after ${number} rows: ` +
            `${redact(cause instanceof Error ? cause.message : String(cause))}; nothing of the ` +
            "day was written",
          { cause },
        );
  return objectRows(
    (async function* () {
      try {
        for await (const row of rows) {
          number++;
          if (typeof row !== "object" || row === null)
            throw rowInvalid(
              `${who}: row ${number} is ${row === null ? "null" : typeof row}; give an object ` +
                "by the names of the columns",
            );
          yield { row, location: `${who}: row ${number}` };
        }
      } catch (error) {
        throw failed(error);
      }
    })(),
    (row) => `${who}: row ${row}`,
  );
}

interface LocatedRow {
  readonly row: LoadRow;
  readonly location: string;
}

/** The first row determines the columns. Every row must have these columns. */
async function objectRows(
  rows: AsyncGenerator<LocatedRow>,
  location: DayRows["location"],
): Promise<DayRows> {
  const first = await rows.next();
  const columns = first.done === true ? [] : Object.keys(first.value.row);
  if (first.done !== true && columns.length === 0)
    throw rowInvalid(
      `${first.value.location} has no columns; give an object by the names of the table's columns`,
    );
  async function* lines(writers: ColumnWriters): AsyncGenerator<string> {
    if (first.done === true) return;
    yield lineText(columns, writers, first.value);
    for await (const one of rows) yield lineText(columns, writers, one);
  }
  return { columns, bytes: (writers) => copyBytes(lines(writers)), location, reopen: null };
}

function lineText(
  columns: readonly string[],
  writers: ColumnWriters,
  { row, location }: LocatedRow,
): string {
  let text = "";
  for (let c = 0; c < columns.length; c++) {
    const name = columns[c]!;
    if (!Object.hasOwn(row, name))
      throw rowInvalid(
        `${location} has no ${name}, which the first has; every row must have the same columns: ` +
          "write null where there is no value",
      );
    text += (c === 0 ? "" : "\t") + fieldText(row[name], writers[c], () => `${location}: ${name}`);
  }
  const names = Object.keys(row);
  if (names.length > columns.length)
    throw rowInvalid(
      `${location} has ${names.find((name) => !columns.includes(name))!}, which the first has ` +
        "not; every row must have the same columns: write null where there is no value",
    );
  return `${text}\n`;
}

/** The COPY text of a value, through the column's writer. */
function fieldText(
  value: unknown,
  writer: ColumnWriter | undefined,
  location: () => string,
): string {
  const written =
    writer === undefined || value === null || value === undefined
      ? value
      : writer.write(value, location);
  return copyField(written, location);
}

async function* jsonlRows(file: string, signal: AbortSignal): AsyncGenerator<LocatedRow> {
  for await (const lines of fileLines(file, LOAD_CODES, signal))
    for (const { text, line } of lines)
      yield { row: jsonRow(text, `${file}:${line}`), location: `${file}:${line}` };
}

/**
 * Finds the line of a row. COPY counts rows, and a file may have empty lines, so the file is read
 * again. Only messages need this.
 */
async function lineOfRow(file: string, row: number, signal: AbortSignal): Promise<string> {
  let seen = 0;
  for await (const lines of fileLines(file, LOAD_CODES, signal)) {
    if (seen + lines.length >= row) return `${file}:${lines[row - seen - 1]!.line}`;
    seen += lines.length;
  }
  return `${file}: row ${row}`;
}

async function csvRows(file: string, signal: AbortSignal): Promise<DayRows> {
  const columns = await csvHeader(file, LOAD_CODES, signal);
  async function* lines(writers: ColumnWriters): AsyncGenerator<string> {
    let head = true;
    for await (const records of csvRecords(file, LOAD_CODES, signal)) {
      let text = "";
      for (const record of records) {
        const fields = fieldsOf(record, columns, file, LOAD_CODES);
        if (!head) {
          for (let c = 0; c < fields.length; c++)
            text +=
              (c === 0 ? "" : "\t") +
              fieldText(fields[c], writers[c], () => `${file}:${record.line}: ${columns[c]!}`);
          text += "\n";
        }
        head = false;
      }
      if (text !== "") yield text;
    }
  }
  async function location(row: number): Promise<string> {
    let before = -1; // the head
    for await (const records of csvRecords(file, LOAD_CODES, signal)) {
      const record = records[row - before - 1];
      if (record !== undefined) return `${file}:${record.line}`;
      before += records.length;
    }
    return `${file}: row ${row}`;
  }
  return { columns, bytes: (writers) => copyBytes(lines(writers)), location, reopen: null };
}

async function parquetRows(file: string, signal: AbortSignal): Promise<DayRows> {
  // Spark writes a folder of Parquet files under the name of one.
  if ((await stat(file).catch(() => null))?.isDirectory() !== true)
    await fileThere(file, LOAD_CODES);
  const { readParquet } = await loadDelta(`the Parquet file ${file}`);
  const content = await readParquet(file, { signal });
  const [unsupported] = [...content.unsupported, ...content.columns.flatMap(nestedColumn)];
  if (unsupported !== undefined)
    throw rowInvalid(
      `${file}: column "${unsupported.name}" is ${unsupported.holds}, which a table cannot ` +
        "hold; write it as plain columns, or as JSON text",
    );
  return {
    columns: content.columns.map(({ name }) => name),
    location: (row) => `${file}: row ${row}`,
    bytes: (writers) => copyBytes(parquetLines(file, content, writers)),
    reopen: null,
  };
}

/** A column of lists, maps or structs, with what it holds. */
function nestedColumn({ name, type }: ColumnSpec): { name: string; holds: string }[] {
  return type === "list" || type === "map" || type === "struct"
    ? [{ name, holds: `a ${type}` }]
    : [];
}

async function* parquetLines(
  file: string,
  { columns, batches }: ParquetRows,
  writers: ColumnWriters,
): AsyncGenerator<string> {
  let before = 0;
  for await (const batch of batches()) {
    for (let i = 0; i < batch.length; i++) {
      const fields = columns.map((column, c) => {
        const value = valueAt(batch.vectors[c]!, i);
        return fieldText(
          value === null ? null : parquetValue(value, column),
          writers[c],
          () => `${file}: row ${before + i + 1}: ${column.name}`,
        );
      });
      yield `${fields.join("\t")}\n`;
    }
    before += batch.length;
  }
}

/** A value as COPY takes it. Only a time that is an instant has a Z. */
function parquetValue(value: NonNullable<Value>, column: ColumnSpec): unknown {
  const form = copyForms[column.type];
  return form === undefined ? value : form(value, column);
}

const copyForms: Readonly<
  Partial<Record<ValueType, (value: NonNullable<Value>, column: ColumnSpec) => unknown>>
> = {
  timestamp(value, { zoneless }) {
    const text = formatTime(value as number | bigint);
    return zoneless === true ? text.slice(0, -1) : text;
  },
  decimal: toUser,
  date: toUser,
  // Any double, also whole numbers above 2^53. PostgreSQL has the same words for NaN and Infinity.
  float64: String,
};
