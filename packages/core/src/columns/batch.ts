/** Batches: rows held as columns. */
import type { ColumnSpec, Value } from "../specs.ts";

/**
 * The values of one column. `valid[i]` is 0 if value `i` is missing; `valid` is null if none is.
 * Strings and json are codes into a dictionary. Decimals are unscaled.
 * Timestamps are µs in doubles (law 10: time is an exact integer).
 */
export type Vector =
  | {
      readonly kind: "string";
      readonly codes: Int32Array;
      readonly dictionary: readonly string[];
      readonly valid: Uint8Array | null;
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
    };

/** Rows held as columns: one vector for each column. */
export interface Batch {
  readonly length: number;
  readonly columns: readonly ColumnSpec[];
  readonly vectors: readonly Vector[];
}

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
  switch (vector.kind) {
    case "string":
      return vector.dictionary[vector.codes[i]!]!;
    case "boolean":
      return vector.values[i] === 1;
    default:
      return vector.values[i]!;
  }
}

/** The vector, typed as the vector of `kind`. */
export function vectorOfKind<V extends Vector["kind"]>(
  vector: Vector | null,
  kind: V,
): Extract<Vector, { kind: V }> {
  if (vector?.kind !== kind)
    throw new TypeError(`a ${vector?.kind} vector where a ${kind} vector was expected`);
  return vector as Extract<Vector, { kind: V }>;
}

/** Builds a vector value by value. `finish` may be called once. */
export interface VectorBuilder {
  push(value: Value): void;
  finish(): Vector;
}

/**
 * Makes the builder of a column's vector, by the column's type.
 * A string or json column gets a `string` vector, an int64 column an `int64` vector.
 * An int32 or date column gets an `int32` vector, a float64 or timestamp column a `float64` vector.
 * A boolean column gets a `boolean` vector, a decimal a `big` vector, a bytes column a `bytes`
 * vector.
 */
export function vectorBuilder(column: ColumnSpec, capacity = 1024): VectorBuilder {
  const valid = new GrowingArray(Uint8Array, capacity);
  let missing = false;
  const pushValidity = (value: Value): boolean => {
    const there = value !== null;
    if (!there) missing = true;
    valid.push(there ? 1 : 0);
    return there;
  };
  const validity = (): Uint8Array | null => (missing ? valid.array() : null);
  switch (column.type) {
    case "string":
    case "json": {
      const codes = new GrowingArray(Int32Array, capacity);
      const dictionary: string[] = [];
      const known = new Map<string, number>();
      return {
        push(value) {
          if (!pushValidity(value)) {
            codes.push(-1);
            return;
          }
          let code = known.get(value as string);
          if (code === undefined) {
            code = dictionary.length;
            dictionary.push(value as string);
            known.set(value as string, code);
          }
          codes.push(code);
        },
        finish: () => ({ kind: "string", codes: codes.array(), dictionary, valid: validity() }),
      };
    }
    case "int64": {
      const values = new GrowingBigIntArray(capacity);
      return {
        push: (value) => {
          values.push(pushValidity(value) ? (value as bigint) : 0n);
        },
        finish: () => ({ kind: "int64", values: values.array(), valid: validity() }),
      };
    }
    case "int32":
    case "date": {
      const values = new GrowingArray(Int32Array, capacity);
      return {
        push: (value) => {
          values.push(pushValidity(value) ? (value as number) : 0);
        },
        finish: () => ({ kind: "int32", values: values.array(), valid: validity() }),
      };
    }
    case "float64":
    case "timestamp": {
      const values = new GrowingArray(Float64Array, capacity);
      return {
        push: (value) => {
          values.push(pushValidity(value) ? (value as number) : 0);
        },
        finish: () => ({ kind: "float64", values: values.array(), valid: validity() }),
      };
    }
    case "boolean": {
      const values = new GrowingArray(Uint8Array, capacity);
      return {
        push: (value) => {
          values.push(pushValidity(value) && value === true ? 1 : 0);
        },
        finish: () => ({ kind: "boolean", values: values.array(), valid: validity() }),
      };
    }
    case "decimal": {
      const values: bigint[] = [];
      return {
        push: (value) => {
          values.push(pushValidity(value) ? (value as bigint) : 0n);
        },
        finish: () => ({ kind: "big", values, valid: validity() }),
      };
    }
    case "bytes": {
      const values: Uint8Array[] = [];
      const empty = new Uint8Array(0);
      return {
        push: (value) => {
          values.push(pushValidity(value) ? (value as Uint8Array) : empty);
        },
        finish: () => ({ kind: "bytes", values, valid: validity() }),
      };
    }
  }
}

/**
 * Makes a batch of rows whose values come in the order of `columns`.
 *
 * @example
 * const columns: ColumnSpec[] = [
 *   { name: "user_id", database: "user_id", type: "string", nullable: false },
 * ];
 * const batch = batchOf(columns, [["a"], ["b"]]);
 */
export function batchOf(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
): Batch {
  const vectors = columns.map((column, c) => {
    const builder = vectorBuilder(column, Math.max(rows.length, 1));
    for (const row of rows) builder.push(row[c] ?? null);
    return builder.finish();
  });
  return { length: rows.length, columns, vectors };
}

