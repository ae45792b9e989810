/** What each layout of vectors can do. Types with the same layout share it. */
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import type { Value } from "../specs.ts";
import type { ArrayAllocator } from "./array-allocator.ts";
import type { PresentValue, Vector } from "./vector.ts";

/** Builds a vector value by value. `finish` may be called once. */
export interface VectorBuilder {
  push(value: Value): void;
  finish(): Vector;
}

/** One value as bytes. All values of a fixed element have one length. */
export type Element =
  | { readonly width: number; read(view: DataView, at: number): PresentValue }
  | {
      readonly width: null;
      /** Writes the length and the value. */
      write(writer: ByteWriter, value: PresentValue): void;
      read(reader: ByteReader): PresentValue;
    };

/** What moves the values of one layout, whatever they hold. */
export interface VectorMoves<V extends Vector = Vector> {
  readonly kind: V["kind"];
  /** Rows [from, to), in the same memory where possible. */
  slice(vector: V, from: number, to: number): V;
  /** The vectors one after the other. `length` is the length of all. */
  concat(vectors: readonly V[], valid: Uint8Array | null, length: number): V;
  /** Row r is row `rowIndexes[r]` of `vectors[vectorIndexes[r]]`. */
  gather(
    vectors: readonly V[],
    vectorIndexes: Int32Array,
    rowIndexes: Int32Array,
    valid: Uint8Array | null,
  ): V;
  /** Spreads a vector without gaps: row `i` gets the value `denseIndexes[i]`. */
  expand(
    dense: V,
    length: number,
    denseIndexes: Int32Array,
    valid: Uint8Array | null,
    arrays: ArrayAllocator,
  ): V;
}

/** The operations of one layout. A missing value is 0, an empty value, or the code −1. */
export interface VectorLayout<V extends Vector = Vector> extends VectorMoves<V> {
  readonly element: Element;
  builder(capacity: number): VectorBuilder;
  /** The vector of rows. `valueOf` gives the value of a row. */
  of<Row>(rows: readonly Row[], valueOf: (row: Row) => Value): V;
  /** A vector of `length` missing values. */
  missing(length: number): V;
}
