/** Finds the rows of a row group that may have the keys of a scan. */
import type { Vector } from "@tidemark/core/spi";
import type { KeyRange } from "./reader.ts";
import { compareCodePoints } from "./statistics.ts";

/**
 * The rows from the first to the last one with a key of the range. In a file that is sorted by its
 * keys, all of them have one.
 */
export function rowsOfKeys(
  vector: Vector,
  rows: number,
  { min, max }: KeyRange,
): { readonly from: number; readonly to: number } {
  const isInside = insideOf(vector, min, max);
  if (isInside === null) return { from: 0, to: rows };
  let from = 0;
  while (from < rows && !isInside(from)) from++;
  let to = rows;
  while (to > from && !isInside(to - 1)) to--;
  return { from, to };
}

/** Whether the key of a row is in the range. null: the type has no order here. */
function insideOf(
  vector: Vector,
  min: KeyRange["min"],
  max: KeyRange["max"],
): ((row: number) => boolean) | null {
  const { valid } = vector;
  const isThere = (row: number): boolean => valid === null || valid[row] === 1;
  if (vector.kind === "string") {
    const { codes, dictionary } = vector;
    const inside = dictionary.map(
      (text) =>
        compareCodePoints(text, min as string) >= 0 && compareCodePoints(text, max as string) <= 0,
    );
    return (row) => isThere(row) && inside[codes[row]!]!;
  }
  if (vector.kind !== "int64" && vector.kind !== "int32") return null;
  const { values } = vector;
  return (row) =>
    isThere(row) && values[row]! >= (min as number) && values[row]! <= (max as number);
}
