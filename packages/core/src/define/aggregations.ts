/** The types of aggregations: over windows of rows, or the value of the latest row. */
import type { Metadata } from "../metadata.ts";
import type {
  AnyColumn,
  KeyType,
  ListType,
  CategoryMapType,
  CategoryStructType,
  HasCategories,
  NumericType,
  OrderedType,
  TypeText,
} from "./column-types.ts";
import type { CheckCountOf } from "./counts.ts";
import type { CheckDurations, Durations } from "./duration.ts";
import type {
  AnyExpr,
  OtherSource,
  SameSource,
  SourceOf,
  TypeOf,
  ValueOf,
  WindowScope,
} from "./expression-types.ts";
import type { Condition } from "./functions/boolean.ts";
import type { BadMemberName } from "./names.ts";
import type { computes, Invalid, shape } from "./shape.ts";
import type { ValueType } from "../specs.ts";
import type { CheckWindow, CheckWindows, NewestRows, Series, Window } from "./windows.ts";

/**
 * The part of an aggregation that type constraints look at.
 * `S` is its source (never: any source), `V` its values, `Is` its kind, `K` the type of values.
 * `Suffix` is added to the feature's name (never: no window yet).
 * The type has no methods, because a conditional method would make aggregations incomparable.
 */
export interface Computed<
  out S extends string,
  out V,
  out Suffix extends string,
  out Is extends "window" | "latest",
  out K extends ValueType = ValueType,
> {
  readonly [shape]: {
    readonly source: S;
    readonly type: K;
    readonly value: V;
    readonly suffix: Suffix;
    readonly kind: Is;
  };
}
/** An aggregation whose feature is also answered under the names `Old`. */
export interface Renamed<
  S extends string,
  V,
  Suffix extends string,
  Is extends "window" | "latest",
  out Old extends string,
  out K extends ValueType = ValueType,
> extends Computed<S, V, Suffix, Is, K> {
  readonly [formerNames]: Old;
  /** Sets the metadata of the feature. With several windows each of them has it. */
  describe(metadata: Metadata): Renamed<S, V, Suffix, Is, Old, K>;
}
declare const formerNames: unique symbol;
declare const answers: unique symbol;
/** The type of what an aggregation without a window answers over rows. */
export type TypeOfAggregation<A> = A extends { readonly [answers]: infer K } ? K : never;
/** The former names of an aggregation; never: it has none. */
export type FormerNamesOf<A> = A extends { readonly [formerNames]: infer Old extends string }
  ? Old
  : never;
/** An aggregation of any source and value. */
export type AnyAggregation = Computed<string, unknown, string, "window" | "latest">;

type CheckSource<S extends string, C extends string> = [S] extends [never]
  ? Condition<C>
  : [C] extends [S]
    ? Condition<C>
    : `this is about ${C}, the aggregation about ${S}`;

/** The type of values that are these in TypeScript, unless the aggregation says another. */
export type TypeOfValues<V> = V extends number
  ? "float64"
  : V extends bigint
    ? "int64"
    : V extends boolean
      ? "boolean"
      : ValueType;
/** Why an aggregation is no argument of a function yet. */
type NoWindow = Invalid<"this aggregation has no window yet: say over which, as in .over('7d')">;
/** The types of an aggregation over one window, as an argument of functions. */
type WindowTerm<S extends string, K, V, Suffix> = Suffix extends ""
  ? { readonly source: WindowScope<S>; readonly type: K; readonly value: V }
  : Invalid<"overEach makes several features: give one window here, as in .over('7d')">;

/** An aggregation without a window. `K` is the type of its values. */
export interface Aggregation<
  S extends string,
  V,
  K extends ValueType = TypeOfValues<V>,
