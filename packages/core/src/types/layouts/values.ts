/** Layouts whose vectors hold each value in an array: numbers, decimals and bytes. */
import type { Value } from "../../specs.ts";
import type { ArrayAllocator } from "../array-allocator.ts";
import { storedDigits } from "../decimal-text.ts";
import type { PresentValue, VectorOf } from "../vector.ts";
import type { Element, VectorLayout } from "../vector-layout.ts";
import { GrowingArray, GrowingValidity } from "./growing-array.ts";
import { slicedValidity } from "./validity.ts";

type TypedVector =
  | VectorOf<"int32">
  | VectorOf<"int64">
  | VectorOf<"float64">
  | VectorOf<"boolean">;
type ListedVector = VectorOf<"big"> | VectorOf<"bytes">;
type TypedValues = TypedVector["values"];

/** A layout over typed arrays. */
function typedLayout<V extends TypedVector>({
  kind,
  width,
  missing,
  make,
  take,
  read,
}: {
  readonly kind: V["kind"];
  readonly width: number;
  readonly missing: number | bigint;
  readonly make: (length: number) => TypedValues;
  readonly take: (arrays: ArrayAllocator, length: number) => TypedValues;
  readonly read: (view: DataView, at: number) => PresentValue;
}): VectorLayout<V> {
  const vector = (values: object, valid: Uint8Array | null): V =>
    ({ kind, values, valid }) as unknown as V;
  const valuesOf = ({ values }: V): TypedValues => values;
  return {
    kind,
    element: { width, read },
    builder(capacity) {
      const values = new GrowingArray<TypedValues>(make, capacity);
      const valid = new GrowingValidity(capacity);
      return {
        push: (value) => {
          values.push((valid.push(value) ? value : missing) as number);
        },
        finish: () => vector(values.array(), valid.finish()),
      };
    },
    of(rows, valueOf) {
      const values = make(rows.length);
      return vector(values, filled(values, rows, valueOf));
    },
    missing: (length) => vector(make(length), new Uint8Array(length)),
    slice: (from, start, end) =>
      vector(valuesOf(from).subarray(start, end), slicedValidity(from, start, end)),
    concat(vectors, valid, length) {
      const values = make(length);
      let at = 0;
      for (const one of vectors) {
        const part = valuesOf(one);
        (values as { set(part: TypedValues, at: number): void }).set(part, at);
        at += part.length;
      }
      return vector(values, valid);
    },
    gather: (vectors, vectorIndexes, rowIndexes, valid) =>
      vector(
        gatherValues(
          make(vectorIndexes.length),
          vectors.map(valuesOf),
          vectorIndexes,
          rowIndexes,
          valid,
          missing,
        ),
        valid,
      ),
    expand: (dense, length, denseIndexes, valid, arrays) =>
      vector(
        scatter(take(arrays, length), valuesOf(dense), missing, length, denseIndexes, valid),
        valid,
      ),
  };
}

/** A layout over arrays of objects. */
function listedLayout<V extends ListedVector>(
  kind: V["kind"],
  missing: bigint | Uint8Array,
  element: Element,
): VectorLayout<V> {
  type Item = bigint | Uint8Array;
  const vector = (values: readonly Item[], valid: Uint8Array | null): V =>
    ({ kind, values, valid }) as unknown as V;
  const valuesOf = ({ values }: V): readonly Item[] => values;
  return {
    kind,
    element,
    builder(capacity) {
      const values: Item[] = [];
      const valid = new GrowingValidity(capacity);
      return {
        push: (value) => {
          values.push(valid.push(value) ? (value as Item) : missing);
        },
        finish: () => vector(values, valid.finish()),
      };
    },
    of(rows, valueOf) {
      const values = new Array<Item>(rows.length).fill(missing);
      return vector(values, filled(values, rows, valueOf));
    },
    missing: (length) => vector(new Array<Item>(length).fill(missing), new Uint8Array(length)),
    slice: (from, start, end) =>
      vector(valuesOf(from).slice(start, end), slicedValidity(from, start, end)),
    concat: (vectors, valid) => vector(vectors.flatMap(valuesOf), valid),
    gather: (vectors, vectorIndexes, rowIndexes, valid) =>
      vector(
        gatherValues(
          new Array<Item>(vectorIndexes.length),
          vectors.map(valuesOf),
          vectorIndexes,
          rowIndexes,
          valid,
          missing,
        ),
        valid,
      ),
    expand: (dense, length, denseIndexes, valid) =>
      vector(
        scatter(new Array<Item>(length), valuesOf(dense), missing, length, denseIndexes, valid),
        valid,
      ),
  };
}

export const int32Layout: VectorLayout<VectorOf<"int32">> = typedLayout({
  kind: "int32",
  width: 4,
  missing: 0,
  make: (length) => new Int32Array(length),
  take: (arrays, length) => arrays.int32(length),
  read: (view, at) => view.getInt32(at, true),
});

export const float64Layout: VectorLayout<VectorOf<"float64">> = typedLayout({
  kind: "float64",
  width: 8,
  missing: 0,
  make: (length) => new Float64Array(length),
  take: (arrays, length) => arrays.float64(length),
  read: (view, at) => view.getFloat64(at, true),
});

export const int64Layout: VectorLayout<VectorOf<"int64">> = typedLayout({
  kind: "int64",
  width: 8,
  missing: 0n,
  make: (length) => new BigInt64Array(length),
  take: (arrays, length) => arrays.int64(length),
  read: (view, at) => view.getBigInt64(at, true),
});

