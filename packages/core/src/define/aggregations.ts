/** What a view computes: an aggregation over windows of rows, or the latest row's value. */
import { TidemarkError } from "../errors.ts";
import type { AggregateName, ColumnSpec } from "../specs.ts";
import type { AnyColumn, Column, NumericType, OrderedType } from "./column-types.ts";
import {
  aggregationTitle,
  definitionOfKind,
  described,
  makeDefinition,
  type AggregationState,
} from "./definition.ts";
import {
  durationMicros,
  type CheckDuration,
  type CheckDurations,
  type Durations,
} from "./duration.ts";
import type { Condition } from "./expressions.ts";
import { resultColumnOf } from "./result.ts";
import type { shape } from "./shape.ts";
import { fromUser } from "./user-values.ts";

/**
 * The part of an aggregation that constraints look at: from source `S` (never: from any), values
 * `V`, under the feature's name plus `Suffix` (never: no window yet), a window or a fact. It has no
 * methods, because a conditional method would make aggregations incomparable.
 */
export interface Computed<
  out S extends string,
  out V,
  out Suffix extends string,
  out Is extends "window" | "latest",
> {
  readonly [shape]: {
    readonly source: S;
    readonly value: V;
    readonly suffix: Suffix;
    readonly kind: Is;
  };
}
export type AnyAggregation = Computed<string, unknown, string, "window" | "latest">;

type CheckSource<S extends string, C extends string> = [S] extends [never]
  ? Condition<C>
  : [C] extends [S]
    ? Condition<C>
    : `this is about ${C}, the aggregation about ${S}`;

