/**
 * Aggregates of windows over sorted rows. Each group of aggregates scans its window once and keeps
 * the rows that the window law admits.
 */
import type { Kernel, Overflows } from "../aggregate/aggregator.ts";
import { kernelOf } from "../aggregate/bind.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import type { Vector } from "../columns/batch.ts";
import { sortTies, tieOrder } from "../columns/row-order.ts";
import { bindFilters, expressionVector } from "../expr/bind.ts";
import type { AggregateColumn } from "../plan/nodes.ts";
import { rowCondition, inputOf, type WindowPlan } from "../plan/plan-kinds.ts";
import { isSameWindow } from "../plan/windows.ts";
import type { ColumnSpec, Expression, Value, WindowSpec } from "../specs.ts";
import {
  directColumns,
  functionColumns,
  type CurrentTime,
  type DirectColumn,
  type FunctionColumn,
} from "./derived-columns.ts";
import { type ResultWriter, type TimedRows, withDefault } from "./timed-rows.ts";
import { earliestStart, edgesOf, seriesEdgesOf, type WindowEdges } from "./window-edges.ts";
import { isKnown, lowerBound } from "./window-law.ts";

/** Writes row `row` of the results at time `t`, for an entity whose rows are [start, end). */
export type WindowKernel = (
  start: number,
  end: number,
  t: number,
  results: readonly ResultWriter[],
  row: number,
) => void;

/** Binds the plan's aggregates to these rows. */
export function windowKernel(
  plan: WindowPlan,
  rows: TimedRows,
  overflows: Overflows,
): WindowKernel {
  return windowKernelBinder(plan, overflows)(rows);
}

/**
 * Binds the plan's aggregates to one set of rows after another. Binding makes the kernel before it
 * void.
 */
export function windowKernelBinder(
  plan: WindowPlan,
  overflows: Overflows,
): (rows: TimedRows) => WindowKernel {
  const { input, foundIn, aggregates } = plan.input;
  const scan = inputOf(input);
  const condition = rowCondition(input);
  // Aggregates over several windows share their arguments, which are computed once.
  const inputs = [...new Set(aggregates.flatMap(inputsOf))];
  const groups = aggregateGroups(plan).map((group) => boundGroup(group, inputs, overflows));
  const earliest = earliestStart(foundIn);
  const needsOrder = groups.some(({ order, newest }) => order || newest !== null);
  const values = new Array<Value>(aggregates.length).fill(null);
  const current: CurrentTime = { t: NaN };
  const functions = functionColumns(
    plan,
    aggregates.map(({ name }) => name),
    values,
    current,
    overflows,
  );
  const inputVectors: Vector[] = [];
  let columns: readonly ColumnSpec[] | null = null;
  /** For each input: the index of its column; −1: it is computed. */
  let indexes: readonly number[] = [];
  return (rows) => {
    if (rows.columns.columns !== columns) {
      ({ columns } = rows.columns);
      indexes = inputs.map((input) => columnIndex(input, rows.columns.columns));
    }
    for (let i = 0; i < inputs.length; i++)
      inputVectors[i] =
        rows.columns.vectors[indexes[i]!] ?? expressionVector(inputs[i]!, rows.columns, overflows);
    const times: Vector = { kind: "float64", values: rows.time, valid: null };
    for (const group of groups) {
      group.filter = bindFilters(condition, group.where, rows.columns, overflows);
      for (const { kernel, vectors, inputIndexes, readsTimes } of group.aggregates) {
        for (let i = 0; i < inputIndexes.length; i++) vectors[i] = inputVectors[inputIndexes[i]!]!;
        if (readsTimes) vectors[inputIndexes.length] = times;
        kernel.bind(vectors);
      }
    }
    const order = needsOrder ? tieOrder(scan, rows.columns) : null;
    const counts = bindFilters(condition, null, rows.columns, overflows);
    return kernelOver(earliest, groups, { values, functions, current }, rows, order, counts);
  };
}

function columnIndex(input: Expression, columns: readonly ColumnSpec[]): number {
  return input.op === "column" ? columns.findIndex(({ name }) => name === input.name) : -1;
}