> extends Computed<S, V, never, "window", K> {
  readonly [computes]: NoWindow;
  readonly [answers]: K;
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): Aggregation<S | C, V, K>;
  /**
   * Answers a map: for each value of the key that rows of the window have, what the aggregation
   * answers over the rows of that value. Rows whose key is null are in none.
   */
  by<E extends AnyExpr>(key: CategoryKey<S, K, E>): ByCategory<S, V, E, K>;
  /** Answers a struct with exactly these values of the key, also those that no row has. */
  byEach<E extends AnyExpr, const M extends Members>(
    key: MemberKey<S, K, E>,
    members: CheckMembers<M>,
  ): ByMember<S, V, E, M, K>;
  /**
   * Sets one window: a length such as "7d", which is `[t − length, t)`, or `window`, `lifetime`,
   * `current`, `previous` or `lastRows`. The feature keeps its name.
   */
  over<const W extends string | Window>(window: CheckWindow<W>): WindowAggregation<S, V, "", K>;
  /** Makes a list: what the aggregation answers for each window of the series, the oldest first. */
  over(window: Series): WindowAggregation<S, readonly V[], "", ListType<K>>;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): WindowAggregation<S, V, `_${W[number]}`, K>;
  /** Makes one feature for each window, named `<name>_<its name here>`. */
  overNamed<const M extends Readonly<Record<string, string | Window>>>(
    windows: CheckWindows<M>,
  ): WindowAggregation<S, V, `_${keyof M & string}`, K>;
}
/** An aggregation by category, without a window. */
export type ByCategory<S extends string, V, E extends AnyExpr, K> = Aggregation<
  S | SourceOf<E>,
  ReadonlyMap<PresentValue<E>, V>,
  CategoryMapType<TypeOf<E>, K>
>;
/** An aggregation for some categories, without a window. */
export type ByMember<S extends string, V, E extends AnyExpr, M extends Members, K> = Aggregation<
  S | SourceOf<E>,
  { readonly [N in M[number]]: V },
  CategoryStructType<{ readonly [N in M[number]]: K }>
>;
/** An aggregation with its window. */
export interface WindowAggregation<
  S extends string,
  V,
  Suffix extends string,
  K extends ValueType = TypeOfValues<V>,
> extends Computed<S, V, Suffix, "window", K> {
  readonly [computes]: WindowTerm<S, K, V, Suffix>;
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): WindowAggregation<S | C, V, Suffix, K>;
  /**
   * Also answers the feature under its former names, until no caller uses them.
   * With several windows each former name gets the same suffixes as the name.
   */
  renamedFrom<const Old extends readonly [string, ...string[]]>(
    ...names: Old
  ): Renamed<S, V, Suffix, "window", Old[number], K>;
  /** Sets the metadata of the feature. With several windows each of them has it. */
  describe(metadata: Metadata): WindowAggregation<S, V, Suffix, K>;
}
/** An aggregation that is null over an empty window, until it has a default. */
export interface NullableAggregation<
  S extends string,
  V,
  K extends ValueType = TypeOfValues<V>,
> extends Computed<S, V | null, never, "window", K> {
  readonly [computes]: NoWindow;
  readonly [answers]: K;
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): NullableAggregation<S | C, V, K>;
  /**
   * Answers a map: for each value of the key that rows of the window have, what the aggregation
   * answers over the rows of that value. Rows whose key is null are in none.
   */
  by<E extends AnyExpr>(key: CategoryKey<S, K, E>): ByCategory<S, V | null, E, K>;
  /** Answers a struct with exactly these values of the key, also those that no row has. */
  byEach<E extends AnyExpr, const M extends Members>(
    key: MemberKey<S, K, E>,
    members: CheckMembers<M>,
  ): ByMember<S, V | null, E, M, K>;
  /**
   * Sets one window: a length such as "7d", which is `[t − length, t)`, or `window`, `lifetime`,
   * `current`, `previous` or `lastRows`. The feature keeps its name.
   */
  over<const W extends string | Window>(
    window: CheckWindow<W>,
  ): NullableWindowAggregation<S, V, "", K>;
  /** Makes a list: what the aggregation answers for each window of the series, the oldest first. */
  over(window: Series): WindowAggregation<S, readonly (V | null)[], "", ListType<K>>;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): NullableWindowAggregation<S, V, `_${W[number]}`, K>;
  /** Makes one feature for each window, named `<name>_<its name here>`. */
  overNamed<const M extends Readonly<Record<string, string | Window>>>(
    windows: CheckWindows<M>,
  ): NullableWindowAggregation<S, V, `_${keyof M & string}`, K>;
  /** Sets the value that replaces null. */
  default(value: V): Aggregation<S, V, K>;
}
/** The window of a ratio, or why it is none: both parts are over the same rows. */
type CheckRatioWindow<W extends string | Window> = W extends NewestRows
  ? Invalid<"the two parts may be over different rows of lastRows: divide them yourself, with div">
  : CheckWindow<W>;
