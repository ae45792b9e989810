/**
 * A slow and obvious twin of both paths. It goes through all rows for each answer. It shares with
 * them the aggregators, the scalar functions and the edges of windows, and nothing else: no store,
 * no join, no order of arrival, no state that is kept.
 */
import type { Overflows } from "../../aggregate/aggregator.ts";
import { MAX_ELEMENTS } from "../../define/aggregation-kind.ts";
import { aggregatorNamed } from "../../aggregate/registry.ts";
import { compareValues } from "../../columns/compare.ts";
import { vectorOf, type Vector } from "../../columns/batch.ts";
import { dataText } from "../../define/data-text.ts";
import { boundExpression } from "../../expr/bind.ts";
import { viewPlans } from "../../plan/compile.ts";
import type { AggregateColumn, DeriveNode, FactColumn } from "../../plan/nodes.ts";
import { rowCondition } from "../../plan/plan-kinds.ts";
import {
  singleValues,
  withDerivedFeatures,
  type BaseQuestion,
} from "../../request/derived-answers.ts";
import type { SourceSpec, Value, WindowSpec } from "../../specs.ts";
import type { ResultColumns, Status } from "../../spi.ts";
import { edgesOf, earliestStart, seriesEdgesOf } from "../../window/window-edges.ts";
import { withDefault } from "../../window/timed-rows.ts";
import type { KnownRow } from "./known-rows.ts";
import { viewRows } from "./view-rows.ts";
import type { MockRowChange } from "./mock-log.ts";
import type { MockAsked } from "./mock-paths.ts";
import { passing, valuesOf } from "./row-values.ts";

interface NaiveQuestion extends Omit<MockAsked, "keys"> {
  readonly keys: readonly MockAsked["keys"][];
}

/** Answers a question from all changes. `changesOf` returns those of a source. */
export async function naiveAnswers(
  { keys, ...asked }: MockAsked,
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): Promise<readonly ResultColumns[]> {
  const read = withDerivedFeatures<NaiveQuestion, ResultColumns>(
    singleValues,
    async (question) => baseAnswers(question, changesOf),
    undefined,
  );
  return read({ ...asked, keys: [keys] });
}

function baseAnswers(
  question: BaseQuestion<NaiveQuestion>,
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): readonly ResultColumns[] {
  const answers = new Array<ResultColumns>(question.selection.length);
  for (const { view, plan, indexes } of viewPlans(question.selection)) {
    const asked = { ...question, keys: question.keys[0]! };
    const { source, rows } = viewRows(view, asked, changesOf);
    const computed = planAnswers(
      source,
      plan,
      rows.filter(({ removed }) => removed === null),
      question.t,
    );
    indexes.forEach((index, column) => {
      answers[index] = computed[column]!;
    });
  }
  return answers;
}

/** A value of the node below the features, with its status and its time. */
interface NaiveValue {
  readonly value: Value;
  readonly status: Status;
  readonly time: number;
}

function planAnswers(
  source: SourceSpec,
  plan: DeriveNode,
  all: readonly KnownRow[],
  t: number,
): readonly ResultColumns[] {
  const { input } = plan;
  const counted = passing(source, rowCondition(input.input), all);
  const below = new Map<string, NaiveValue>();
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
  return plan.columns.map((column): ResultColumns => {
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
  });
}

function answered(value: Value, time: number): NaiveValue {
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
  rows: readonly KnownRow[],
  t: number,
): NaiveValue {
  const newest = passing(source, where, rows)
    .filter(({ time }) => time <= t)
    .at(-1);
  if (newest === undefined) return { value: null, status: "NOT_FOUND", time: NaN };
  const { time } = newest;
  if (ttl !== null && time < t - ttl) return { value: null, status: "OUTSIDE_MAX_AGE", time };
  return answered(valuesOf(source, expression, [newest])[0]!, time);
}

function aggregateValue(
  source: SourceSpec,
  aggregate: AggregateColumn,
  rows: readonly KnownRow[],
  t: number,
): Value {
  const passed = passing(source, aggregate.where, rows);
  const { window } = aggregate;
  const series = seriesEdgesOf(window)?.(t);
  if (series !== undefined)
    return Array.from({ length: series.length - 1 }, (_, i) =>
      answerOver(source, aggregate, between(passed, series[i]!, series[i + 1]!), t),
    );
  const { start, end } = edgesOf(window);
  const inside = between(passed, start(t), end(t));
  if (aggregate.by !== undefined) return categories(source, aggregate, inside, t);
  return answerOver(source, aggregate, newestOf(window, inside), t);
}

/** `agg.by(k)[v]` is `agg.where(eq(k, v))`. A row without a key is in no category. */
function categories(
  source: SourceSpec,
  aggregate: AggregateColumn,
  rows: readonly KnownRow[],
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
  rows: readonly KnownRow[],
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
function between(rows: readonly KnownRow[], start: number, end: number): readonly KnownRow[] {
  return rows.filter(({ time }) => start <= time && time < end);
}

/** The rows that a window of the newest rows holds; of other windows all. */
export function newestOf(window: WindowSpec, rows: readonly KnownRow[]): readonly KnownRow[] {
  return typeof window === "object" && window.kind === "lastRows"
    ? rows.slice(-window.count)
    : rows;
}
