/** Brings the rows of a day from any origin into a form that COPY reads. */
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import { formatTime, valueAt, type Batch } from "@tidemark/core/spi";
import { toUser } from "@tidemark/core/internal";
import type { ParquetRows } from "@tidemark/delta";
import { redact } from "../config/secret.ts";
import { csvHeader } from "../input/csv.ts";
import { LOAD_CODES, fileBytes, fileLines, fileThere } from "../input/text-file.ts";
import { loadDelta } from "../modules/optional-packages.ts";
import { copyBytes, copyField, rowInvalid } from "./copy-text.ts";
import type { LoadRow } from "../config/load-jobs.ts";
import { jsonRow } from "./json-row.ts";

export interface DayRows {
  /** The columns of the table that the rows fill. If empty, the day has no rows. */
  readonly columns: readonly string[];
  readonly format: "text" | "csv";
  bytes(): AsyncIterable<Buffer>;
  /** Where a line of COPY comes from, for messages: `payments.csv:12`, `row 12`. */
  location(line: number): string | Promise<string>;
}

export async function fileRows(file: string, signal: AbortSignal): Promise<DayRows> {
  const kind = /\.(csv|jsonl|parquet)(?:\.gz)?$/i.exec(file)![1]!.toLowerCase();
  if (kind === "csv") {
    // PostgreSQL parses the file. Only the column names are needed here.
    return {
      columns: await csvHeader(file, LOAD_CODES, signal),
      format: "csv",
      bytes: () => csvBytes(file, signal),
      location: (line) => `${file}:${line}`,
    };
  }
  if (kind === "parquet") return parquetRows(file, signal);
  return objectRows(jsonlRows(file, signal), (row) => lineOfRow(file, row, signal));
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
  async function* lines(): AsyncGenerator<string> {
    if (first.done === true) return;
    yield lineText(columns, first.value);
    for await (const one of rows) yield lineText(columns, one);
  }
  return { columns, format: "text", bytes: () => copyBytes(lines()), location };
}

function lineText(columns: readonly string[], { row, location }: LocatedRow): string {
  let text = "";
  for (let c = 0; c < columns.length; c++) {
    const name = columns[c]!;
    if (!Object.hasOwn(row, name))
      throw rowInvalid(
        `${location} has no ${name}, which the first has; every row must have the same columns: ` +
          "write null where there is no value",
      );
    text += (c === 0 ? "" : "\t") + copyField(row[name], () => `${location}: ${name}`);
  }
  const names = Object.keys(row);
  if (names.length > columns.length)
    throw rowInvalid(
      `${location} has ${names.find((name) => !columns.includes(name))!}, which the first has ` +
        "not; every row must have the same columns: write null where there is no value",
    );
  return `${text}\n`;
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

/**
 * Yields the file unchanged. PostgreSQL would silently end the data at a line `\.`, so such a line
 * is refused.
 */
async function* csvBytes(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  let before = Buffer.from("\n");
  for await (const bytes of fileBytes(file, LOAD_CODES, signal)) {
    refuseEndMarker(Buffer.concat([before, bytes.subarray(0, 4)]), file);
    refuseEndMarker(bytes, file);
    before = Buffer.from(
      bytes.length >= 4 ? bytes.subarray(-4) : Buffer.concat([before, bytes]).subarray(-4),
    );
    yield bytes;
  }
  refuseEndMarker(Buffer.concat([before, Buffer.from("\n")]), file);
}

function refuseEndMarker(bytes: Buffer, file: string): void {
  const lineEnd = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;
  for (let at = bytes.indexOf("\\."); at >= 0; at = bytes.indexOf("\\.", at + 1)) {
    if (lineEnd(bytes[at - 1]) && lineEnd(bytes[at + 2]))
      throw rowInvalid(
        `${file}: a line is \\. and nothing else, which PostgreSQL takes for the end of the ` +
          "data; give the rows as .jsonl",
      );
  }
}

async function parquetRows(file: string, signal: AbortSignal): Promise<DayRows> {
  await fileThere(file, LOAD_CODES);
  const { readParquet } = await loadDelta(`the Parquet file ${file}`);
  const content = await readParquet(file, { signal });
  if (content.unsupportedColumns.length > 0)
    throw rowInvalid(
      `${file}: column "${content.unsupportedColumns[0]!}" is a list, a struct or of a type that ` +
        "Tidemark cannot read; write it as plain columns, or as JSON text",
    );
  return {
    columns: content.columns.map(({ name }) => name),
    format: "text",
    location: (row) => `${file}: row ${row}`,
    bytes: () => copyBytes(parquetLines(file, content)),
  };
}

async function* parquetLines(
  file: string,
  { columns, batches }: ParquetRows,
): AsyncGenerator<string> {
  let before = 0;
  for await (const batch of batches()) {
    for (let i = 0; i < batch.length; i++) yield parquetLine(file, columns, batch, i, before);
    before += batch.length;
  }
}

function parquetLine(
  file: string,
  columns: ParquetRows["columns"],
  { vectors }: Batch,
  i: number,
  before: number,
): string {
  const fields = columns.map((column, c) => {
    const value = valueAt(vectors[c]!, i);
    const place = (): string => `${file}: row ${before + i + 1}: ${column.name}`;
    switch (column.type) {
      case "timestamp":
        return value === null ? "\\N" : formatTime(value as number);
      case "decimal":
      case "date":
        return copyField(toUser(value, column), place);
      // Any double, also whole numbers above 2^53. PostgreSQL has the same words for NaN and
      // Infinity.
      case "float64":
        return value === null ? "\\N" : String(value);
      default:
        return copyField(value, place);
    }
  });
  return `${fields.join("\t")}\n`;
}