/** A ratio of two aggregations without its window; null until it has a default. */
export interface Ratio<S extends string> extends Computed<
  S,
  number | null,
  never,
  "window",
  "float64"
> {
  readonly [computes]: NoWindow;
  readonly [answers]: "float64";
  /** Keeps only the rows for which the condition is true, in both parts. */
  where<C extends string>(condition: CheckSource<S, C>): Ratio<S | C>;
  /** Sets one window of both parts: a length such as "7d", or any window but `lastRows`. */
  over<const W extends string | Window>(
    window: CheckRatioWindow<W>,
  ): NullableWindowAggregation<S, number, "">;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): NullableWindowAggregation<S, number, `_${W[number]}`>;
  /** Makes one feature for each window, named `<name>_<its name here>`. */
  overNamed<const M extends Readonly<Record<string, string | Window>>>(windows: {
    readonly [N in keyof M]: CheckRatioWindow<M[N]>;
  }): NullableWindowAggregation<S, number, `_${keyof M & string}`>;
  /** Sets the value that replaces null. */
  default(value: number): RatioWithDefault<S>;
}
/** A ratio with its default, without its window. */
export interface RatioWithDefault<S extends string> extends Computed<
  S,
  number,
  never,
  "window",
  "float64"
> {
  readonly [computes]: NoWindow;
  readonly [answers]: "float64";
  /** Keeps only the rows for which the condition is true, in both parts. */
  where<C extends string>(condition: CheckSource<S, C>): RatioWithDefault<S | C>;
  /** Sets one window of both parts: a length such as "7d", or any window but `lastRows`. */
  over<const W extends string | Window>(
    window: CheckRatioWindow<W>,
  ): WindowAggregation<S, number, "">;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): WindowAggregation<S, number, `_${W[number]}`>;
  /** Makes one feature for each window, named `<name>_<its name here>`. */
  overNamed<const M extends Readonly<Record<string, string | Window>>>(windows: {
    readonly [N in keyof M]: CheckRatioWindow<M[N]>;
  }): WindowAggregation<S, number, `_${keyof M & string}`>;
}
/** An aggregation with its window, null over an empty window until it has a default. */
export interface NullableWindowAggregation<
  S extends string,
  V,
  Suffix extends string,
  K extends ValueType = TypeOfValues<V>,
> extends Computed<S, V | null, Suffix, "window", K> {
  readonly [computes]: WindowTerm<S, K, V | null, Suffix>;
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(
    condition: CheckSource<S, C>,
  ): NullableWindowAggregation<S | C, V, Suffix, K>;
  /** Sets the value that replaces null. */
  default(value: V): WindowAggregation<S, V, Suffix, K>;
  /**
   * Also answers the feature under its former names, until no caller uses them.
   * With several windows each former name gets the same suffixes as the name.
   */
  renamedFrom<const Old extends readonly [string, ...string[]]>(
    ...names: Old
  ): Renamed<S, V | null, Suffix, "window", Old[number], K>;
  /** Sets the metadata of the feature. With several windows each of them has it. */
  describe(metadata: Metadata): NullableWindowAggregation<S, V, Suffix, K>;
}
/** The value of an entity's newest row; null without a row within the view's `ttl`. */
export interface Latest<S extends string, V, K extends ValueType = ValueType> extends Computed<
  S,
  V | null,
  "",
  "latest",
  K
> {
  /** Sets the value that replaces null. */
  default(value: V): LatestWithDefault<S, V, K>;
  /**
   * Also answers the feature under its former names, until no caller uses them.
   * With several windows each former name gets the same suffixes as the name.
   */
  renamedFrom<const Old extends readonly [string, ...string[]]>(
    ...names: Old
  ): Renamed<S, V | null, "", "latest", Old[number], K>;
  /** Sets the metadata of the feature. With several windows each of them has it. */
  describe(metadata: Metadata): Latest<S, V, K>;
}
/** The value of an entity's newest row, or its default. */
export interface LatestWithDefault<
  S extends string,
  V,
  K extends ValueType = ValueType,
