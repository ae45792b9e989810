/** Converts values of each value type to JSON and from JSON. */
import type { ColumnSpec, ScalarType, Value } from "@tidemark/core/spi";
import { fromBase64, scalarType, typeOf, type PartWriters } from "@tidemark/core/internal";

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
 * the same double. Other types keep every digit. Parts of lists, maps and structs are written
 * alike.
 */
function textOf(column: ColumnSpec, int64: Int64Form): (value: Exclude<Value, null>) => string {
  const writerOf: PartWriters = ({ type, mode }) =>
    type === "int64" && mode !== "number" && int64 === "string"
      ? (value) => `"${String(value as bigint)}"`
      : undefined;
  return writerOf(column) ?? typeOf(column).jsonText(column, writerOf);
}

/**
 * Convert JSON to the value that `store.push` takes; null if both are the same. A value that does
 * not fit stays unchanged. The store then refuses the value, and names its row and column.
 */
const wireReaders: Readonly<Record<ScalarType, ((given: unknown) => unknown) | null>> = {
  string: null,
  boolean: null,
  int32: null,
  int64: (given) =>
    typeof given === "string" && /^-?\d{1,20}$/.test(given) ? BigInt(given) : given,
  // exactBody parses a whole number beyond 2^53 as a bigint, and the column needs a double
  float64: (given) =>
    typeof given === "bigint" || (typeof given === "string" && NON_FINITE.test(given))
      ? Number(given)
      : given,
  decimal: null,
  timestamp: null,
  date: null,
  bytes: (given) => (typeof given === "string" ? fromBase64(given) : null) ?? given,
  json: withDigits,
};

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
    const read = wireReaders[scalarType(column, `column ${column.name}`)];
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
