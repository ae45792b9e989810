/** Values as plain JSON data that loses no digit. */
import type { ColumnSpec, TypeSpec, Value } from "../specs.ts";
import { HIDDEN } from "../define/definition.ts";
import type { PartWriters } from "../types/type-descriptor.ts";
import { typeOf } from "../types/value-types.ts";

/** Plain data, as `JSON.parse` returns it. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Values by column. */
export type JsonRow = { readonly [column: string]: JsonValue };

/** int64 as a text of digits, unless its mode is "number"; a json value as its text. */
const writers: PartWriters = ({ type, mode }) => {
  if (type === "json") return (value) => JSON.stringify(value);
  if (type !== "int64") return undefined;
  return (value) => {
    const isSafe = mode === "number" && Number.isSafeInteger(Number(value));
    return isSafe ? String(value as bigint) : `"${String(value as bigint)}"`;
  };
};

/** Converts a value to JSON data. Decimals, times and bytes are texts, as in the JSON API. */
export function jsonOf(value: Value, spec: TypeSpec): JsonValue {
  if (value === null) return null;
  const text = (writers(spec) ?? typeOf(spec).jsonText(spec, writers))(value);
  return JSON.parse(text) as JsonValue;
}

/** Converts a row. Columns that no user declared are left out, and so are those not `held`. */
export function jsonRow(
  columns: readonly ColumnSpec[],
  values: readonly Value[],
  held: (column: ColumnSpec) => boolean = () => true,
): JsonRow {
  return Object.fromEntries(
    columns.flatMap((column, c) =>
      column.name.startsWith(HIDDEN) || !held(column)
        ? []
        : [[column.name, jsonOf(values[c] ?? null, column)] as const],
    ),
  );
}