> extends Computed<S, V, "", "latest", K> {
  /**
   * Also answers the feature under its former names, until no caller uses them.
   * With several windows each former name gets the same suffixes as the name.
   */
  renamedFrom<const Old extends readonly [string, ...string[]]>(
    ...names: Old
  ): Renamed<S, V, "", "latest", Old[number], K>;
  /** Sets the metadata of the feature. With several windows each of them has it. */
  describe(metadata: Metadata): LatestWithDefault<S, V, K>;
}

/**
 * The expression itself, or why it is no number.
 * An expression whose type is one of several (definitions made from data) passes. The call checks
 * it.
 */
export type Numeric<E extends AnyExpr> = [Extract<TypeOf<E>, NumericType>] extends [never]
  ? `${Described<E>}: this aggregation takes int32, int64, float64 or decimal`
  : E;
/** The expression itself, or why its values have no order. */
export type Ordered<E extends AnyExpr> = [Extract<TypeOf<E>, OrderedType>] extends [never]
  ? `${Described<E>}, and its values have no order`
  : E;
/** The expression itself, or why it is no condition. */
export type Truth<E extends AnyExpr> = [Extract<TypeOf<E>, "boolean">] extends [never]
  ? `${Described<E>}: this aggregation takes a boolean column`
  : E;
/**
 * A second argument as `Checked` says it, or why it cannot be beside the first: an aggregation
 * reads one source.
 */
export type Second<A extends AnyExpr, B extends AnyExpr, Checked> =
  SameSource<A, B> extends true ? Checked : OtherSource<A, B>;
type Described<E extends AnyExpr> = E extends AnyColumn
  ? `${E["name"]} is a ${TypeOf<E>} column`
  : `this is ${TypeText<TypeOf<E>>}`;
/** The expression itself, or why its values are no keys of a map. */
export type Key<E extends AnyExpr> = [Extract<TypeOf<E>, KeyType>] extends [never]
  ? `${Described<E>}, and its values are no keys of a map: put numbers into ranges with binOf`
  : E;
/** The number itself, or why it is no number of elements. A number that is not known passes. */
export type CheckCount<K extends number> = CheckCountOf<K, "elements">;
/** The key of categories, or why it is none of an aggregation over `S` that answers `K`. */
export type CategoryKey<S extends string, K, E extends AnyExpr> = [K] extends [HasCategories]
  ? "it has its categories already: join two keys in one, as in concat(a, b)"
  : [SourceOf<E>] extends [`windows of ${string}`]
    ? "a category is a value of each row, and this is about windows"
    : [S] extends [never]
      ? CategoryType<E>
      : [SourceOf<E>] extends [S]
        ? CategoryType<E>
        : `this is about ${SourceOf<E>}, the aggregation about ${S}`;
type CategoryType<E extends AnyExpr> = [Extract<TypeOf<E>, Exclude<KeyType, "bytes">>] extends [
  never,
]
  ? `${Described<E>}, and its values are no categories: put numbers into ranges with binOf`
  : E;
/** The key of listed categories, or why it is none. */
export type MemberKey<S extends string, K, E extends AnyExpr> = [
  Extract<TypeOf<E>, "string">,
] extends [never]
  ? `${Described<E>}, and members are texts: name the values with caseWhen, or take by`
  : CategoryKey<S, K, E>;
/** Categories that are listed. */
export type Members = readonly [string, ...string[]];
/** Each category, or the sentence that refuses it. */
export type CheckMembers<M extends Members> = {
  [I in keyof M]: M[I] extends BadMemberName
    ? Invalid<`'${M[I]}' is no name of a member: use letters, digits, _ and -`>
    : M[I] extends { [J in keyof M]: J extends I ? never : M[J] }[number]
      ? Invalid<`'${M[I]}' is listed twice`>
      : M[I];
};
/** The values of an expression, without null. */
export type PresentValue<E extends AnyExpr> = NonNullable<ValueOf<E>>;
