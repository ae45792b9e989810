/** What an aggregate is: fed the indexes of a window's rows, it answers one value. */
import type { Vector } from "../columns/batch.ts";
import type { Value } from "../specs.ts";

/**
 * An aggregate over one column, bound to one vector of it after another: what it needs is allocated
 * once. Missing values are ignored (law 9). Order of rows cannot matter (law 3). `finish` may be
 * called again after more `add`s, until `reset`.
 */
export interface Aggregate {
  /**
   * From here on rows are those of this vector; null where the aggregate reads no column. What was
   * added before is void.
   */
  bind(vector: Vector | null): void;
  reset(): void;
  /** Takes rows `rows[0]` to `rows[length − 1]` of the vector. */
  add(rows: Int32Array, length: number): void;
  finish(): Value;
}

/** Counts sums that left their type (law 3). */
export interface Overflows {
  count: number;
}

const SMALL_COUNTS: readonly bigint[] = Array.from({ length: 1024 }, (_, n) => BigInt(n));

/** A count as an int64: a bigint is an object, and counts are mostly small. */
export function int64Count(rows: number): bigint {
  return SMALL_COUNTS[rows] ?? BigInt(rows);
}
