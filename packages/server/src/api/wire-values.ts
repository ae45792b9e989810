/** Values on the wire: what each kind of column is in JSON, in requests and in answers. */
import { formatDate, formatTime, toUser } from "@tidemark/core";
import type { ColumnSpec, Value } from "@tidemark/core/spi";

/**
 * Whether int64 values are JSON strings of their digits or bare digits. A column of mode "number",
 * counts among them, always is bare digits.
 */
export type Int64Form = "string" | "number";

/** From a value to its JSON text. */
export type ValueWriter = (value: Value) => string;

export function valueWriter(column: ColumnSpec, int64: Int64Form): ValueWriter {
  const text = textOf(column, int64);
  return (value) => (value === null ? "null" : text(value));
}

/**
 * float64: the shortest text that reads back as the same double; text of other kinds has every
 * digit.
 */
function textOf(column: ColumnSpec, int64: Int64Form): (value: Exclude<Value, null>) => string {
  switch (column.type) {
    case "string":
      return (value) => JSON.stringify(value);
    case "int64":
      return column.mode === "number" || int64 === "number"
        ? String
        : (value) => `"${String(value)}"`;
    case "decimal":
      return (value) => `"${String(toUser(value, column))}"`;
    case "timestamp":
      return (value) => `"${formatTime(value as number)}"`;
    case "date":
      return (value) => `"${formatDate(value as number)}"`;
    case "bytes":
      return (value) => `"${base64Of(value as Uint8Array)}"`;
    default:
      return String; // json is text already
  }
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * From a value of a request to what a user of the store would hand in; null: as JSON gives it. What
 * it cannot make sense of stays, and the store refuses it by row and column.
 */
function wireReader(column: ColumnSpec): ((given: unknown) => unknown) | null {
  switch (column.type) {
    case "int64":
      return (given) =>
        typeof given === "string" && /^-?\d{1,20}$/.test(given) ? BigInt(given) : given;
    case "bytes":
      return (given) =>
        typeof given === "string" && isBase64(given)
          ? new Uint8Array(Buffer.from(given, "base64"))
          : given;
    // a whole number beyond 2^53 came as a bigint, and a double is what is wanted
    case "float64":
      return (given) =>
        typeof given === "bigint" || (typeof given === "string" && NON_FINITE.test(given))
          ? Number(given)
          : given;
    case "json":
      return withDigits;
    default:
      return null;
  }
}

/** JSON has no numbers for these; a push counts them as missing (law 9). */
const NON_FINITE = /^(?:NaN|-?Infinity)$/;

const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** A whole number beyond 2^53 within a json value keeps its digits: the value is kept as text. */
function withDigits(given: unknown): unknown {
  if (typeof given === "bigint") return rawJSON(String(given));
  if (typeof given !== "object" || given === null) return given;
  if (Array.isArray(given)) return given.map(withDigits);
  const members = given as Record<string, unknown>;
  for (const name of Object.keys(members))
    if (name !== "__proto__") members[name] = withDigits(members[name]);
  return members;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/**
 * A reader of rows of a request: columns that JSON cannot hold as they are read from their form on
 * the wire.
 */
export function rowReader(columns: readonly ColumnSpec[]): (row: unknown) => unknown {
  const readers = columns.flatMap((column) => {
    const read = wireReader(column);
    return read === null ? [] : [{ name: column.name, read }];
  });
  if (readers.length === 0) return (row) => row;
  return (row) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
    // of the request's body, which nobody else holds
    const members = row as Record<string, unknown>;
    for (const { name, read } of readers)
      if (Object.hasOwn(members, name)) members[name] = read(members[name]);
    return members;
  };
}
