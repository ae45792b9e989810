/** What kinds of columns mean in TypeScript. */
import type { ValueType } from "../specs.ts";
import type { shape } from "./shape.ts";
import type { TimeInput } from "./time-input.ts";

export type NumericType = "int32" | "int64" | "float64" | "decimal";
/** Kinds whose values have an order (law 3); the others are only there or missing. */
export type OrderedType = Exclude<ValueType, "json">;
/** Kinds that can name a row or an entity. */
export type KeyType = Exclude<ValueType, "json" | "float64">;

/** A column before it belongs to a source. */
export interface ColumnType<out K extends ValueType, out V> {
  readonly type: K;
  readonly [shape]: V;
  /** The same column, which may hold null. */
  nullable(): ColumnType<K, V | null>;
}
export type Columns = { readonly [name: string]: ColumnType<ValueType, unknown> };

/**
 * Whether a column of this type may hold null. False where nobody can know: a compiler without
 * `strictNullChecks` does not tell `string | null` from `string`, and definitions made from data
 * say `unknown`.
 */
export type MayBeNull<V> = unknown extends V
  ? false
  : null extends string
    ? false
    : null extends V
      ? true
      : false;

/** A column of a source. */
export interface Column<
  out S extends string,
  out N extends string,
  out K extends ValueType,
  out V,
> {
  readonly source: S;
  readonly name: N;
  readonly type: K;
  readonly [shape]: V;
}
export type AnyColumn = Column<string, string, ValueType, unknown>;

/**
 * What a caller may hand in for a value: an int64 also as a (safe) number, because that is what
 * JSON gives; a timestamp as any form of time.
 */
export type InputOf<K extends ValueType, V> = K extends "int64"
  ? bigint | number
  : K extends "timestamp"
    ? TimeInput | NonNullable<V>
    : NonNullable<V>;

/** What a caller hands in for these columns. */
export type InputsOf<C extends Columns> = {
  [K in keyof C]: InputOf<C[K]["type"], C[K][typeof shape]>;
} & {};
