/** Makes the vectors of many rows that are objects. */
import type { ColumnSpec, Value } from "../specs.ts";
import { vectorBuilder, type Vector, type VectorBuilder } from "./batch.ts";

/** Rows whose columns are built in turn, while the rows are in the processor's cache. */
const ROWS_PER_BLOCK = 256;

/** Makes the vectors of columns. `valuesOf` gives the values of each column. */
export function vectorsOfRows<Row>(
  columns: readonly ColumnSpec[],
  rows: readonly Row[],
  valuesOf: readonly ((row: Row) => Value)[],
): readonly Vector[] {
  const builders = columns.map((column) => vectorBuilder(column, rows.length));
  for (let from = 0; from < rows.length; from += ROWS_PER_BLOCK) {
    const block = rows.slice(from, from + ROWS_PER_BLOCK);
    builders.forEach((builder, c) => {
      pushAll(builder, block, valuesOf[c]!);
    });
  }
  return builders.map((builder) => builder.finish());
}

function pushAll<Row>(
  builder: VectorBuilder,
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): void {
  for (const row of rows) builder.push(valueOf(row));
}
