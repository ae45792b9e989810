/** Copies segments of rows out of many vectors of one column: whole runs, and not row by row. */
import { refuseOtherKinds, type Vector, type VectorOf } from "../types/vector.ts";
import { gatherRows } from "./gather-rows.ts";

/** Segment s are the rows [from[s], to[s]) of vector `vector[s]`. They go to `at[s]` and on. */
export interface RowSegments {
  readonly count: number;
  readonly vector: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly at: Int32Array;
  /** The number of rows of all segments, which fill [0, length). */
  readonly length: number;
}

type NumberArray = Float64Array | Int32Array | Uint8Array | BigInt64Array;

/** A shorter segment is copied value by value, because a view of it costs more. */
const LEAST_VIEW = 24;

/** Copies segments of numbers into `into`. */
export function copyNumbers<A extends NumberArray>(
  arrays: readonly A[],
  segments: RowSegments,
  into: A,
): A {
  if (into instanceof Float64Array) copyDoubles(arrays as readonly Float64Array[], segments, into);
  else if (into instanceof Int32Array)
    copyIntegers(arrays as readonly Int32Array[], segments, into);
  else if (into instanceof Uint8Array) copyFlags(arrays as readonly Uint8Array[], segments, into);
  else copyViews(arrays as readonly BigInt64Array[], segments, into as BigInt64Array);
  return into;
}

// Each kind of array has its own loop: a shared one would be several times slower.

function copyDoubles(
  arrays: readonly Float64Array[],
  { count, vector, from, to, at }: RowSegments,
  into: Float64Array,
): void {
  for (let s = 0; s < count; s++) {
    const array = arrays[vector[s]!]!;
    const [start, end] = [from[s]!, to[s]!];
    let place = at[s]!;
    if (end - start >= LEAST_VIEW) into.set(array.subarray(start, end), place);
    else for (let i = start; i < end; i++) into[place++] = array[i]!;
  }
}

function copyIntegers(
  arrays: readonly Int32Array[],
  { count, vector, from, to, at }: RowSegments,
  into: Int32Array,
): void {
  for (let s = 0; s < count; s++) {
    const array = arrays[vector[s]!]!;
    const [start, end] = [from[s]!, to[s]!];
    let place = at[s]!;
    if (end - start >= LEAST_VIEW) into.set(array.subarray(start, end), place);
    else for (let i = start; i < end; i++) into[place++] = array[i]!;
  }
}

function copyFlags(
  arrays: readonly Uint8Array[],
  { count, vector, from, to, at }: RowSegments,
  into: Uint8Array,
): void {
  for (let s = 0; s < count; s++) {
    const array = arrays[vector[s]!]!;
    const [start, end] = [from[s]!, to[s]!];
    let place = at[s]!;
    if (end - start >= LEAST_VIEW) into.set(array.subarray(start, end), place);
    else for (let i = start; i < end; i++) into[place++] = array[i]!;
  }
}

/** A view costs less than a bigint for each value. */
function copyViews(
  arrays: readonly BigInt64Array[],
  { count, vector, from, to, at }: RowSegments,
  into: BigInt64Array,
): void {
  for (let s = 0; s < count; s++) into.set(arrays[vector[s]!]!.subarray(from[s]!, to[s]!), at[s]!);
}

/** The vector of the segments' rows. There is at least one vector, and all are of one kind. */
export function copySegments(vectors: readonly Vector[], segments: RowSegments): Vector {
  refuseOtherKinds(vectors);
  const { length } = segments;
  const [first] = vectors as readonly [Vector];
  switch (first.kind) {
    case "float64":
      return typedVector(first.kind, vectors as never, segments, new Float64Array(length));
    case "int32":
      return typedVector(first.kind, vectors as never, segments, new Int32Array(length));
    case "boolean":
      return typedVector(first.kind, vectors as never, segments, new Uint8Array(length));
    case "int64":
      return typedVector(first.kind, vectors as never, segments, new BigInt64Array(length));
    case "string":
      return copyTexts(vectors as readonly VectorOf<"string">[], segments);
    default:
      return gatherRows(vectors, ...rowPlaces(segments));
  }
}

function typedVector(
  kind: "float64" | "int32" | "boolean" | "int64",
  vectors: readonly { readonly values: NumberArray; readonly valid: Uint8Array | null }[],
  segments: RowSegments,
  into: NumberArray,
): Vector {
  const values = copyNumbers(
    vectors.map((vector) => vector.values),
    segments,
    into,
  );
  return { kind, values, valid: copyValidity(vectors, segments) } as Vector;
}

/** Texts that are used get a code in the order of their first use. Equal texts have equal codes. */
function copyTexts(vectors: readonly VectorOf<"string">[], segments: RowSegments): Vector {
  const known = new Map<string, number>();
  const renamed = vectors.map(({ dictionary }) => new Int32Array(dictionary.length).fill(-1));
  const { count, vector, from, to, at, length } = segments;
  const into = new Int32Array(length);
  for (let s = 0; s < count; s++) {
    const { codes, dictionary, valid } = vectors[vector[s]!]!;
    const names = renamed[vector[s]!]!;
    const end = to[s]!;
    let place = at[s]!;
    for (let i = from[s]!; i < end; i++) {
      if (valid !== null && valid[i] === 0) {
        into[place++] = -1;
        continue;
      }
      const own = codes[i]!;
      let code = names[own]!;
      if (code < 0) {
        const text = dictionary[own]!;
        code = known.get(text) ?? known.size;
        known.set(text, code);
        names[own] = code;
      }
      into[place++] = code;
    }
  }
  const valid = copyValidity(vectors, segments);
  return { kind: "string", codes: into, dictionary: [...known.keys()], valid };
}

function copyValidity(
  vectors: readonly { readonly valid: Uint8Array | null }[],
  segments: RowSegments,
): Uint8Array | null {
  if (vectors.every(({ valid }) => valid === null)) return null;
  const { count, vector, from, to, at, length } = segments;
  const into = new Uint8Array(length).fill(1);
  let isWhole = true;
  for (let s = 0; s < count; s++) {
    const { valid } = vectors[vector[s]!]!;
    if (valid === null) continue;
    let place = at[s]!;
    for (let i = from[s]!; i < to[s]!; i++) {
      if (valid[i] === 0) isWhole = false;
      into[place++] = valid[i]!;
    }
  }
  return isWhole ? null : into;
}

/** For each row: its vector, and its row there. */
function rowPlaces(segments: RowSegments): [vectors: Int32Array, rows: Int32Array] {
  const { count, vector, from, to, at, length } = segments;
  const vectorIndexes = new Int32Array(length);
  const rowIndexes = new Int32Array(length);
  for (let s = 0; s < count; s++) {
    let place = at[s]!;
    for (let i = from[s]!; i < to[s]!; i++) {
      vectorIndexes[place] = vector[s]!;
      rowIndexes[place++] = i;
    }
  }
  return [vectorIndexes, rowIndexes];
}
