/** Converts values of each value type to JSON and from JSON. */
import { formatDate, formatTime, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { fromBase64, toBase64, toUser } from "@tidemark/core/internal";

/**
 * The form of int64 values in an answer: JSON strings of digits, or JSON numbers. A column of mode
 * "number" always has JSON numbers.
 */
export type Int64Form = "string" | "number";

/** Converts a value to JSON text. */
export type ValueWriter = (value: Value) => string;

/** Makes a writer of the column's values. */
export function valueWriter(column: ColumnSpec, int64: Int64Form): ValueWriter {
  const text = textOf(column, int64);
  return (value) => (value === null ? "null" : text(value));
}

/**
 * Makes a writer of values that are not null. A float64 becomes the shortest text that parses to
 * the same double. Other types keep every digit.
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
      return (value) => `"${toBase64(value as Uint8Array)}"`;
    default:
      return String; // json is already text
  }
}

/**
 * Makes a reader that converts JSON to the value that `store.push` takes; null if both are the
 * same. A value that does not fit stays unchanged. The store then refuses the value, and names its
 * row and column.
 */
function wireReader(column: ColumnSpec): ((given: unknown) => unknown) | null {
  switch (column.type) {
    case "int64":
      return (given) =>
        typeof given === "string" && /^-?\d{1,20}$/.test(given) ? BigInt(given) : given;
    case "bytes":
      return (given) => (typeof given === "string" ? fromBase64(given) : null) ?? given;
    // exactBody parses a whole number beyond 2^53 as a bigint, and the column needs a double
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

/**
 * Matches the float64 values for which JSON has no number. A push counts them (law 9: NaN and
 * ±Infinity are missing and counted).
 */
const NON_FINITE = /^(?:NaN|-?Infinity)$/;

const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Keeps the digits of whole numbers beyond 2^53 within a json value. */
function withDigits(given: unknown): unknown {
  if (typeof given === "bigint") return rawJSON(String(given));
  if (typeof given !== "object" || given === null) return given;
  if (Array.isArray(given)) return given.map(withDigits);
  const members = given as Record<string, unknown>;
  for (const name of Object.keys(members))
    if (name !== "__proto__") members[name] = withDigits(members[name]);
  return members;
}

/** Makes a reader of a request's rows. The reader converts the columns that JSON cannot hold. */
export function rowReader(columns: readonly ColumnSpec[]): (row: unknown) => unknown {
  const readers = columns.flatMap((column) => {
    const read = wireReader(column);
    return read === null ? [] : [{ name: column.name, read }];
  });
  if (readers.length === 0) return (row) => row;
  return (row) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
    // the row belongs to the request's body, and is changed in place
    const members = row as Record<string, unknown>;
    for (const { name, read } of readers)
      if (Object.hasOwn(members, name)) members[name] = read(members[name]);
    return members;
  };
}
