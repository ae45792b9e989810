/** Gathers a column of consecutive rows by whole arrays. */
import { layoutOf } from "@tidemark/core/internal/columns";
import type { ScalarVector } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";

/** Rows [from, to) of one vector. */
export interface VectorRange {
  readonly vector: Vector;
  readonly from: number;
  readonly to: number;
}

/**
 * Joins ranges of vectors of one kind. `nulls` counts the missing values. Gives null if there is no
 * range, or if the values are no numbers and no texts.
 */
export function gatherRanges(
  ranges: readonly VectorRange[],
  kind: ScalarVector["kind"],
): { readonly vector: Vector; readonly nulls: number } | null {
  if (ranges.length === 0 || ranges.some(({ vector }) => vector.kind !== kind)) return null;
  let length = 0;
  for (const { from, to } of ranges) length += to - from;
  const { valid, nulls } = validityOf(ranges, length);
  if (kind === "string") return { vector: { kind, ...textsOf(ranges, length), valid }, nulls };
  const layout = layoutOf({ kind });
  if (layout.element.width === null) return null;
  const parts = ranges.map(({ vector, from, to }) => layout.slice(vector, from, to));
  return { vector: layout.concat(parts, valid, length), nulls };
}

function validityOf(
  ranges: readonly VectorRange[],
  length: number,
): { readonly valid: Uint8Array | null; readonly nulls: number } {
  if (ranges.every(({ vector }) => vector.valid === null)) return { valid: null, nulls: 0 };
  const valid = new Uint8Array(length);
  let at = 0;
  for (const { vector, from, to } of ranges) {
    if (vector.valid === null) valid.fill(1, at, at + to - from);
    else valid.set(vector.valid.subarray(from, to), at);
    at += to - from;
  }
  let nulls = length;
  for (let i = 0; i < length; i++) nulls -= valid[i]!;
  return { valid: nulls === 0 ? null : valid, nulls };
}

/** Joins codes, and the dictionaries in the order of first use. */
function textsOf(
  ranges: readonly VectorRange[],
  length: number,
): { readonly codes: Int32Array; readonly dictionary: readonly string[] } {
  const codes = new Int32Array(length);
  const dictionary: string[] = [];
  const vectors = ranges.map(({ vector }) => vector as Vector & { kind: "string" });
  const isShared = vectors.every((vector) => vector.dictionary === vectors[0]!.dictionary);
  /** By text. null: the ranges share one dictionary, so that no text is looked up. */
  const known = isShared ? null : new Map<string, number>();
  let joined = new Int32Array(0);
  let at = 0;
  for (const [r, { from, to }] of ranges.entries()) {
    const { valid, codes: given, dictionary: texts } = vectors[r]!;
    // equal texts of a dictionary have equal codes, so that a text is looked up once
    if (r === 0 || !isShared) joined = new Int32Array(texts.length).fill(-1);
    const join = (code: number): number => {
      const text = texts[code]!;
      const found = known?.get(text);
      const own = found ?? dictionary.length;
      if (found === undefined) {
        dictionary.push(text);
        known?.set(text, own);
      }
      return (joined[code] = own);
    };
    if (from < to && (texts.length === 0 || (texts.length === 1 && valid === null))) {
      // one text in all rows, or none in any
      codes.fill(texts.length === 0 ? -1 : join(0), at, (at += to - from));
      continue;
    }
    for (let i = from; i < to; i++, at++) {
      if (valid !== null && valid[i] === 0) {
        codes[at] = -1;
        continue;
      }
      const code = given[i]!;
      codes[at] = joined[code]! < 0 ? join(code) : joined[code]!;
    }
  }
  return { codes, dictionary };
}
