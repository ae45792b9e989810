/** The values of one column, held in arrays. */
import type { Value } from "../specs.ts";

/**
 * The values of one column. `valid[i]` is 0 if value `i` is missing; `valid` is null if none is.
 * Strings and json are codes into a dictionary. Decimals are unscaled.
 * Timestamps are µs in doubles (law 10: time is an exact integer). Only in entity rows a timestamp
 * column may be an `int64` vector: it holds times beyond 2^53 µs.
 */
export type Vector =
  | {
      readonly kind: "string";
      readonly codes: Int32Array;
      readonly dictionary: readonly string[];
      readonly valid: Uint8Array | null;
      /** Each row has an entry of its own. A writer then looks for no equal texts. */
      readonly distinct?: true | undefined;
    }
  | { readonly kind: "int64"; readonly values: BigInt64Array; readonly valid: Uint8Array | null }
  | { readonly kind: "int32"; readonly values: Int32Array; readonly valid: Uint8Array | null }
  | { readonly kind: "float64"; readonly values: Float64Array; readonly valid: Uint8Array | null }
  | { readonly kind: "boolean"; readonly values: Uint8Array; readonly valid: Uint8Array | null }
  | { readonly kind: "big"; readonly values: readonly bigint[]; readonly valid: Uint8Array | null }
  | {
      readonly kind: "bytes";
      readonly values: readonly Uint8Array[];
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: "list";
      /** List `i` has the elements `offsets[i]` to `offsets[i + 1] − 1`. A missing one has none. */
      readonly offsets: Int32Array;
      readonly elements: Vector;
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: "map";
      /** Map `i` has the entries `offsets[i]` to `offsets[i + 1] − 1`. A missing one has none. */
      readonly offsets: Int32Array;
      readonly keys: Vector;
      readonly values: Vector;
      readonly valid: Uint8Array | null;
    }
  | {
      readonly kind: "struct";
      /** One vector for each field, each as long as this one. */
      readonly fields: readonly Vector[];
      readonly valid: Uint8Array | null;
    };

/** The layouts of vectors. */
export type VectorKind = Vector["kind"];

/** The layouts of vectors whose values have parts. */
export type NestedKind = "list" | "map" | "struct";
/** The layouts of vectors whose values have no parts. */
export type ScalarKind = Exclude<VectorKind, NestedKind>;

/** The vector of this layout. */
export type VectorOf<K extends VectorKind> = Extract<Vector, { kind: K }>;
/** A vector whose values have no parts. */
export type ScalarVector = VectorOf<ScalarKind>;

/** A value that is not missing. */
export type PresentValue = Exclude<Value, null>;

/**
 * Returns the value at row `i`; null if it is missing.
 *
 * @example
 * const amount = { name: "amount", database: "Amount", type: "float64", nullable: true } as const;
 * const batch = batchOf([amount], [[12.5]]);
 * valueAt(batch.vectors[0]!, 0); // 12.5
 */
export function valueAt(vector: Vector, i: number): Value {
  if (vector.valid !== null && vector.valid[i] === 0) return null;
  if (vector.kind === "string") return vector.dictionary[vector.codes[i]!]!;
  if (vector.kind === "boolean") return vector.values[i] === 1;
  return isScalar(vector) ? vector.values[i]! : nestedValueAt(vector, i);
}

/** Whether the values of a vector have no parts. */
export function isScalar(vector: Vector): vector is ScalarVector {
  return vector.kind !== "list" && vector.kind !== "map" && vector.kind !== "struct";
}

/** The number of values. A vector of a reusing decoder may be longer than its batch. */
export function lengthOf(vector: Vector): number {
  if (vector.kind === "string") return vector.codes.length;
  if (isScalar(vector)) return vector.values.length;
  return vector.kind === "struct" ? lengthOf(vector.fields[0]!) : vector.offsets.length - 1;
}

/** The value of a list, a map or a struct that is there. */
function nestedValueAt(vector: VectorOf<NestedKind>, i: number): Value {
  if (vector.kind === "struct") return vector.fields.map((field) => valueAt(field, i));
  const from = vector.offsets[i]!;
  const length = vector.offsets[i + 1]! - from;
  return Array.from({ length }, (_, e) =>
    vector.kind === "list"
      ? valueAt(vector.elements, from + e)
      : [valueAt(vector.keys, from + e), valueAt(vector.values, from + e)],
  );
}

/** The vector, typed as the vector of `kind`. */
export function vectorOfKind<K extends VectorKind>(vector: Vector | null, kind: K): VectorOf<K> {
  if (vector?.kind !== kind)
    throw new TypeError(`a ${vector?.kind} vector where a ${kind} vector was expected`);
  return vector as VectorOf<K>;
}

/** Vectors that are joined must have one layout. */
export function refuseOtherKinds(vectors: readonly Vector[]): void {
  const { kind } = vectors[0]!;
  const other = vectors.find((vector) => vector.kind !== kind);
  if (other !== undefined)
    throw new TypeError(`a ${other.kind} vector cannot go on a ${kind} vector`);
}
