/** Moves lists, maps and structs, by moving the vectors of their parts. */
import {
  lengthOf,
  refuseOtherKinds,
  type NestedKind,
  type Vector,
  type VectorOf,
} from "../vector.ts";
import type { VectorMoves } from "../vector-layout.ts";
import { concatValidity, gatherValidity, slicedValidity } from "./validity.ts";

/** A vector whose value `i` has the parts `offsets[i]` to `offsets[i + 1] − 1`. */
type Ranged = VectorOf<"list"> | VectorOf<"map">;
type LayoutOf = (vector: Vector) => VectorMoves;

/** Makes the moves of lists, maps and structs. `layoutOf` knows the layouts of their parts. */
export function nestedMoves(layoutOf: LayoutOf): {
  readonly [K in NestedKind]: VectorMoves<VectorOf<K>>;
} {
  return {
    list: rangedMoves(layoutOf, {
      kind: "list",
      partsOf: ({ elements }: VectorOf<"list">) => [elements],
      make: (offsets, [elements], valid) => ({ kind: "list", offsets, elements: elements!, valid }),
    }),
    map: rangedMoves(layoutOf, {
      kind: "map",
      partsOf: ({ keys, values }: VectorOf<"map">) => [keys, values],
      make: (offsets, [keys, values], valid) => ({
        kind: "map",
        offsets,
        keys: keys!,
        values: values!,
        valid,
      }),
    }),
    struct: structMoves(layoutOf),
  };
}

function rangedMoves<V extends Ranged>(
  layoutOf: LayoutOf,
  layout: {
    readonly kind: V["kind"];
    readonly partsOf: (vector: V) => readonly Vector[];
    readonly make: (offsets: Int32Array, parts: readonly Vector[], valid: Uint8Array | null) => V;
  },
): VectorMoves<V> {
  const { kind, partsOf, make } = layout;
  const gather: VectorMoves<V>["gather"] = (vectors, vectorIndexes, rowIndexes, valid) => {
    const offsets = new Int32Array(vectorIndexes.length + 1);
    for (let r = 0; r < vectorIndexes.length; r++)
      offsets[r + 1] =
        offsets[r]! +
        (valid !== null && valid[r] === 0
          ? 0
          : rangeLength(vectors[vectorIndexes[r]!]!, rowIndexes[r]!));
    const partVectors = new Int32Array(offsets.at(-1)!);
    const partRows = new Int32Array(partVectors.length);
    for (let r = 0; r < vectorIndexes.length; r++) {
      const from = offsets[r]!;
      const length = offsets[r + 1]! - from;
      if (length === 0) continue;
      const start = vectors[vectorIndexes[r]!]!.offsets[rowIndexes[r]!]!;
      for (let p = 0; p < length; p++) {
        partVectors[from + p] = vectorIndexes[r]!;
        partRows[from + p] = start + p;
      }
    }
    const parts = transposed(vectors.map(partsOf)).map((same) =>
      gatherVectors(layoutOf, same, partVectors, partRows),
    );
    return make(offsets, parts, valid);
  };
  return {
    kind,
    slice: (vector, from, to) =>
      make(
        vector.offsets.subarray(from, to + 1),
        partsOf(vector),
        slicedValidity(vector, from, to),
      ),
    concat(vectors, valid, length) {
      const offsets = new Int32Array(length + 1);
      let row = 0;
      for (const vector of vectors)
        for (let i = 0; i < lengthOf(vector); i++, row++)
          offsets[row + 1] = offsets[row]! + rangeLength(vector, i);
      const parts = vectors.map((vector) =>
        partsOf(vector).map((part) =>
          layoutOf(part).slice(part, vector.offsets[0]!, vector.offsets.at(-1)!),
        ),
      );
      return make(
        offsets,
        transposed(parts).map((same) => concatVectors(layoutOf, same)),
        valid,
      );
    },
    gather,
    expand: (dense, length, denseIndexes, valid) =>
      gather([dense], new Int32Array(length), denseIndexes, valid),
  };
}

function structMoves(layoutOf: LayoutOf): VectorMoves<VectorOf<"struct">> {
  type Struct = VectorOf<"struct">;
  const fieldsOf = (vectors: readonly Struct[]): readonly (readonly Vector[])[] =>
    transposed(vectors.map(({ fields }) => fields));
  const gather: VectorMoves<Struct>["gather"] = (vectors, vectorIndexes, rowIndexes, valid) => ({
    kind: "struct",
    fields: fieldsOf(vectors).map((same) =>
      gatherVectors(layoutOf, same, vectorIndexes, rowIndexes, valid),
    ),
    valid,
  });
  return {
    kind: "struct",
    slice: (vector, from, to) => ({
      kind: "struct",
      fields: vector.fields.map((field) => layoutOf(field).slice(field, from, to)),
      valid: slicedValidity(vector, from, to),
    }),
    concat: (vectors, valid) => ({
      kind: "struct",
      fields: fieldsOf(vectors).map((same) => concatVectors(layoutOf, same)),
      valid,
    }),
    gather,
    expand: (dense, length, denseIndexes, valid) =>
      gather([dense], new Int32Array(length), denseIndexes, valid),
  };
}

function rangeLength({ offsets }: Ranged, i: number): number {
  return offsets[i + 1]! - offsets[i]!;
}

/** Joins vectors of one kind. They are as long as their rows. */
function concatVectors(layoutOf: LayoutOf, vectors: readonly Vector[]): Vector {
  refuseOtherKinds(vectors);
  const lengths = vectors.map(lengthOf);
  const length = lengths.reduce((sum, one) => sum + one, 0);
  return layoutOf(vectors[0]!).concat(vectors, concatValidity(vectors, lengths, length), length);
}

function gatherVectors(
  layoutOf: LayoutOf,
  vectors: readonly Vector[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  parent: Uint8Array | null = null,
): Vector {
  refuseOtherKinds(vectors);
  const valid = gatherValidity(vectors, vectorIndexes, rowIndexes, parent);
  return layoutOf(vectors[0]!).gather(vectors, vectorIndexes, rowIndexes, valid);
}

/** The first part of each, then the second part of each, and so on. */
function transposed<T>(rows: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return rows[0]!.map((_, c) => rows.map((row) => row[c]!));
}