/** True is 1, false is 0. */
export const booleanLayout: VectorLayout<VectorOf<"boolean">> = {
  ...typedLayout({
    kind: "boolean",
    width: 1,
    missing: 0,
    make: (length) => new Uint8Array(length),
    take: (arrays, length) => arrays.bytes(length),
    read: (view, at) => view.getUint8(at) === 1,
  }),
  builder(capacity) {
    const values = new GrowingArray((length) => new Uint8Array(length), capacity);
    const valid = new GrowingValidity(capacity);
    return {
      push: (value) => {
        values.push(valid.push(value) && value === true ? 1 : 0);
      },
      finish: () => ({ kind: "boolean", values: values.array(), valid: valid.finish() }),
    };
  },
  // An own loop: with a fifth kind of array, the shared one would be several times slower.
  of(rows, valueOf) {
    const values = new Uint8Array(rows.length);
    let valid: Uint8Array | null = null;
    for (let i = 0; i < rows.length; i++) {
      const value = valueOf(rows[i]!);
      if (value === null) (valid ??= new Uint8Array(rows.length).fill(1))[i] = 0;
      else if (value === true) values[i] = 1;
    }
    return { kind: "boolean", values, valid };
  },
};

/** Unscaled digits of decimals. */
export const bigLayout: VectorLayout<VectorOf<"big">> = listedLayout("big", 0n, {
  width: null,
  write: (writer, value) => writer.text(String(value)),
  read: (reader) => storedDigits(reader.text()),
});

export const bytesLayout: VectorLayout<VectorOf<"bytes">> = listedLayout(
  "bytes",
  new Uint8Array(0),
  {
    width: null,
    write(writer, value) {
      writer.varint((value as Uint8Array).length);
      writer.raw(value as Uint8Array);
    },
    read: (reader) => reader.raw(reader.itemCount()).slice(),
  },
);

/** Puts the values of rows into an array. Returns which are there; null: all are. */
function filled<Row>(
  values: object,
  rows: readonly Row[],
  valueOf: (row: Row) => Value,
): Uint8Array | null {
  let valid: Uint8Array | null = null;
  for (let i = 0; i < rows.length; i++) {
    const value = valueOf(rows[i]!);
    if (value !== null) (values as { [i: number]: Value })[i] = value;
    else (valid ??= new Uint8Array(rows.length).fill(1))[i] = 0;
  }
  return valid;
}

/** A loop that meets arrays of one kind is several times faster. */
function gatherDoubles(
  to: Float64Array,
  from: readonly Float64Array[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): void {
  for (let r = 0; r < to.length; r++)
    if (valid === null || valid[r] === 1) to[r] = from[vectorIndexes[r]!]![rowIndexes[r]!]!;
}

/** The same loop for integers. */
function gatherIntegers(
  to: Int32Array,
  from: readonly Int32Array[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): void {
  for (let r = 0; r < to.length; r++)
    if (valid === null || valid[r] === 1) to[r] = from[vectorIndexes[r]!]![rowIndexes[r]!]!;
}

/** The same loop for large integers. It moves their halves, so that no bigint is made of them. */
function gatherLongs(
  into: BigInt64Array,
  values: readonly BigInt64Array[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): void {
  const to = halvesOf(into);
  const from = values.map(halvesOf);
  for (let r = 0; r < into.length; r++) {
    if (valid !== null && valid[r] === 0) continue;
    const halves = from[vectorIndexes[r]!]!;
    const row = rowIndexes[r]!;
    to[2 * r] = halves[2 * row]!;
    to[2 * r + 1] = halves[2 * row + 1]!;
  }
}

function halvesOf({ buffer, byteOffset, length }: BigInt64Array): Int32Array {
  return new Int32Array(buffer, byteOffset, 2 * length);
}

/** The same loop for flags. */
function gatherFlags(
  to: Uint8Array,
  from: readonly Uint8Array[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
): void {
  for (let r = 0; r < to.length; r++)
    if (valid === null || valid[r] === 1) to[r] = from[vectorIndexes[r]!]![rowIndexes[r]!]!;
}

/**
 * Gathers values. A missing value becomes `missing`, whatever the array holds there. New typed
 * arrays hold `missing` already.
 */
function gatherValues<V extends object>(
  into: V,
  values: readonly object[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
  valid: Uint8Array | null,
  missing: PresentValue,
): V {
  if (into instanceof Float64Array) {
    gatherDoubles(into, values as readonly Float64Array[], vectorIndexes, rowIndexes, valid);
    return into;
  }
  if (into instanceof Int32Array) {
    gatherIntegers(into, values as readonly Int32Array[], vectorIndexes, rowIndexes, valid);
    return into;
  }
  if (into instanceof BigInt64Array) {
    gatherLongs(into, values as readonly BigInt64Array[], vectorIndexes, rowIndexes, valid);
    return into;
  }
  if (into instanceof Uint8Array) {
    gatherFlags(into, values as readonly Uint8Array[], vectorIndexes, rowIndexes, valid);
    return into;
  }
  const to = into as { [row: number]: PresentValue };
  const from = values as readonly { readonly [row: number]: PresentValue }[];
  for (let r = 0; r < vectorIndexes.length; r++)
    to[r] = valid !== null && valid[r] === 0 ? missing : from[vectorIndexes[r]!]![rowIndexes[r]!]!;
  return into;
}

/** Puts dense values at their rows. A missing value becomes `missing`. */
export function scatter<V extends object>(
  into: V,
  from: object,
  missing: PresentValue,
  length: number,
  denseIndexes: Int32Array,
  valid: Uint8Array | null,
): V {
  const to = into as { [row: number]: PresentValue };
  const dense = from as { readonly [i: number]: PresentValue };
  for (let i = 0; i < length; i++)
    to[i] = valid === null || valid[i] === 1 ? dense[denseIndexes[i]!]! : missing;
  return into;
}
