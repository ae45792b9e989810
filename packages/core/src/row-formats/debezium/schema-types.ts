/** Compares the type that a schema says with the declared one. */
import type { ColumnSpec, ScalarType } from "../../specs.ts";
import { scalarType } from "../../types/value-types.ts";
import type { ConnectField } from "./connect-schema.ts";
import { isDecimalSchema } from "./numeric.ts";

const INTEGERS = ["int8", "int16", "int32", "int64"];
const NUMBERS = [...INTEGERS, "float", "double", "bytes", "struct", "string"];

/** The schema types whose values a declared type may come in; null: any. */
const TYPES: Readonly<Record<ScalarType, readonly string[] | null>> = {
  string: null,
  json: null,
  boolean: ["boolean", ...INTEGERS],
  int32: [...INTEGERS, "bytes", "struct"],
  int64: [...INTEGERS, "bytes", "struct"],
  float64: NUMBERS,
  decimal: NUMBERS,
  timestamp: ["int32", "int64", "string"],
  date: ["int32", "string"],
  bytes: ["bytes", "string"],
};

/** Says that the declared type cannot hold every value of the schema's type; null: it can. */
export function digitsLost(column: ColumnSpec, field: ConnectField): string | null {
  if (column.type !== "float64" || !isDecimalSchema(field)) return null;
  return (
    `column "${column.database}" is declared as float64, and the schema says a decimal ` +
    `(${field.name}); a float64 keeps 15 digits, and its sums differ from those of the decimal: ` +
    `declare decimal("${column.database}", { precision, scale })`
  );
}

/** Says how the schema contradicts the declared type; null: it does not. */
export function typeContradiction(column: ColumnSpec, field: ConnectField): string | null {
  const types = TYPES[scalarType(column, `column "${column.name}"`)];
  if (types === null || types.includes(field.type)) return null;
  return (
    `column "${column.database}" is declared as ${column.type}, and the schema says ` +
    `${field.type}${field.name === null ? "" : ` (${field.name})`}; a value that is no ` +
    `${column.type} is missing: declare the column's own type`
  );
}
