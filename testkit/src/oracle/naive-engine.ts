/**
 * Implements the compute engine as the laws say it: every entity row looks at every event. The
 * engine is simple and slow, and shares no code with the kernels.
 */
import { valueAt } from "../../../packages/core/src/columns/batch.ts";
import type { FeatureSpec, SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type {
  AggregatePlan,
  ResultColumns,
  ComputeEngine,
  Events,
  JoinPlan,
  Status,
} from "../../../packages/core/src/spi.ts";
import { aggregate } from "./aggregate.ts";
import { truth } from "./condition.ts";
import { compare } from "./values.ts";

/** One event row, its values by the plan's columns. */
export interface EngineRow {
  readonly entity: number;
  readonly time: number;
  readonly from: number;
  readonly to: number;
  readonly values: readonly Value[];
}

interface Answer {
  readonly value: Value;
  readonly status: Status;
  readonly time: number;
}

/** Makes the naive compute engine. */
export function naiveEngine(): ComputeEngine {
  return {
    name: "naive engine",
    async aggregate(plan, events, rows, { signal } = {}) {
      const all = await rowsOf(events, signal);
      return answersOf(plan.features, rows.entity, rows.time, (feature, entity, t) =>
        windowAnswer(
          plan,
          feature,
          all.filter((row) => row.entity === entity),
          t,
        ),
      );
    },
    async joinAsOf(plan, events, rows, { signal } = {}) {
      const all = await rowsOf(events, signal);
      return answersOf(plan.features, rows.entity, rows.time, (feature, entity, t) =>
        latestAnswer(
          plan,
          feature,
          all.filter((row) => row.entity === entity),
          t,
        ),
      );
    },
  };
}

function answersOf(
  features: readonly FeatureSpec[],
  entities: Int32Array,
  times: Float64Array,
  answer: (feature: FeatureSpec, entity: number, t: number) => Answer,
): ResultColumns[] {
  return features.map((feature) => {
    const answers = Array.from(entities, (entity, i) => answer(feature, entity, times[i]!));
    const values = answers.map(({ value }) =>
      value === null && feature.default !== undefined ? feature.default : value === 0 ? 0 : value,
    );
    return {
      values,
      statuses: answers.map(({ status }) => status),
      times: Float64Array.from(answers, ({ time }) => time),
    };
  });
}

/**
 * Answers a window feature (law 1: t − w ≤ event time < t) from versions seen at t (law 6: known
 * from < t ≤ known to).
 */
function windowAnswer(
  plan: AggregatePlan,
  feature: FeatureSpec,
  rows: readonly EngineRow[],
  t: number,
): Answer {
  const source = { ...plan.source, columns: plan.columns };
  const around = (length: number): EngineRow[] =>
    rows.filter(({ time, from, to }) => t - length <= time && time < t && from < t && t <= to);
  const column = plan.columns.find(({ name }) => name === feature.column) ?? null;
  const counted = around(feature.window!).filter((row) => passes(feature, source, row));
  const { value } = aggregate(
    feature.aggregate,
    column,
    counted.map((row) => (column === null ? null : row.values[plan.columns.indexOf(column)]!)),
    null,
  );
  const longest = around(plan.longestWindow);
  if (longest.length === 0) return { value, status: "NOT_FOUND", time: NaN };
  return {
    value,
    status: value === null ? "NULL_VALUE" : "PRESENT",
    time: Math.max(...longest.map(({ time }) => time)),
  };
}

/** Answers a latest feature (law 2: the newest s ≤ t, while t − ttl ≤ s). */
function latestAnswer(
  plan: JoinPlan,
  feature: FeatureSpec,
  rows: readonly EngineRow[],
  t: number,
): Answer {
  const source = { ...plan.source, columns: plan.columns };
  const newest = rows
    .filter((row) => row.time <= t && row.from < t && t <= row.to && passes(feature, source, row))
    .sort((a, b) => newer(plan, a, b))
    .at(-1);
  if (newest === undefined) return { value: null, status: "NOT_FOUND", time: NaN };
  if (plan.ttl !== null && newest.time < t - plan.ttl)
    return { value: null, status: "OUTSIDE_MAX_AGE", time: newest.time };
  const value = newest.values[plan.columns.findIndex(({ name }) => name === feature.column)]!;
  return { value, status: value === null ? "NULL_VALUE" : "PRESENT", time: newest.time };
}

function newer(plan: JoinPlan, a: EngineRow, b: EngineRow): number {
  if (a.time !== b.time) return a.time - b.time;
  const { createdAt, primaryKey } = plan.source;
  for (const name of [...(createdAt === null ? [] : [createdAt]), ...primaryKey]) {
    const column = plan.columns.findIndex((one) => one.name === name);
    const [left, right] = [a.values[column]!, b.values[column]!];
    if (left === null || right === null) {
      if (left !== right) return left === null ? -1 : 1;
      continue;
    }
    const order = compare(plan.columns[column]!.type, left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function passes(feature: FeatureSpec, source: SourceSpec, row: EngineRow): boolean {
  return feature.where === null || truth(feature.where, source, row.values) === true;
}

async function rowsOf(
  events: AsyncIterable<Events>,
  signal: AbortSignal | undefined,
): Promise<EngineRow[]> {
  const rows: EngineRow[] = [];
  signal?.throwIfAborted();
  for await (const { length, entity, time, from, to, columns } of events) {
    signal?.throwIfAborted();
    for (let i = 0; i < length; i++) {
      rows.push({
        entity: entity[i]!,
        time: time[i]!,
        from: from[i]!,
        to: to[i]!,
        values: columns.vectors.map((vector) => valueAt(vector, i)),
      });
    }
  }
  return rows;
}