/** An aggregation that has no window yet. */
export interface Aggregation<S extends string, V> extends Computed<S, V, never, "window"> {
  /** Only rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): Aggregation<S | C, V>;
  /** One window, `[t − length, t)`: the feature keeps its name. */
  over<const W extends string>(window: CheckDuration<W>): WindowAggregation<S, V, "">;
  /** A feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): WindowAggregation<S, V, `_${W[number]}`>;
}
export interface WindowAggregation<S extends string, V, Suffix extends string> extends Computed<
  S,
  V,
  Suffix,
  "window"
> {
  /** Only rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): WindowAggregation<S | C, V, Suffix>;
}
/** An aggregation that is null where the window holds nothing, until it has a default. */
export interface NullableAggregation<S extends string, V> extends Computed<
  S,
  V | null,
  never,
  "window"
> {
  /** Only rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): NullableAggregation<S | C, V>;
  /** One window, `[t − length, t)`: the feature keeps its name. */
  over<const W extends string>(window: CheckDuration<W>): NullableWindowAggregation<S, V, "">;
  /** A feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): NullableWindowAggregation<S, V, `_${W[number]}`>;
  /** What replaces null. */
  default(value: V): Aggregation<S, V>;
}
export interface NullableWindowAggregation<
  S extends string,
  V,
  Suffix extends string,
> extends Computed<S, V | null, Suffix, "window"> {
  /** Only rows for which the condition is true. */
  where<C extends string>(
    condition: CheckSource<S, C>,
  ): NullableWindowAggregation<S | C, V, Suffix>;
  /** What replaces null. */
  default(value: V): WindowAggregation<S, V, Suffix>;
}
/**
 * The value of an entity's newest row; null where there is none, or none within the view's `ttl`.
 */
export interface Latest<S extends string, V> extends Computed<S, V | null, "", "latest"> {
  /** What replaces null. */
  default(value: V): Computed<S, V, "", "latest">;
}

// Columns whose kind is known to be one of several (definitions made from data) pass here and are
// checked when they run.
type Numeric<C extends AnyColumn> = [Extract<C["type"], NumericType>] extends [never]
  ? `${C["name"]} is a ${C["type"]} column: this aggregation takes int32, int64, float64 or decimal`
  : C;
type Ordered<C extends AnyColumn> = [Extract<C["type"], OrderedType>] extends [never]
  ? `${C["name"]} is a ${C["type"]} column, and its values have no order`
  : C;
type ValueOf<C extends AnyColumn> = NonNullable<C[typeof shape]>;
/** Integers sum to bigint, whatever the column's mode (law 3). */
type SumOf<K> = K extends "int32" | "int64"
  ? bigint
  : K extends "decimal"
    ? string
    : K extends "float64"
      ? number
      : never;

/** How many rows; with a column, how many in which it is not null. Never null. */
export function count<S extends string = never>(
  column?: Column<S, string, AnyColumn["type"], unknown>,
): Aggregation<S, number> {
  return aggregation("count", column);
}
/** How many different values, nulls aside; 1.0 equals 1.00 (law 3). Never null. */
export function countDistinct<C extends AnyColumn>(
  column: Ordered<C>,
): Aggregation<C["source"], number> {
  return aggregation("countDistinct", column);
}
/**
 * The sum, exact and rounded once; 0 over nothing. A bigint for integers, a string of 38 digits at
 * the column's scale for decimals.
 */
export function sum<C extends AnyColumn>(
  column: Numeric<C>,
): Aggregation<C["source"], SumOf<C["type"]>> {
  return aggregation("sum", column);
}
/** The mean as a double; null over nothing. */
export function avg<C extends AnyColumn>(
  column: Numeric<C>,
): NullableAggregation<C["source"], number> {
  return aggregation("avg", column);
}
/** The least value; null over nothing. Strings order by code point. */
export function min<C extends AnyColumn>(
  column: Ordered<C>,
): NullableAggregation<C["source"], ValueOf<C>> {
  return aggregation("min", column);
}
/** The greatest value; null over nothing. Strings order by code point. */
export function max<C extends AnyColumn>(
  column: Ordered<C>,
): NullableAggregation<C["source"], ValueOf<C>> {
  return aggregation("max", column);
}
/**
 * The column of the entity's newest row, null included. It takes no window: the view's `ttl` says
 * how long a row holds.
 */
export function latest<C extends AnyColumn>(column: C): Latest<C["source"], ValueOf<C>> {
  return aggregation("latest", column);
}

function aggregation<T>(aggregate: AggregateName, column: unknown): T {
  if (column === undefined && aggregate === "count")
    return makeAggregation({
      aggregate,
      source: null,
      column: null,
      where: null,
      conditionColumns: [],
      windows: [],
      suffixed: false,
      default: undefined,
    });
  const found = definitionOfKind(column, "column");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${aggregate}(): it takes a column of a source, as in ` +
        `${aggregate}(transactions.amount), got ${described(column)}`,
    );
  checkType(aggregate, found.source, found.spec);
  return makeAggregation({
    aggregate,
    source: found.source,
    column: found.spec,
    where: null,
    conditionColumns: [],
    windows: [],
    suffixed: false,
    default: undefined,
  });
}

function checkType(aggregate: AggregateName, source: string, { name, type }: ColumnSpec): void {
  const who = `${aggregate}(${source}.${name})`;
  if (
    (aggregate === "sum" || aggregate === "avg") &&
    type !== "int32" &&
    type !== "int64" &&
    type !== "float64" &&
    type !== "decimal"
  ) {
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${who}: ${name} is a ${type} column; this aggregation takes int32, int64, float64 or ` +
        "decimal",
    );
  }
  if (
    (aggregate === "min" || aggregate === "max" || aggregate === "countDistinct") &&
    type === "json"
  ) {
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${who}: ${name} is a json column, and its values have no order`,
    );
  }
}

function makeAggregation<T>(state: AggregationState): T {
  const who = aggregationTitle(state);
  const over = (suffixed: boolean, texts: readonly unknown[]): unknown => {
    if (state.aggregate === "latest")
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: it takes no window; bound it with the view's ttl`,
      );
    if (state.windows.length > 0)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: it has its window already; list several in one overEach("1h", "1d")`,
      );
    if (texts.length === 0)
      throw new TidemarkError(
        "DURATION_INVALID",
        `${who}: say which windows, as in .overEach("1h", "1d")`,
      );
    const windows = texts.map((text) => ({
      text: text as string,
      micros: durationMicros(who, text),
    }));
    const twice = texts.find((text, i) => texts.indexOf(text) < i);
    if (twice !== undefined)
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: "${String(twice)}" is listed twice in overEach; drop one`,
      );
    return makeAggregation({ ...state, windows, suffixed });
  };
  return makeDefinition({ kind: "aggregation", ...state }, who, {
    over: (window: unknown) => over(false, [window]),
    overEach: (...windows: unknown[]) => over(true, windows),
    where: (condition: unknown) => withCondition(state, who, condition),
    default: (value: unknown) => withDefault(state, who, value),
  });
}

function withCondition(state: AggregationState, who: string, condition: unknown): unknown {
  const found = definitionOfKind(condition, "condition");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}.where(): it takes a condition such as eq(transactions.vendor, "Hospital"), got ` +
        `${described(condition)}; a closure cannot be stored or run elsewhere`,
    );
  if (state.aggregate === "latest")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the latest row is the newest one, whatever is in it; it takes no condition`,
    );
  if (state.where !== null)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it has its condition already; join them with and(...)`,
    );
  if (state.source !== null && found.source !== state.source) {
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}.where(): the condition is about source "${found.source}", the aggregation about ` +
        `"${state.source}"; a feature reads one source`,
    );
  }
  return makeAggregation({
    ...state,
    source: found.source,
    where: found.expression,
    conditionColumns: found.columns,
  });
}

function withDefault(state: AggregationState, who: string, value: unknown): unknown {
  if (
    state.aggregate === "count" ||
    state.aggregate === "countDistinct" ||
    state.aggregate === "sum"
  ) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it is never null, so it takes no default`,
    );
  }
  return makeAggregation({
    ...state,
    default: fromUser(value, { ...resultColumnOf(state, ""), nullable: false }, `${who}.default()`),
  });
}
