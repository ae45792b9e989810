/** Numbers the keys of rows held as columns. */
import type { ColumnSpec, Value } from "../specs.ts";
import { valueAt, type Vector } from "./batch.ts";
import { isAscending } from "../types/order.ts";
import { keyText } from "./key-bytes.ts";

/** Numbers the texts of keys. −1: the key has none. */
export interface NumberOfKey {
  (text: string): number;
  /** Numbers texts that ascend, which is cheaper for many of them. */
  readonly ofAscending?: ((texts: readonly string[]) => Int32Array) | undefined;
}

/**
 * Returns the number of each row's key: that of its text; −1 where a part of it is missing. A
 * string key is looked up once per dictionary entry.
 */
export function keyNumbers(
  columns: readonly ColumnSpec[],
  vectors: readonly Vector[],
  numberOf: NumberOfKey,
): (row: number) => number {
  const only = vectors.length === 1 ? vectors[0]! : null;
  if (only?.kind === "string") {
    const texts = only.dictionary.map((text) => keyText(columns, [text]));
    const codes =
      numberOf.ofAscending !== undefined && isAscending(texts)
        ? numberOf.ofAscending(texts)
        : Int32Array.from(texts, numberOf);
    return (row) => (only.valid !== null && only.valid[row] === 0 ? -1 : codes[only.codes[row]!]!);
  }
  return (row) => {
    const values: Value[] = vectors.map((v) => valueAt(v, row));
    return values.includes(null) ? -1 : numberOf(keyText(columns, values));
  };
}

/**
 * Numbers these texts, which ascend: each has its index, which `numbers` has too. Texts that ascend
 * are merged with them, and need no look at a map.
 */
export function knownKeys(
  sorted: readonly string[],
  numbers: ReadonlyMap<string, number>,
): NumberOfKey {
  return Object.assign((text: string): number => numbers.get(text) ?? -1, {
    ofAscending(texts: readonly string[]): Int32Array {
      const found = new Int32Array(texts.length).fill(-1);
      let at = texts.length === 0 ? 0 : firstNotBefore(sorted, texts[0]!);
      for (let i = 0; i < found.length; i++) {
        const text = texts[i]!;
        while (at < sorted.length && sorted[at]! < text) at++;
        if (sorted[at] === text) found[i] = at;
      }
      return found;
    },
  });
}

/** The index of the first text that does not come before `text`. */
function firstNotBefore(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
