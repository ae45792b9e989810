/** Which values of a vector are there: one flag for each, or null if none is missing. */
import type { Vector } from "../vector.ts";

/** The validity of vectors one after the other. */
export function concatValidity(
  vectors: readonly Vector[],
  lengths: readonly number[],
  length: number,
): Uint8Array | null {
  if (vectors.every(({ valid }) => valid === null)) return null;
  const valid = new Uint8Array(length).fill(1);
  let at = 0;
  vectors.forEach((vector, i) => {
    if (vector.valid !== null) valid.set(vector.valid, at);
    at += lengths[i]!;
  });
  return valid;
}

/**
 * The validity of gathered rows: row r is row `rowIndexes[r]` of `vectors[vectorIndexes[r]]`.
 * Where a row of `parent` is missing, there is no such row, and its parts are missing too.
 */
export function gatherValidity(
  vectors: readonly Vector[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  parent: Uint8Array | null = null,
): Uint8Array | null {
  if (parent === null && vectors.every(({ valid }) => valid === null)) return null;
  const valid = new Uint8Array(vectorIndexes.length);
  let validCount = 0;
  for (let r = 0; r < valid.length; r++) {
    if (parent !== null && parent[r] === 0) continue;
    const from = vectors[vectorIndexes[r]!]!.valid;
    validCount += valid[r] = from === null ? 1 : from[rowIndexes[r]!]!;
  }
  return validCount === valid.length ? null : valid;
}

export function slicedValidity({ valid }: Vector, from: number, to: number): Uint8Array | null {
  return valid?.subarray(from, to) ?? null;
}
