/** Columns of tables that Tidemark itself writes. */
import type { ColumnSpec, ValueType } from "../specs.ts";

/** A column whose name in the database is its own. */
export function tableColumn(name: string, type: ValueType, nullable = true): ColumnSpec {
  return { name, database: name, type, nullable };
}
