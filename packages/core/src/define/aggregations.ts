/** The aggregations of a view: over windows of rows, or the value of the latest row. */
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
 * The part of an aggregation that type constraints look at.
 * `S` is its source (never: any source), `V` its values, `Is` its kind.
 * `Suffix` is added to the feature's name (never: no window yet).
 * The type has no methods, because a conditional method would make aggregations incomparable.
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
/** An aggregation of any source and value. */
export type AnyAggregation = Computed<string, unknown, string, "window" | "latest">;

type CheckSource<S extends string, C extends string> = [S] extends [never]
  ? Condition<C>
  : [C] extends [S]
    ? Condition<C>
    : `this is about ${C}, the aggregation about ${S}`;

/** An aggregation without a window. */
export interface Aggregation<S extends string, V> extends Computed<S, V, never, "window"> {
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): Aggregation<S | C, V>;
  /** Sets one window, `[t − length, t)`. The feature keeps its name. */
  over<const W extends string>(window: CheckDuration<W>): WindowAggregation<S, V, "">;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): WindowAggregation<S, V, `_${W[number]}`>;
}
/** An aggregation with its window. */
export interface WindowAggregation<S extends string, V, Suffix extends string> extends Computed<
  S,
  V,
  Suffix,
  "window"
> {
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): WindowAggregation<S | C, V, Suffix>;
}
/** An aggregation that is null over an empty window, until it has a default. */
export interface NullableAggregation<S extends string, V> extends Computed<
  S,
  V | null,
  never,
  "window"
> {
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(condition: CheckSource<S, C>): NullableAggregation<S | C, V>;
  /** Sets one window, `[t − length, t)`. The feature keeps its name. */
  over<const W extends string>(window: CheckDuration<W>): NullableWindowAggregation<S, V, "">;
  /** Makes one feature for each window, named `<name>_<window>`. */
  overEach<const W extends Durations>(
    ...windows: CheckDurations<W>
  ): NullableWindowAggregation<S, V, `_${W[number]}`>;
  /** Sets the value that replaces null. */
  default(value: V): Aggregation<S, V>;
}
/** An aggregation with its window, null over an empty window until it has a default. */
export interface NullableWindowAggregation<
  S extends string,
  V,
  Suffix extends string,
> extends Computed<S, V | null, Suffix, "window"> {
  /** Keeps only the rows for which the condition is true. */
  where<C extends string>(
    condition: CheckSource<S, C>,
  ): NullableWindowAggregation<S | C, V, Suffix>;
  /** Sets the value that replaces null. */
  default(value: V): WindowAggregation<S, V, Suffix>;
}
/** The value of an entity's newest row; null without a row within the view's `ttl`. */
export interface Latest<S extends string, V> extends Computed<S, V | null, "", "latest"> {
  /** Sets the value that replaces null. */
  default(value: V): Computed<S, V, "", "latest">;
}

// A column whose type is one of several (definitions made from data) passes here. The call checks
// it.
type Numeric<C extends AnyColumn> = [Extract<C["type"], NumericType>] extends [never]
  ? `${C["name"]} is a ${C["type"]} column: this aggregation takes int32, int64, float64 or decimal`
  : C;
type Ordered<C extends AnyColumn> = [Extract<C["type"], OrderedType>] extends [never]
  ? `${C["name"]} is a ${C["type"]} column, and its values have no order`
  : C;
type ValueOf<C extends AnyColumn> = NonNullable<C[typeof shape]>;
/** Integers sum to bigint, whatever the column's mode (law 3: integers sum to int64). */
type SumOf<K> = K extends "int32" | "int64"
  ? bigint
  : K extends "decimal"
    ? string
    : K extends "float64"
      ? number
      : never;

/**
 * Counts rows; with a column, the rows in which it is not null. Never null.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 *
 * @example
 * const transactions_l1w = count().over("7d");
 */
export function count<S extends string = never>(
  column?: Column<S, string, AnyColumn["type"], unknown>,
): Aggregation<S, number> {
  return aggregation("count", column);
}
/**
 * Counts the different values of a column, without nulls. Never null (law 3: 1.0 equals 1.00).
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const vendors_l1w = countDistinct(transactions.vendor).over("7d");
 */
export function countDistinct<C extends AnyColumn>(
  column: Ordered<C>,
): Aggregation<C["source"], number> {
  return aggregation("countDistinct", column);
}
/**
 * Sums a column, exactly and rounded once; 0 over an empty window.
 * A sum of integers is a bigint. A sum of decimals is a string of at most 38 digits at the column's
 * scale.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_l1w = sum(transactions.amount).over("7d");
 */
export function sum<C extends AnyColumn>(
  column: Numeric<C>,
): Aggregation<C["source"], SumOf<C["type"]>> {
  return aggregation("sum", column);
}
/**
 * Averages a column as a double; null over an empty window.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const mean_amount_l1w = avg(transactions.amount).over("7d");
 */
export function avg<C extends AnyColumn>(
  column: Numeric<C>,
): NullableAggregation<C["source"], number> {
  return aggregation("avg", column);
}
/**
 * Takes the smallest value of a column; null over an empty window. Strings order by code point.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const least_amount_l1w = min(transactions.amount).over("7d");
 */
export function min<C extends AnyColumn>(
  column: Ordered<C>,
): NullableAggregation<C["source"], ValueOf<C>> {
  return aggregation("min", column);
}
/**
 * Takes the largest value of a column; null over an empty window. Strings order by code point.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const largest_amount_l1w = max(transactions.amount).over("7d");
 */
export function max<C extends AnyColumn>(
  column: Ordered<C>,
): NullableAggregation<C["source"], ValueOf<C>> {
  return aggregation("max", column);
}
/**
 * Takes a column of the entity's newest row, null included.
 * It has no window: the view's `ttl` says how long a row holds.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 *
 * @example
 * const city = latest(customers.city).default("unknown");
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
      `${aggregate}(): it takes a column of a source, as in ${aggregate}(transactions.amount), ` +
        `got ${described(column)}`,
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
      `${who}: ${name} is a ${type} column; this aggregation takes int32, int64, ` +
        "float64 or decimal",
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
      `${who}.where(): it takes a condition such as eq(transactions.vendor, "Hospital"), ` +
        `got ${described(condition)}; a closure cannot be stored or run elsewhere`,
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
      `${who}.where(): the condition is about source "${found.source}", ` +
        `the aggregation about "${state.source}"; a feature reads one source`,
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
