/** The column that rows get from a dimension. */
import { typeSpecOf } from "../expr/tree.ts";
import type { ColumnSpec, LookupColumn } from "../specs.ts";

/** A looked-up column may always be null: the dimension may have had no version. */
export function lookedUpColumn({ name, value }: LookupColumn): ColumnSpec {
  return { ...typeSpecOf(value), nullable: true, name, database: "" };
}
