/**
 * Rows picked out of many batches, a column at a time: what a `VectorBuilder` makes of them value
 * by value.
 */
import type { Vector } from "./batch.ts";

/** Row r of the result is row `rows[r]` of `vectors[parts[r]]`; all of one kind, one at least. */
export function pickRows(vectors: readonly Vector[], parts: Int32Array, rows: Int32Array): Vector {
  const { length } = parts;
  const valid = pickValid(vectors, parts, rows);
  const { is } = vectors[0]!;
  const of = <V extends Vector["is"]>(kind: V): readonly Extract<Vector, { is: V }>[] => {
    const other = vectors.find((vector) => vector.is !== kind);
    if (other !== undefined)
      throw new TypeError(`a ${other.is} vector cannot go on a ${kind} vector`);
    return vectors as readonly Extract<Vector, { is: V }>[];
  };
  switch (is) {
    case "string":
      return { is, ...pickStrings(of(is), parts, rows, valid), valid };
    case "int64":
      return {
        is,
        values: pickInto(
          new BigInt64Array(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          0n,
        ),
        valid,
      };
    case "int32":
      return {
        is,
        values: pickInto(
          new Int32Array(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          0,
        ),
        valid,
      };
    case "float64":
      return {
        is,
        values: pickInto(
          new Float64Array(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          0,
        ),
        valid,
      };
    case "boolean":
      return {
        is,
        values: pickInto(
          new Uint8Array(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          0,
        ),
        valid,
      };
    case "big":
      return {
        is,
        values: pickInto(
          new Array<bigint>(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          0n,
        ),
        valid,
      };
    case "bytes":
      return {
        is,
        values: pickInto(
          new Array<Uint8Array>(length),
          of(is).map(({ values }) => values),
          parts,
          rows,
          valid,
          new Uint8Array(0),
        ),
        valid,
      };
  }
}

function pickValid(
  vectors: readonly Vector[],
  parts: Int32Array,
  rows: Int32Array,
): Uint8Array | null {
  if (vectors.every(({ valid }) => valid === null)) return null;
  const valid = new Uint8Array(parts.length);
  let there = 0;
  for (let r = 0; r < valid.length; r++) {
    const from = vectors[parts[r]!]!.valid;
    there += valid[r] = from === null ? 1 : from[rows[r]!]!;
  }
  return there === valid.length ? null : valid;
}

interface Values<T> {
  readonly length: number;
  [row: number]: T;
}

/** A missing value is `none`, whatever lies in its place. */
function pickInto<T, V extends Values<T>>(
  into: V,
  values: readonly { readonly [row: number]: T }[],
  parts: Int32Array,
  rows: Int32Array,
  valid: Uint8Array | null,
  none: T,
): V {
  for (let r = 0; r < parts.length; r++)
    into[r] = valid !== null && valid[r] === 0 ? none : values[parts[r]!]![rows[r]!]!;
  return into;
}

/** One dictionary, in the order in which its texts come: equal strings have equal codes. */
function pickStrings(
  vectors: readonly Extract<Vector, { is: "string" }>[],
  parts: Int32Array,
  rows: Int32Array,
  valid: Uint8Array | null,
): { readonly codes: Int32Array; readonly dictionary: readonly string[] } {
  const known = new Map<string, number>();
  const renamed = vectors.map(({ dictionary }) => new Int32Array(dictionary.length).fill(-1));
  const codes = new Int32Array(parts.length);
  for (let r = 0; r < codes.length; r++) {
    if (valid !== null && valid[r] === 0) {
      codes[r] = -1;
      continue;
    }
    const part = parts[r]!;
    const own = vectors[part]!.codes[rows[r]!]!;
    let code = renamed[part]![own]!;
    if (code < 0) {
      const text = vectors[part]!.dictionary[own]!;
      code = known.get(text) ?? known.size;
      known.set(text, code);
      renamed[part]![own] = code;
    }
    codes[r] = code;
  }
  return { codes, dictionary: [...known.keys()] };
}
