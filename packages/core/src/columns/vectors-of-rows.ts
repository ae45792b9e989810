/** Makes the vectors of many rows that are objects. */
import type { ColumnSpec, Value } from "../specs.ts";
import { vectorBuilder, vectorOf, type Vector, type VectorBuilder } from "./batch.ts";
import { pickRows } from "./gather-rows.ts";

/** Rows whose columns are built in turn, while the rows are in the processor's cache. */
const ROWS_PER_BLOCK = 256;

/**
 * Makes the vectors of columns. `valuesOf` gives the values of each column. A column with one value
 * in all rows costs no more than to see that.
 */
export function vectorsOfRows<Row>(
  columns: readonly ColumnSpec[],
  rows: readonly Row[],
  valuesOf: readonly ((row: Row) => Value)[],
): readonly Vector[] {
  const vectors = columns.map((column, c) => constantVector(column, rows, valuesOf[c]!));
  const builders = columns.map((column, c) =>
    vectors[c] === null ? vectorBuilder(column, rows.length) : null,
  );
  for (let from = 0; from < rows.length; from += ROWS_PER_BLOCK) {
    const block = rows.slice(from, from + ROWS_PER_BLOCK);
    builders.forEach((builder, c) => {
      if (builder !== null) pushAll(builder, block, valuesOf[c]!);
    });
  }
  return builders.map((builder, c) => builder?.finish() ?? vectors[c]!);
}

/** The vector of a column that has one value in all rows. null: it has several. */
function constantVector<Row>(
  column: ColumnSpec,
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): Vector | null {
  if (rows.length < 2) return null;
  const value = valueOf(rows[0]!);
  for (let i = 1; i < rows.length; i++) if (valueOf(rows[i]!) !== value) return null;
  // 0 and −0 are equal here
  if (value === 0) return null;
  const one = vectorOf(column, [value], (only) => only);
  return pickRows(one, new Int32Array(rows.length));
}

function pushAll<Row>(
  builder: VectorBuilder,
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): void {
  for (const row of rows) builder.push(valueOf(row));
}
