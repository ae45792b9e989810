/** The TypeScript types of columns and their values. */
import type { ValueType } from "../specs.ts";
import type { shape } from "./shape.ts";
import type { TimeInput } from "./time-input.ts";

/** Types that can be summed. */
export type NumericType = "int32" | "int64" | "float64" | "decimal";
/**
 * Types whose values have an order (law 3: one order of values). A json value is only there or
 * missing.
 */
export type OrderedType = Exclude<ValueType, "json">;
/** Types that can identify a row or an entity. */
export type KeyType = Exclude<ValueType, "json" | "float64">;

/** A column before it belongs to a source. */
export interface ColumnType<out K extends ValueType, out V> {
  readonly type: K;
  readonly [shape]: V;
  /** Makes the same column, which may hold null. */
  nullable(): ColumnType<K, V | null>;
}
/** Column types by the name of the column. */
export type Columns = { readonly [name: string]: ColumnType<ValueType, unknown> };

/**
 * Whether a column of this type may hold null.
 * False without `strictNullChecks`, which would tell `string | null` from `string`.
 * False also for `unknown`, the type of columns in definitions made from data.
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
/** A column of any source and type. */
export type AnyColumn = Column<string, string, ValueType, unknown>;

/**
 * The type of a value that a caller gives.
 * An int64 is also taken as a safe number, because JSON holds numbers. A timestamp is taken in any
 * form of time.
 */
export type InputOf<K extends ValueType, V> = K extends "int64"
  ? bigint | number
  : K extends "timestamp"
    ? TimeInput | NonNullable<V>
    : NonNullable<V>;

/** The values that a caller gives for these columns. */
export type InputsOf<C extends Columns> = {
  [K in keyof C]: InputOf<C[K]["type"], C[K][typeof shape]>;
} & {};