function boundGroup(
  { window, where, perCategory, aggregates }: AggregateGroup,
  inputs: readonly Expression[],
  overflows: Overflows,
): BoundGroup {
  const newest = mostRows(window);
  return {
    edges: edgesOf(window),
    series: seriesEdgesOf(window),
    newest: perCategory ? null : newest,
    where,
    filter: null,
    order:
      perCategory ||
      aggregates.some(({ aggregate }) => aggregatorNamed(aggregate.aggregate).order === true),
    aggregates: aggregates.map(({ aggregate, position, direct }) => ({
      direct,
      position,
      kernel: kernelOf(aggregate, inputsOf(aggregate), overflows, newest),
      vectors: [],
      readsTimes: aggregatorNamed(aggregate.aggregate).times === true,
      inputIndexes: inputsOf(aggregate).map((input) => inputs.indexOf(input)),
    })),
  };
}

function kernelOver(
  earliestOf: (t: number) => number,
  groups: readonly BoundGroup[],
  { values: aggregated, functions, current }: BoundFunctions,
  { time, from, to }: TimedRows,
  order: ((a: number, b: number) => number) | null,
  /** Says of a row whether it counts at all. null: every row does. */
  counts: ((row: number) => boolean) | null,
): WindowKernel {
  return (start, end, t, results, row) => {
    // The event at t is excluded (law 1: it is not known at t).
    const beforeT = lowerBound(time, start, end, t);
    const newest = newestBefore(start, beforeT, t);
    const eventTime = newest >= 0 ? time[newest]! : NaN;
    for (const group of groups) {
      const { edges, newest: most, filter, order: inOrder, aggregates } = group;
      if (group.series !== null) {
        const lists = seriesLists(group, group.series(t), start, beforeT, t);
        for (let i = 0; i < lists.length; i++)
          put(aggregates[i]!, lists[i]!, eventTime, results, row);
        continue;
      }
      const last =
        edges.entersAfter === 0 ? beforeT : lowerBound(time, start, beforeT, edges.end(t));
      const first = lowerBound(time, start, last, edges.start(t));
      const length =
        most === null
          ? chooseRows(first, last, t, filter)
          : chooseNewest(first, last, t, filter, most);
      if (inOrder && most === null) sortTies(chosenRows, length, time, order!);
      for (const aggregate of aggregates) {
        const { kernel } = aggregate;
        kernel.reset();
        kernel.add(chosenRows, length);
        put(aggregate, kernel.finish(t), eventTime, results, row);
      }
    }
    current.t = t;
    for (let i = 0; i < functions.length; i++) {
      const column = functions[i]!;
      putResult(column, column.compute(), eventTime, results, row);
    }
  };

  /** Keeps the value of an aggregate for functions, and writes it. */
  function put(
    { direct, position }: BoundAggregate,
    value: Value,
    eventTime: number,
    results: readonly ResultWriter[],
    row: number,
  ): void {
    aggregated[position] = value;
    for (let i = 0; i < direct.length; i++) putResult(direct[i]!, value, eventTime, results, row);
  }

  /** For each aggregate of a group its values over the windows between these edges. */
  function seriesLists(
    { filter, order: inOrder, aggregates }: BoundGroup,
    edges: Float64Array,
    start: number,
    end: number,
    t: number,
  ): readonly Value[][] {
    const count = edges.length - 1;
    const lists = aggregates.map(() => new Array<Value>(count).fill(null));
    let first = lowerBound(time, start, end, edges[0]!);
    for (let i = 0; i < count; i++) {
      const last = lowerBound(time, first, end, edges[i + 1]!);
      const length = chooseRows(first, last, t, filter);
      if (inOrder) sortTies(chosenRows, length, time, order!);
      for (let a = 0; a < aggregates.length; a++) {
        const { kernel } = aggregates[a]!;
        kernel.reset();
        kernel.add(chosenRows, length);
        lists[a]![i] = kernel.finish(t);
      }
      first = last;
    }
    return lists;
  }

  /**
   * Puts into `chosenRows` the rows of [first, last) that are seen at t and pass the filter.
   * Returns their number.
   */
  function chooseRows(
    first: number,
    last: number,
    t: number,
    filter: ((row: number) => boolean) | null,
  ): number {
    if (chosenRows.length < last - first) chosenRows = new Int32Array((last - first) * 2);
    let length = 0;
    for (let i = first; i < last; i++) {
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (filter !== null && !filter(i)) continue;
      chosenRows[length++] = i;
    }
    return length;
  }

  /**
   * Puts into `chosenRows` the newest `most` rows of [first, last) that are seen at t and pass the
   * filter, in the order of rows. Returns their number.
   */
  function chooseNewest(
    first: number,
    last: number,
    t: number,
    filter: ((row: number) => boolean) | null,
    most: number,
  ): number {
    if (chosenRows.length < last - first) chosenRows = new Int32Array((last - first) * 2);
    const end = last - first;
    let begin = end;
    for (let i = last - 1; i >= first; i--) {
      // Rows of one time may have any order here: all of the last time are compared.
      if (end - begin >= most && time[i] !== time[chosenRows[begin]!]) break;
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (filter !== null && !filter(i)) continue;
      chosenRows[--begin] = i;
    }
    chosenRows.copyWithin(0, begin, end);
    sortTies(chosenRows, end - begin, time, order!);
    const tooMany = Math.max(0, end - begin - most);
    if (tooMany > 0) chosenRows.copyWithin(0, tooMany, end - begin);
    return end - begin - tooMany;
  }

  /**
   * The newest of the rows [start, end) that is seen at t and lies after the earliest start of a
   * window. −1: there is no such row.
   */
  function newestBefore(start: number, end: number, t: number): number {
    const earliest = earliestOf(t);
    for (let i = end - 1; i >= start && time[i]! >= earliest; i--) {
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (counts === null || counts(i)) return i;
    }
    return -1;
  }
}

