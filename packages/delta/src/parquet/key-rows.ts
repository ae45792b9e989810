/** Finds the rows of a row group that have the keys of a scan. */
import type { KeyRanges, Value, Vector } from "@tidemark/core/spi";
import { compareBounds, type RowRange } from "./statistics.ts";

/** The rows with a key of the ranges, in their order. null: the type has no order here. */
export function rowsOfKeys(
  vector: Vector,
  rows: number,
  { ranges }: Pick<KeyRanges, "ranges">,
): readonly RowRange[] | null {
  const isInside = insideOf(vector, ranges);
  if (isInside === null) return null;
  const found: RowRange[] = [];
  for (let row = 0; row < rows; row++) {
    if (!isInside(row)) continue;
    const from = row++;
    while (row < rows && isInside(row)) row++;
    found.push({ from, to: row });
  }
  return found;
}

/** Whether the key of a row is in a range. null: the type has no order here. */
function insideOf(vector: Vector, ranges: KeyRanges["ranges"]): ((row: number) => boolean) | null {
  const { valid } = vector;
  const isThere = (row: number): boolean => valid === null || valid[row] === 1;
  if (vector.kind === "string") {
    const { codes, dictionary } = vector;
    const inside = dictionary.map((text) => holds(ranges, text));
    return (row) => isThere(row) && inside[codes[row]!]!;
  }
  if (vector.kind !== "int64" && vector.kind !== "int32") return null;
  const { values } = vector;
  // neighbours are often equal
  let [last, isInside]: [number | bigint | null, boolean] = [null, false];
  return (row) => {
    if (!isThere(row)) return false;
    const value = values[row]!;
    if (value !== last) [last, isInside] = [value, holds(ranges, value)];
    return isInside;
  };
}

/** Whether a range holds the key. */
function holds(ranges: KeyRanges["ranges"], key: Value): boolean {
  const at = firstFrom(ranges, key);
  return at < ranges.length && compareBounds(ranges[at]!.min, key) <= 0;
}

/** Whether a range holds a key of [min, max]. */
export function overlaps({ ranges }: Pick<KeyRanges, "ranges">, min: Value, max: Value): boolean {
  const at = firstFrom(ranges, min);
  return at < ranges.length && compareBounds(ranges[at]!.min, max) <= 0;
}

/**
 * Whether most of the keys of [min, max] are asked, probably: one range holds all, or `many` ranges
 * lie there and beyond both ends.
 */
export function asksForMost(
  { ranges }: Pick<KeyRanges, "ranges">,
  min: Value,
  max: Value,
  many: number,
): boolean {
  const first = firstFrom(ranges, min);
  if (first === ranges.length || compareBounds(ranges[0]!.min, min) > 0) return false;
  const last = firstFrom(ranges, max);
  if (last === ranges.length) return false;
  return last - first >= many || (first === last && compareBounds(ranges[first]!.min, min) <= 0);
}

/** The index of the first range that does not end before the key. */
function firstFrom(ranges: KeyRanges["ranges"], key: Value): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBounds(ranges[middle]!.max, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
