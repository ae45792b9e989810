/** Computes the partial states of an entity log: of rows, and of states. */
import type { Accumulator } from "../../aggregate/aggregator.ts";
import { inputsOf } from "../../aggregate/categories.ts";
import { aggregatorNamed } from "../../aggregate/registry.ts";
import { batchOf, type Batch } from "../../columns/batch.ts";
import { sortTies, tieColumns, tieOrder, type Ties } from "../../columns/row-order.ts";
import { columnsOfExpression } from "../../expr/tree.ts";
import { bindFilters, expressionVector } from "../../expr/bind.ts";
import { planOf } from "../../plan/compile.ts";
import { inputOf, isWindowPlan } from "../../plan/plan-kinds.ts";
import { readsAlike } from "../../rows/definition-differences.ts";
import type { ColumnSpec, Expression, ViewSpec } from "../../specs.ts";
import {
  decodeNewest,
  encodeNewest,
  partialsOf,
  type NewestSpec,
  type PartialSpec,
} from "../../window/partial-specs.ts";
import type { EntityLogFormat, EntityLogRow } from "../entity-log-cells.ts";

/** A larger state is not kept: to read it would cost as much as to read rows. */
const MOST_STATE_BYTES = 4096;

/** The partial states that a writer keeps of an entity log. */
export interface PartialStates {
  readonly names: readonly string[];
  /** The states over rows that are sorted by time, in the order of the names. */
  ofRows(rows: readonly EntityLogRow[]): readonly (Uint8Array | null)[];
  /** The state `n` over the rows below states that follow each other in time. */
  ofStates(n: number, states: readonly (Uint8Array | null)[]): Uint8Array | null;
}

export const NO_PARTIAL_STATES: PartialStates = {
  names: [],
  ofRows: () => [],
  ofStates: () => null,
};

interface PartialKind {
  readonly name: string;
  ofRows(rows: TimedBatch): Uint8Array | null;
  merged(states: readonly Uint8Array[]): Uint8Array;
}

interface TimedBatch {
  readonly batch: Batch;
  readonly time: Float64Array;
  /** Space for one index for each row. */
  readonly chosen: Int32Array;
}

/**
 * The partial states that windows of these views use. All views read the entity log. A state whose
 * columns the log does not hold is left out.
 */
export function partialStatesOf(
  format: EntityLogFormat,
  ties: Ties,
  views: readonly ViewSpec[],
): PartialStates {
  if (format.orderIndex === undefined) return NO_PARTIAL_STATES;
  const kinds = new Map<string, PartialKind>();
  for (const view of views) {
    const plan = planOf(view, view.features);
    if (!isWindowPlan(plan)) continue;
    const found = partialsOf(plan);
    if (found === null) continue;
    const { columns } = inputOf(plan.input.input);
    const isHeld = holdsColumns(format.columns, columns);
    for (const spec of found.byAggregate.values())
      if (
        isHeld([...inputsOf(spec.aggregate), spec.condition, spec.where], spec.order ? ties : null)
      )
        kinds.set(spec.name, stateKind(spec, ties));
    if (found.newest !== null && isHeld([found.newest.condition], null))
      kinds.set(found.newest.name, newestKind(found.newest));
  }
  if (kinds.size === 0) return NO_PARTIAL_STATES;
  const list = [...kinds.values()];
  return {
    names: list.map(({ name }) => name),
    ofRows(rows) {
      const batch = batchOf(format.columns, rows);
      const time = Float64Array.from(rows, (row) => row[format.timeIndex] as number);
      const timed = { batch, time, chosen: new Int32Array(rows.length) };
      return list.map((kind) => keptState(kind.ofRows(timed)));
    },
    ofStates(n, states) {
      if (states.includes(null)) return null;
      return keptState(list[n]!.merged(states as readonly Uint8Array[]));
    },
  };
}

function keptState(state: Uint8Array | null): Uint8Array | null {
  return state === null || state.length > MOST_STATE_BYTES ? null : state;
}

/** Says whether the log holds what expressions of rows read, as the plan reads it. */
function holdsColumns(
  held: readonly ColumnSpec[],
  columns: readonly ColumnSpec[],
): (expressions: readonly (Expression | null)[], ties: Ties | null) => boolean {
  const names = new Set(
    columns.filter((column) => held.some((one) => readsAlike(one, column))).map(({ name }) => name),
  );
  return (expressions, ties) =>
    expressions.every(
      (one) => one === null || columnsOfExpression(one).every((name) => names.has(name)),
    ) &&
    (ties === null ||
      tieColumns(ties).every((name) => held.some((column) => column.name === name)));
}

function stateKind(
  { name, aggregate, accumulator, condition, where, order }: PartialSpec,
  ties: Ties,
): PartialKind {
  const inputs = inputsOf(aggregate);
  const { times = false } = aggregatorNamed(aggregate.aggregate);
  return {
    name,
    ofRows(rows) {
      const { batch, time, chosen } = rows;
      const overflows = { count: 0, truncated: 0 };
      const vectors = inputs.map((input) => expressionVector(input, batch, overflows));
      if (times) vectors.push({ kind: "float64", values: time, valid: null });
      const length = chooseRows(rows, bindFilters(condition, where, batch, overflows));
      if (order) sortTies(chosen, length, time, tieOrder(ties, batch));
      const state = accumulator.create();
      accumulator.add(state, vectors, chosen, length);
      // who answers counts what leaves its type, so such rows are read each time
      return overflows.count > 0 || overflows.truncated > 0 ? null : accumulator.encode(state);
    },
    merged: (states) => mergedState(accumulator, states),
  };
}

function mergedState(accumulator: Accumulator, states: readonly Uint8Array[]): Uint8Array {
  const all = accumulator.create();
  for (const state of states) accumulator.merge(all, accumulator.decode(state));
  return accumulator.encode(all);
}

function newestKind({ name, condition }: NewestSpec): PartialKind {
  return {
    name,
    ofRows(rows) {
      const overflows = { count: 0 };
      const length = chooseRows(rows, bindFilters(condition, null, rows.batch, overflows));
      if (overflows.count > 0) return null;
      return encodeNewest(length === 0 ? -Infinity : rows.time[rows.chosen[length - 1]!]!);
    },
    merged: (states) => encodeNewest(Math.max(...states.map(decodeNewest))),
  };
}

function chooseRows(
  { time, chosen }: TimedBatch,
  passes: ((row: number) => boolean) | null,
): number {
  let length = 0;
  for (let i = 0; i < time.length; i++) if (passes === null || passes(i)) chosen[length++] = i;
  return length;
}