/** Writes a value with its status. `eventTime` is NaN if no row was found. */
function putResult(
  column: DirectColumn | FunctionColumn,
  value: Value,
  eventTime: number,
  results: readonly ResultWriter[],
  row: number,
): void {
  const { values, statuses, times } = results[column.index]!;
  values[row] = withDefault(column, value);
  statuses[row] = Number.isNaN(eventTime) ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT";
  times[row] = eventTime;
}

/** How many of the newest rows the window holds; null: all rows between its edges. */
function mostRows(window: WindowSpec): number | null {
  return typeof window === "object" && window.kind === "lastRows" ? window.count : null;
}

/** The chosen rows of one window. They are valid within one answer only. */
let chosenRows = new Int32Array(1024);

/** Aggregates with one window and one condition. They use the same rows, which are chosen once. */
interface AggregateGroup {
  readonly window: WindowSpec;
  readonly where: Expression | null;
  /** Whether the window holds the newest rows of each category, and not of all. */
  readonly perCategory: boolean;
  readonly aggregates: {
    readonly aggregate: AggregateColumn;
    /** Its index among the aggregates of the plan. */
    readonly position: number;
    readonly direct: readonly DirectColumn[];
  }[];
}

/** A group whose kernels are bound to the columns of the current rows. */
interface BoundGroup extends Pick<AggregateGroup, "where"> {
  readonly edges: WindowEdges;
  /** The edges of the windows of a series; null: the window is no series. */
  readonly series: ((t: number) => Float64Array) | null;
  /** Only the newest so many rows count; null: all rows between the edges. */
  readonly newest: number | null;
  filter: ((row: number) => boolean) | null;
  /** Whether an aggregation needs the rows in their total order. */
  readonly order: boolean;
  readonly aggregates: readonly BoundAggregate[];
}

interface BoundAggregate {
  /** The result columns that are the aggregate's values. */
  readonly direct: readonly DirectColumn[];
  /** The index of its value among those that functions read. */
  readonly position: number;
  readonly kernel: Kernel;
  /** The vectors of the arguments, and their indexes among the inputs of the plan. */
  readonly vectors: Vector[];
  readonly inputIndexes: readonly number[];
  /** Whether the event times follow the arguments. */
  readonly readsTimes: boolean;
}

/** The functions of aggregates, and the values that they read. */
interface BoundFunctions {
  readonly values: Value[];
  readonly functions: readonly FunctionColumn[];
  readonly current: CurrentTime;
}

const groupsByPlan = new WeakMap<WindowPlan, readonly AggregateGroup[]>();

function aggregateGroups(plan: WindowPlan): readonly AggregateGroup[] {
  let groups = groupsByPlan.get(plan);
  if (groups === undefined) {
    const newGroups: AggregateGroup[] = [];
    const { aggregates } = plan.input;
    const direct = directColumns(
      plan,
      aggregates.map(({ name }) => name),
    );
    aggregates.forEach((aggregate, i) => {
      const { by, window, where } = aggregate;
      const perCategory = by !== undefined && mostRows(window) !== null;
      // Equal conditions of a plan are one object.
      let group = newGroups.find(
        (one) =>
          one.where === where &&
          one.perCategory === perCategory &&
          isSameWindow(one.window, window),
      );
      if (group === undefined)
        newGroups.push((group = { window, where, perCategory, aggregates: [] }));
      group.aggregates.push({ aggregate, position: i, direct: direct[i]! });
    });
    groupsByPlan.set(plan, (groups = newGroups));
  }
  return groups;
}
