/** The TypeScript types of columns and their values. */
import type { Metadata } from "../metadata.ts";
import type { ScalarType, ValueType } from "../specs.ts";
import type { Expr } from "./expression-types.ts";
import type { parts, shape } from "./shape.ts";
import type { TimeInput } from "./time-input.ts";

/** Types that can be summed. */
export type NumericType = "int32" | "int64" | "float64" | "decimal";
/**
 * Types whose values have an order (law 3: one order of values). A json value is only there or
 * missing.
 */
export type OrderedType = Exclude<ScalarType, "json">;
/** Types that can identify a row or an entity. */
export type KeyType = Exclude<ScalarType, "json" | "float64">;

/** The type of lists of elements of type `E`. */
export type ListType<E> = "list" & { readonly [parts]: { readonly element: E } };
/** The type of maps from keys of type `K` to values of type `V`. */
export type MapType<K, V> = "map" & { readonly [parts]: { readonly keys: K; readonly values: V } };
/** The type of structs. `F` has the types of the members by name. */
export type StructType<F> = "struct" & { readonly [parts]: { readonly members: F } };
/** The type of answers by category, as maps. Such an answer has its categories already. */
export type CategoryMapType<K, V> = "map" & {
  readonly [parts]: { readonly keys: K; readonly values: V; readonly categories: true };
};
/** The type of answers for some categories, as structs. */
export type CategoryStructType<F> = "struct" & {
  readonly [parts]: { readonly members: F; readonly categories: true };
};
/** A type of answers by category. */
export interface HasCategories {
  readonly [parts]: { readonly categories: true };
}
/** The type in words. */
export type TypeText<K> = K extends "list" | "map" | "struct" ? PartsText<K> : K & string;
type PartsText<K> = K extends "list" ? "list" : K extends "map" ? "map" : "struct";

/** A column before it belongs to a source. */
export interface ColumnType<out K extends ValueType, out V> {
  readonly type: K;
  readonly [shape]: V;
  /** Makes the same column, which may hold null. */
  nullable(): ColumnType<K, V | null>;
  /** Makes the same column, which has this metadata. */
  describe(metadata: Metadata): ColumnType<K, V>;
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
> extends Expr<S, K, V> {
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
