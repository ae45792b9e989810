/** The order of values and of keys (law 3: min, max, ties and sorting all use it). */
import type { ColumnSpec, Value, ValueType } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";

/**
 * Compares two values: negative if `a` comes before `b`, positive if after, else 0.
 * Numbers compare by value, strings by code point, bytes lexicographically, false before true.
 * null comes first. Values with parts are compared by their descriptor, which knows the parts.
 */
export function compareValues(type: ValueType, a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return scalarTypeOf(type).compare(a, b);
}

/** Compares composite keys column by column, as declared. */
export function compareKeys(
  columns: readonly ColumnSpec[],
  a: readonly Value[],
  b: readonly Value[],
): number {
  for (let c = 0; c < columns.length; c++) {
    const order = compareValues(columns[c]!.type, a[c]!, b[c]!);
    if (order !== 0) return order;
  }
  return 0;
}
