/** Batches: rows held as columns. */
import type { ColumnSpec, Value } from "../specs.ts";
import { layoutOf } from "../types/layouts/layouts.ts";
import { concatValidity } from "../types/layouts/validity.ts";
import { typeOf } from "../types/value-types.ts";
import { pickRows } from "./gather-rows.ts";
import { lengthOf, refuseOtherKinds, type Vector } from "../types/vector.ts";
import type { VectorBuilder } from "../types/vector-layout.ts";

export { distinctTexts } from "../types/layouts/texts.ts";
export { valueAt, vectorOfKind, type Vector } from "../types/vector.ts";
export type { VectorBuilder } from "../types/vector-layout.ts";

/** Rows held as columns: one vector for each column. */
export interface Batch {
  readonly length: number;
  readonly columns: readonly ColumnSpec[];
  readonly vectors: readonly Vector[];
}

/**
 * Makes the builder of a column's vector, by the column's type.
 * A string or json column gets a `string` vector, an int64 column an `int64` vector.
 * An int32 or date column gets an `int32` vector, a float64 or timestamp column a `float64` vector.
 * A boolean column gets a `boolean` vector, a decimal a `big` vector, a bytes column a `bytes`
 * vector. A list, a map or a struct gets a vector of its own, with the vectors of its parts.
 */
export function vectorBuilder(column: ColumnSpec, capacity = 1024): VectorBuilder {
  return typeOf(column).layout.builder(capacity);
}

/**
 * Makes the vector of a column of rows. `valueOf` gives the value of a row in the column's type.
 *
 * @example
 * const vendor = { name: "vendor", database: "vendor", type: "string", nullable: true } as const;
 * valueAt(vectorOf(vendor, [{ vendor: "Sport" }], (row) => row.vendor), 0); // "Sport"
 */
export function vectorOf<Row>(
  column: ColumnSpec,
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): Vector {
  return typeOf(column).layout.of(rows, valueOf);
}

/**
 * Makes a batch of rows whose values come in the order of `columns`.
 *
 * @example
 * const columns: ColumnSpec[] = [
 *   { name: "user_id", database: "user_id", type: "string", nullable: false },
 * ];
 * const batch = batchOf(columns, [["a"], ["b"]]);
 */
export function batchOf(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
): Batch {
  const vectors = columns.map((column, c) => vectorOf(column, rows, (row) => row[c] ?? null));
  return { length: rows.length, columns, vectors };
}

/** The rows whose flag in `selected` is 1, in their order. */
export function selectRows(batch: Batch, selected: Uint8Array): Batch {
  let length = 0;
  for (const bit of selected) length += bit;
  if (length === batch.length) return batch;
  const rowIndexes = new Int32Array(length);
  let r = 0;
  for (let i = 0; i < batch.length; i++) if (selected[i] === 1) rowIndexes[r++] = i;
  const vectors = batch.vectors.map((vector) => pickRows(vector, rowIndexes));
  return { length, columns: batch.columns, vectors };
}

/** Joins batches of the same columns, one after the other. */
export function concatBatches(columns: readonly ColumnSpec[], batches: readonly Batch[]): Batch {
  if (batches.length === 1) return batches[0]!;
  const parts = batches.filter((batch) => batch.length > 0);
  if (parts.length === 1) return parts[0]!;
  if (parts.length === 0) return batchOf(columns, []);
  const length = parts.reduce((sum, batch) => sum + batch.length, 0);
  return {
    length,
    columns,
    vectors: columns.map((_, c) =>
      joinedVectors(
        parts.map((batch) => batch.vectors[c]!),
        parts.map((batch) => batch.length),
        length,
      ),
    ),
  };
}

/** Joins vectors of one column, one after the other. */
export function concatVectors(vectors: readonly Vector[]): Vector {
  if (vectors.length === 1) return vectors[0]!;
  const lengths = vectors.map(lengthOf);
  return joinedVectors(
    vectors,
    lengths,
    lengths.reduce((sum, one) => sum + one, 0),
  );
}

/**
 * Joins vectors by copying whole arrays, because an active entity has thousands of rows in many
 * segments.
 */
function joinedVectors(
  vectors: readonly Vector[],
  lengths: readonly number[],
  length: number,
): Vector {
  const first = vectors[0]!;
  const mixed = first.kind === "float64" || first.kind === "int64";
  if (mixed && new Set(vectors.map((vector) => vector.kind)).size > 1)
    return joinedVectors(vectors.map(int64Times), lengths, length);
  refuseOtherKinds(vectors);
  return layoutOf(first).concat(vectors, concatValidity(vectors, lengths, length), length);
}

/** The same times as an `int64` vector, which holds those beyond 2^53 µs too. */
function int64Times(vector: Vector): Vector {
  if (vector.kind !== "float64") return vector;
  const values = BigInt64Array.from(vector.values, (time) => BigInt(time));
  return { kind: "int64", values, valid: vector.valid };
}
