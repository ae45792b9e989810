/**
 * Implements the compute engine as the laws say it: every entity row looks at every event. The
 * engine is simple and slow, and shares no code with the kernels.
 */
import { valueAt, vectorOf } from "../../../packages/core/src/columns/batch.ts";
import type { Expression, Value } from "../../../packages/core/src/specs.ts";
import type {
  AggregateColumn,
  ComputeEngine,
  DeriveNode,
  Events,
  FactColumn,
  LatestNode,
  LookupNode,
  InputNode,
  WindowNode,
} from "../../../packages/core/src/spi.ts";
import { ENGINE_STATUSES } from "../../../packages/core/src/spi.ts";
import { columnsIn } from "../generate/expressions.ts";
import { aggregateRows, type Aggregated } from "./aggregate.ts";
import { byCategory } from "./categories.ts";
import { evaluate, truth } from "./condition.ts";
import { orderedAggregate } from "./ordered.ts";
import { compare } from "./values.ts";
import { newestIn, seriesAt, windowAt, type WindowAt } from "./windows.ts";

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
  readonly status: (typeof ENGINE_STATUSES)[number];
  readonly time: number;
}

/** Makes the naive compute engine. */
export function naiveEngine(): ComputeEngine {
  return {
    name: "naive engine",
    async compute({ plan, rows }, { events, signal }) {
      const all = await rowsOf(events(), signal);
      const answers = Array.from(rows.entity, (entity, i) =>
        answersOf(
          plan,
          all.filter((row) => row.entity === entity),
          rows.time[i]!,
        ),
      );
      return plan.columns.map(({ name, value }, c) => ({
        values: vectorOf({ ...value, name, database: name }, answers, (row) => row[c]!.value),
        statuses: Uint8Array.from(answers, (row) => ENGINE_STATUSES.indexOf(row[c]!.status)),
        times: Float64Array.from(answers, (row) => row[c]!.time),
      }));
    },
  };
}

/** Answers all columns of a plan for one entity, whose rows these are, at one time. */
function answersOf({ input, columns }: DeriveNode, all: readonly EngineRow[], t: number) {
  const { input: source } = input;
  const scan = scanBelow(source.node === "filter" ? source.input : source);
  const rows =
    source.node === "filter" ? all.filter((row) => passes(source.condition, scan, row)) : all;
  const below =
    input.node === "window"
      ? input.aggregates.map((one) => [one.name, windowAnswer(input, scan, one, rows, t)] as const)
      : input.facts.map((one) => [one.name, latestAnswer(input, scan, one, rows, t)] as const);
  const names = { columns: below.map(([name]) => ({ name })) };
  const values = below.map(([, { value }]) => value);
  return columns.map((column): Answer => {
    const value = evaluate(column.value, names, values, t);
    const read = below.filter(([name]) => columnsIn(column.value).includes(name));
    const [, first] = read[0] ?? below[0]!;
    const status =
      read.length === 1 && column.value.op === "column"
        ? first.status
        : first.status === "NOT_FOUND"
          ? "NOT_FOUND"
          : value === null
            ? "NULL_VALUE"
            : "PRESENT";
    const filled = value === null && column.default !== undefined ? column.default : value;
    return { value: filled === 0 ? 0 : filled, status, time: first.time };
  });
}

/** The rows below, with the columns that the events were given by lookups behind its own. */
function scanBelow(node: InputNode | LookupNode): InputNode {
  if (node.node !== "lookup") return node;
  const below = scanBelow(node.input);
  const added = node.columns.map(({ name, value }) => ({ ...value, name, database: "" }));
  return { ...below, columns: [...below.columns, ...added] };
}

/**
 * Answers an aggregate (law 1: t − w ≤ event time < t) from versions seen at t (law 6: known from <
 * t ≤ known to).
 */
function windowAnswer(
  node: WindowNode,
  scan: InputNode,
  aggregate: AggregateColumn,
  rows: readonly EngineRow[],
  t: number,
): Answer {
  const { aggregate: name, options, arguments: arguments_, window } = aggregate;
  const between = (begin: number, end: number): EngineRow[] =>
    rows.filter(({ time, from, to }) => begin <= time && time < end && from < t && t <= to);
  const over = (column: AggregateColumn, at: WindowAt): Value => {
    const counted = between(at.from, at.to).filter((row) => passes(column.where, scan, row));
    if (column.by !== undefined) {
      const { by } = column;
      const keys = counted.map((row) => evaluate(by.key, scan, row.values));
      const answerOf = (where: Expression): Aggregated => ({
        value: over({ ...column, by: undefined, where }, at),
        overflow: false,
      });
      return byCategory(by, column.where, keys, answerOf, null).value;
    }
    const inOrder = newestIn(
      window,
      counted.toSorted((a, b) => newer(scan, a, b)),
    );
    const ordered = inOrder.map((row) => ({
      time: row.time,
      values: arguments_.map((one) => evaluate(one, scan, row.values)),
    }));
    const { value } =
      orderedAggregate({ aggregate: name, options, arguments: arguments_ }, ordered, t, null) ??
      aggregateRows(
        name,
        arguments_,
        ordered.map(({ values }) => values),
        null,
        options,
      );
    return value === 0 ? 0 : value;
  };
  const value =
    seriesAt(window, t)?.map((at) => over(aggregate, at)) ?? over(aggregate, windowAt(window, t));
  const longest = between(Math.min(...node.foundIn.map((one) => windowAt(one, t).from)), t);
  if (longest.length === 0) return { value, status: "NOT_FOUND", time: NaN };
  return {
    value,
    status: value === null ? "NULL_VALUE" : "PRESENT",
    time: Math.max(...longest.map(({ time }) => time)),
  };
}

/** Answers a fact (law 2: the newest s ≤ t, while t − ttl ≤ s). */
function latestAnswer(
  node: LatestNode,
  scan: InputNode,
  fact: FactColumn,
  rows: readonly EngineRow[],
  t: number,
): Answer {
  const newest = rows
    .filter((row) => row.time <= t && row.from < t && t <= row.to && passes(fact.where, scan, row))
    .sort((a, b) => newer(scan, a, b))
    .at(-1);
  if (newest === undefined) return { value: null, status: "NOT_FOUND", time: NaN };
  if (node.ttl !== null && newest.time < t - node.ttl)
    return { value: null, status: "OUTSIDE_MAX_AGE", time: newest.time };
  const value = evaluate(fact.value, scan, newest.values);
  return { value, status: value === null ? "NULL_VALUE" : "PRESENT", time: newest.time };
}

/** Orders rows by time, then by the columns of their order that the plan has. */
function newer(scan: InputNode, a: EngineRow, b: EngineRow): number {
  if (a.time !== b.time) return a.time - b.time;
  const { createdAt, primaryKey } = scan;
  for (const name of [...(createdAt === null ? [] : [createdAt]), ...primaryKey]) {
    const column = scan.columns.findIndex((one) => one.name === name);
    if (column < 0) continue;
    const [left, right] = [a.values[column]!, b.values[column]!];
    if (left === null || right === null) {
      if (left !== right) return left === null ? -1 : 1;
      continue;
    }
    const order = compare(scan.columns[column]!.type, left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function passes(where: Expression | null, scan: InputNode, row: EngineRow): boolean {
  return where === null || truth(where, scan, row.values) === true;
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