/** The rows whose flag in `selected` is 1, in their order. */
export function selectRows(batch: Batch, selected: Uint8Array): Batch {
  let length = 0;
  for (const bit of selected) length += bit;
  if (length === batch.length) return batch;
  const vectors = batch.columns.map((column, c) => {
    const builder = vectorBuilder(column, length);
    for (let i = 0; i < batch.length; i++)
      if (selected[i] === 1) builder.push(valueAt(batch.vectors[c]!, i));
    return builder.finish();
  });
  return { length, columns: batch.columns, vectors };
}

/** Joins batches of the same columns, one after the other. */
export function concatBatches(columns: readonly ColumnSpec[], batches: readonly Batch[]): Batch {
  if (batches.length === 1) return batches[0]!;
  const parts = batches.filter((batch) => batch.length > 0);
  if (parts.length === 1) return parts[0]!;
  if (parts.length === 0) return batchOf(columns, []);
  const length = parts.reduce((sum, batch) => sum + batch.length, 0);
  return {
    length,
    columns,
    vectors: columns.map((_, c) =>
      concatVectors(
        parts.map((batch) => batch.vectors[c]!),
        parts,
        length,
      ),
    ),
  };
}

/**
 * Joins vectors by copying whole arrays, because an active entity has thousands of rows in many
 * segments.
 */
function concatVectors(
  vectors: readonly Vector[],
  batches: readonly Batch[],
  length: number,
): Vector {
  const valid = vectors.some((vector) => vector.valid !== null)
    ? concatArrays(
        new Uint8Array(length),
        vectors.map((vector, i) => vector.valid ?? new Uint8Array(batches[i]!.length).fill(1)),
      )
    : null;
  const values = <V extends Vector["kind"]>(kind: V): readonly Extract<Vector, { kind: V }>[] => {
    const other = vectors.find((vector) => vector.kind !== kind);
    if (other !== undefined)
      throw new TypeError(`a ${other.kind} vector cannot go on a ${kind} vector`);
    return vectors as readonly Extract<Vector, { kind: V }>[];
  };
  const first = vectors[0]!;
  switch (first.kind) {
    case "string":
      return { kind: "string", ...concatStrings(values("string"), length), valid };
    case "int64":
      return {
        kind: "int64",
        values: concatArrays(
          new BigInt64Array(length),
          values("int64").map((vector) => vector.values),
        ),
        valid,
      };
    case "int32":
      return {
        kind: "int32",
        values: concatArrays(
          new Int32Array(length),
          values("int32").map((vector) => vector.values),
        ),
        valid,
      };
    case "float64":
      return {
        kind: "float64",
        values: concatArrays(
          new Float64Array(length),
          values("float64").map((vector) => vector.values),
        ),
        valid,
      };
    case "boolean":
      return {
        kind: "boolean",
        values: concatArrays(
          new Uint8Array(length),
          values("boolean").map((vector) => vector.values),
        ),
        valid,
      };
    case "big":
      return { kind: "big", values: values("big").flatMap((vector) => vector.values), valid };
    case "bytes":
      return { kind: "bytes", values: values("bytes").flatMap((vector) => vector.values), valid };
  }
}

function concatArrays<T extends Numbers | BigInt64Array>(into: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    (into as { set(part: T, at: number): void }).set(part, at);
    at += part.length;
  }
  return into;
}

/** Joins the dictionaries into one, so that equal strings have equal codes. */
function concatStrings(
  vectors: readonly Extract<Vector, { kind: "string" }>[],
  length: number,
): { readonly codes: Int32Array; readonly dictionary: readonly string[] } {
  const known = new Map<string, number>();
  const codes = new Int32Array(length);
  let at = 0;
  for (const vector of vectors) {
    const renamed = Int32Array.from(vector.dictionary, (text) => {
      let code = known.get(text);
      if (code === undefined) known.set(text, (code = known.size));
      return code;
    });
    for (let i = 0; i < vector.codes.length; i++, at++)
      codes[at] = vector.valid !== null && vector.valid[i] === 0 ? -1 : renamed[vector.codes[i]!]!;
  }
  return { codes, dictionary: [...known.keys()] };
}

type Numbers = Uint8Array | Int32Array | Float64Array;

class GrowingArray<T extends Numbers> {
  private values: T;
  private length = 0;
  private readonly type: new (length: number) => T;

  constructor(type: new (length: number) => T, capacity: number) {
    this.type = type;
    this.values = new type(capacity);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new this.type(this.length * 2 + 16);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  array(): T {
    return this.values.subarray(0, this.length) as T;
  }
}

class GrowingBigIntArray {
  private values: BigInt64Array;
  private length = 0;

  constructor(capacity: number) {
    this.values = new BigInt64Array(capacity);
  }

  push(value: bigint): void {
    if (this.length === this.values.length) {
      const larger = new BigInt64Array(this.length * 2 + 16);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  array(): BigInt64Array {
    return this.values.subarray(0, this.length);
  }
}
