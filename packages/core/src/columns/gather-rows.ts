/**
 * Gathers rows out of many batches, one column at a time.
 * The result equals that of a `VectorBuilder` fed value by value.
 */
import type { Vector } from "./batch.ts";

/**
 * Row r of the result is row `rowIndexes[r]` of `vectors[vectorIndexes[r]]`.
 * There is at least one vector, and all are of one kind.
 */
export function gatherRows(
  vectors: readonly Vector[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
): Vector {
  const { length } = vectorIndexes;
  const valid = gatherValidity(vectors, vectorIndexes, rowIndexes);
  const { kind } = vectors[0]!;
  const vectorsOfKind = <V extends Vector["kind"]>(
    kind: V,
  ): readonly Extract<Vector, { kind: V }>[] => {
    const other = vectors.find((vector) => vector.kind !== kind);
    if (other !== undefined)
      throw new TypeError(`a ${other.kind} vector cannot go on a ${kind} vector`);
    return vectors as readonly Extract<Vector, { kind: V }>[];
  };
  switch (kind) {
    case "string":
      return {
        kind,
        ...gatherStrings(vectorsOfKind(kind), vectorIndexes, rowIndexes, valid),
        valid,
      };
    case "int64":
      return {
        kind,
        values: gatherValues(
          new BigInt64Array(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          0n,
        ),
        valid,
      };
    case "int32":
      return {
        kind,
        values: gatherValues(
          new Int32Array(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          0,
        ),
        valid,
      };
    case "float64":
      return {
        kind,
        values: gatherValues(
          new Float64Array(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          0,
        ),
        valid,
      };
    case "boolean":
      return {
        kind,
        values: gatherValues(
          new Uint8Array(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          0,
        ),
        valid,
      };
    case "big":
      return {
        kind,
        values: gatherValues(
          new Array<bigint>(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          0n,
        ),
        valid,
      };
    case "bytes":
      return {
        kind,
        values: gatherValues(
          new Array<Uint8Array>(length),
          vectorsOfKind(kind).map(({ values }) => values),
          vectorIndexes,
          rowIndexes,
          valid,
          new Uint8Array(0),
        ),
        valid,
      };
  }
}

function gatherValidity(
  vectors: readonly Vector[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
): Uint8Array | null {
  if (vectors.every(({ valid }) => valid === null)) return null;
  const valid = new Uint8Array(vectorIndexes.length);
  let validCount = 0;
  for (let r = 0; r < valid.length; r++) {
    const from = vectors[vectorIndexes[r]!]!.valid;
    validCount += valid[r] = from === null ? 1 : from[rowIndexes[r]!]!;
  }
  return validCount === valid.length ? null : valid;
}

interface ValueArray<T> {
  readonly length: number;
  [row: number]: T;
}

/** Gathers values. A missing value becomes `missing`, whatever the array holds there. */
function gatherValues<T, V extends ValueArray<T>>(
  into: V,
  values: readonly { readonly [row: number]: T }[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
  missing: T,
): V {
  for (let r = 0; r < vectorIndexes.length; r++)
    into[r] =
      valid !== null && valid[r] === 0 ? missing : values[vectorIndexes[r]!]![rowIndexes[r]!]!;
  return into;
}

/**
 * Gathers strings under one dictionary, in the order of first use. Equal strings have equal codes.
 */
function gatherStrings(
  vectors: readonly Extract<Vector, { kind: "string" }>[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): { readonly codes: Int32Array; readonly dictionary: readonly string[] } {
  const known = new Map<string, number>();
  const renamed = vectors.map(({ dictionary }) => new Int32Array(dictionary.length).fill(-1));
  const codes = new Int32Array(vectorIndexes.length);
  for (let r = 0; r < codes.length; r++) {
    if (valid !== null && valid[r] === 0) {
      codes[r] = -1;
      continue;
    }
    const vectorIndex = vectorIndexes[r]!;
    const ownCode = vectors[vectorIndex]!.codes[rowIndexes[r]!]!;
    let code = renamed[vectorIndex]![ownCode]!;
    if (code < 0) {
      const text = vectors[vectorIndex]!.dictionary[ownCode]!;
      code = known.get(text) ?? known.size;
      known.set(text, code);
      renamed[vectorIndex]![ownCode] = code;
    }
    codes[r] = code;
  }
  return { codes, dictionary: [...known.keys()] };
}
