/**
 * Computes the features of one entity from its rows, slowly and obviously: it goes through all rows
 * for each answer. It shares the aggregators, the scalar functions and the edges of windows with
 * the paths that serve, and nothing else: no join, no order of arrival, no state that is kept.
 */
import type { Overflows } from "../aggregate/aggregator.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import { compareValues } from "../columns/compare.ts";
import { vectorOf, type Vector } from "../columns/batch.ts";
import { MAX_ELEMENTS } from "../define/aggregation-kind.ts";
import { dataText } from "../define/data-text.ts";
import { boundExpression } from "../expr/bind.ts";
import type { AggregateColumn, DeriveNode, FactColumn } from "../plan/nodes.ts";
import { rowCondition } from "../plan/plan-kinds.ts";
import type { SourceSpec, Value, WindowSpec } from "../specs.ts";
import type { ResultColumns, Status } from "../spi.ts";
import { withDefault } from "../window/timed-rows.ts";
import { earliestStart, edgesOf, seriesEdgesOf } from "../window/window-edges.ts";
import { passing, valuesOf, type ValuesRow } from "./row-values.ts";

/** A row with its event time, µs. */
export interface TimedRow extends ValuesRow {
  readonly time: number;
}

/** A value of the node below the features, with its status and its time. */
export interface PlanValue {
  readonly value: Value;
  readonly status: Status;
  /** The event time of the newest row, µs; NaN: there is none. */
  readonly time: number;
}

/** The answers of a plan about one entity. */
export interface PlanValues {
  /** The aggregates, or the facts, by name. */
  readonly below: ReadonlyMap<string, PlanValue>;
  /** The features, in the order of the plan's columns. */
  readonly columns: readonly ResultColumns[];
}

/** Computes a plan over the rows of an entity that are there, in the order of rows (law 2). */
export function evaluatePlan(
  source: SourceSpec,
  { input, columns }: DeriveNode,
  rows: readonly TimedRow[],
  t: number,
): PlanValues {
  const counted = passing(source, rowCondition(input.input), rows);
  const below = new Map<string, PlanValue>();
  let found = NaN;
  if (input.node === "latest")
    for (const fact of input.facts)
      below.set(fact.name, factValue(source, fact, input.ttl, counted, t));
  else {
    const earliest = earliestStart(input.foundIn)(t);
    found = counted.filter(({ time }) => earliest <= time && time < t).at(-1)?.time ?? NaN;
    for (const aggregate of input.aggregates)
      below.set(aggregate.name, answered(aggregateValue(source, aggregate, counted, t), found));
  }
  const overflows: Overflows = { count: 0 };
  return {
    below,
    columns: columns.map((column): ResultColumns => {
      const { value: expression } = column;
      const { value, status, time } =
        expression.op === "column"
          ? below.get(expression.name)!
          : answered(
              boundExpression(
                expression,
                (name) => () => below.get(name)!.value,
                overflows,
                () => t,
              )(0),
              found,
            );
      return {
        values: [withDefault(column, value)],
        statuses: [status],
        times: Float64Array.of(time),
      };
    }),
  };
}

function answered(value: Value, time: number): PlanValue {
  return {
    value,
    status: Number.isNaN(time) ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT",
    time,
  };
}

/** The newest row with t − ttl ≤ s ≤ t (law 2). */
function factValue(
  source: SourceSpec,
  { value: expression, where }: FactColumn,
  ttl: number | null,
  rows: readonly TimedRow[],
  t: number,
): PlanValue {
  const newest = passing(source, where, rows)
    .filter(({ time }) => time <= t)
    .at(-1);
  if (newest === undefined) return { value: null, status: "NOT_FOUND", time: NaN };
  const { time } = newest;
  if (ttl !== null && time < t - ttl) return { value: null, status: "OUTSIDE_MAX_AGE", time };
  return answered(valuesOf(source, expression, [newest])[0]!, time);
}

/** The value of an aggregate over the rows of an entity. */
export function aggregateValue(
  source: SourceSpec,
  aggregate: AggregateColumn,
  rows: readonly TimedRow[],
  t: number,
): Value {
  const passed = passing(source, aggregate.where, rows);
  const { window } = aggregate;
  const answer = (start: number, end: number): Value => {
    const inside = between(passed, start, end);
    if (aggregate.by !== undefined) return categories(source, aggregate, inside, t);
    return answerOver(source, aggregate, newestOf(window, inside), t);
  };
  const series = seriesEdgesOf(window)?.(t);
  if (series !== undefined)
    return Array.from({ length: series.length - 1 }, (_, i) => answer(series[i]!, series[i + 1]!));
  const { start, end } = edgesOf(window);
  return answer(start(t), end(t));
}

/** `agg.by(k)[v]` is `agg.where(eq(k, v))`. A row without a key is in no category. */
function categories(
  source: SourceSpec,
  aggregate: AggregateColumn,
  rows: readonly TimedRow[],
  t: number,
): Value {
  const { key, each, default: replaced } = aggregate.by!;
  const keys = valuesOf(source, key, rows);
  const answer = (one: Value): Value => {
    const own = rows.filter((_, i) => dataText(keys[i]) === dataText(one));
    const value = answerOver(source, aggregate, newestOf(aggregate.window, own), t);
    return value === null && replaced !== undefined ? replaced.value : value;
  };
  if (each !== undefined) return each.map(answer);
  const counts = new Map<string, { readonly key: Value; rows: number }>();
  for (const one of keys) {
    if (one === null) continue;
    const category = counts.get(dataText(one)) ?? { key: one, rows: 0 };
    category.rows++;
    counts.set(dataText(one), category);
  }
  const inOrder = [...counts.values()].sort((a, b) => compareValues(key.type, a.key, b.key));
  const kept = inOrder.toSorted((a, b) => b.rows - a.rows).slice(0, MAX_ELEMENTS);
  return inOrder.filter((one) => kept.includes(one)).map((one) => [one.key, answer(one.key)]);
}

/** Adds all rows to a new state, and finishes it. */
function answerOver(
  source: SourceSpec,
  { aggregate, options = {}, arguments: inputs }: AggregateColumn,
  rows: readonly TimedRow[],
  t: number,
): Value {
  const { accumulator, times } = aggregatorNamed(aggregate);
  const { create, add, finish } = accumulator!(inputs, options);
  const vectors = inputs.map((input): Vector => {
    const values = valuesOf(source, input, rows);
    return vectorOf({ ...input, name: "", database: "" }, values, (value) => value);
  });
  if (times === true)
    vectors.push({
      kind: "float64",
      values: Float64Array.from(rows, ({ time }) => time),
      valid: null,
    });
  const state = create();
  add(
    state,
    vectors,
    Int32Array.from(rows, (_, i) => i),
    rows.length,
  );
  return finish(state, { count: 0 }, t);
}

/** The rows of [start, end), in their order. */
function between(rows: readonly TimedRow[], start: number, end: number): readonly TimedRow[] {
  return rows.filter(({ time }) => start <= time && time < end);
}

/** The rows that a window of the newest rows holds; of other windows all. */
export function newestOf<Row>(window: WindowSpec, rows: readonly Row[]): readonly Row[] {
  return typeof window === "object" && window.kind === "lastRows"
    ? rows.slice(-window.count)
    : rows;
}
