/** The interface of an aggregate: it takes the indexes of a window's rows and returns one value. */
import type { Vector } from "../columns/batch.ts";
import type { Value } from "../specs.ts";

/**
 * An aggregate over one column. The same object is bound to one vector after another, so its memory
 * is allocated once.
 * Missing values are ignored (law 9: nulls are ignored by aggregates).
 * The order of rows does not matter (law 3: a sum is rounded once, at the end).
 * `finish` may be called again after more calls of `add`, until `reset`.
 */
export interface Aggregate {
  /**
   * Sets the vector whose rows come next; null if the aggregate reads no column.
   * Rows that were added before are void.
   */
  bind(vector: Vector | null): void;
  reset(): void;
  /** Takes rows `rows[0]` to `rows[length − 1]` of the vector. */
  add(rows: Int32Array, length: number): void;
  finish(): Value;
}

/**
 * Counts the sums that left their type (law 3: such a sum saturates and is counted as overflow).
 */
export interface Overflows {
  count: number;
}

const SMALL_COUNTS: readonly bigint[] = Array.from({ length: 1024 }, (_, n) => BigInt(n));

/** A count as an int64. Small counts are shared, because each new bigint is an object. */
export function int64Count(rows: number): bigint {
  return SMALL_COUNTS[rows] ?? BigInt(rows);
}
