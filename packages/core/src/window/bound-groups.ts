/** Binds groups of aggregates to one set of rows after another. */
import type { Accumulator, Kernel, Overflows } from "../aggregate/aggregator.ts";
import { blockAccumulatorOf, kernelsOf, windowQueueOf } from "../aggregate/bind.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import type { WindowQueue } from "../aggregate/window-queue.ts";
import type { Vector } from "../columns/batch.ts";
import { expressionVector } from "../expr/bind.ts";
import type { AggregateColumn } from "../plan/nodes.ts";
import type { WindowPlan } from "../plan/plan-kinds.ts";
import type { ColumnSpec, Expression } from "../specs.ts";
import { aggregateGroups, mostRows, type AggregateGroup } from "./aggregate-groups.ts";
import type { DirectColumn } from "./derived-columns.ts";
import type { TimedRows } from "./timed-rows.ts";
import { edgesOf, seriesEdgesOf, type WindowEdges } from "./window-edges.ts";

/** Returns whether a row passes a condition. null: every row does. */
export type RowFilter = ((row: number) => boolean) | null;

/** A group whose kernels are bound to the columns of the current rows. */
export interface BoundGroup extends Pick<AggregateGroup, "where"> {
  readonly edges: WindowEdges;
  /** The edges of the windows of a series; null: the window is no series. */
  readonly series: ((t: number) => Float64Array) | null;
  /** Only the newest so many rows count; null: all rows between the edges. */
  readonly newest: number | null;
  /** Whether the window holds every row before the time of the answer. */
  readonly isLifetime: boolean;
  /** Whether states hold rows that are not among the rows, so the carried rows do not count. */
  readonly isCarrying: boolean;
  filter: RowFilter;
  /** Whether an aggregation needs the rows in their total order. */
  readonly order: boolean;
  readonly aggregates: readonly BoundAggregate[];
}

export interface BoundAggregate {
  readonly column: AggregateColumn;
  /** The result columns that are the aggregate's values. */
  readonly direct: readonly DirectColumn[];
  /** The index of its value among those that functions read. */
  readonly position: number;
  readonly kernel: Kernel;
  /** What merges the states of blocks of rows. null: no states of blocks are kept. */
  readonly merges: Accumulator | null;
  /** States of rows that are not among the rows; null: there are none. */
  readonly carried: CarriedOfAggregate | null;
  /** What answers windows whose rows come and go in the order of time. null: nothing does. */
  readonly queue: WindowQueue | null;
  /** Whether it needs the rows in their total order. */
  readonly order: boolean;
  /** The vectors of the arguments, and their indexes among the inputs of the plan. */
  readonly vectors: Vector[];
  readonly inputIndexes: readonly number[];
  /** Whether the event times follow the arguments. */
  readonly readsTimes: boolean;
}

/** The states of carried rows of one aggregate. */
export interface CarriedOfAggregate {
  /** The state of the carried rows; those before the first boundary, if there are boundaries. */
  readonly base: unknown;
  /**
   * For each boundary: the state of the carried rows after it, and before the next one; null: there
   * are none. Empty: the order of rows makes no difference.
   */
  readonly afterBoundaries: readonly unknown[];
}

/** Groups of a plan, and what binds their kernels to rows. */
export interface GroupBinder {
  readonly groups: readonly BoundGroup[];
  /** Binds the kernels of all groups. Their filters stay as they are. */
  bind(rows: TimedRows): void;
}

/**
 * Makes the kernels of a plan's aggregates. `inBatches`: many windows of one entity follow each
 * other, so kernels that take rows away are better than those that only add rows faster.
 */
export function groupBinder(
  plan: WindowPlan,
  overflows: Overflows,
  inBatches: boolean = false,
): GroupBinder {
  // Aggregates over several windows share their arguments, which are computed once.
  const inputs = [...new Set(plan.input.aggregates.flatMap(inputsOf))];
  const groups = aggregateGroups(plan).map((group) =>
    boundGroup(group, inputs, overflows, inBatches),
  );
  const inputVectors: Vector[] = [];
  let columns: readonly ColumnSpec[] | null = null;
  /** For each input: the index of its column; −1: it is computed. */
  let indexes: readonly number[] = [];
  return {
    groups,
    bind(rows) {
      if (rows.columns.columns !== columns) {
        ({ columns } = rows.columns);
        indexes = inputs.map((input) => columnIndex(input, rows.columns.columns));
      }
      for (let i = 0; i < inputs.length; i++)
        inputVectors[i] =
          rows.columns.vectors[indexes[i]!] ??
          expressionVector(inputs[i]!, rows.columns, overflows);
      const times: Vector = { kind: "float64", values: rows.time, valid: null };
      for (const { aggregates } of groups) {
        for (const { kernel, vectors, inputIndexes, readsTimes } of aggregates) {
          for (let i = 0; i < inputIndexes.length; i++)
            vectors[i] = inputVectors[inputIndexes[i]!]!;
          if (readsTimes) vectors[inputIndexes.length] = times;
          kernel.bind(vectors);
        }
      }
    },
  };
}

function columnIndex(input: Expression, columns: readonly ColumnSpec[]): number {
  return input.op === "column" ? columns.findIndex(({ name }) => name === input.name) : -1;
}

function boundGroup(
  { window, where, perCategory, aggregates }: AggregateGroup,
  allInputs: readonly Expression[],
  overflows: Overflows,
  inBatches: boolean,
): BoundGroup {
  const newest = mostRows(window);
  const kernels = kernelsOf(
    aggregates.map(({ aggregate }) => ({ aggregate, inputs: inputsOf(aggregate) })),
    overflows,
    { newest, subtracts: inBatches },
  );
  const bound = aggregates.map(({ aggregate, position, direct }, i): BoundAggregate => {
    const { order = false, times = false } = aggregatorNamed(aggregate.aggregate);
    const inputs = inputsOf(aggregate);
    return {
      column: aggregate,
      direct,
      position,
      kernel: kernels[i]!,
      merges: inBatches ? blockAccumulatorOf(aggregate, inputs) : null,
      carried: null,
      queue: inBatches ? windowQueueOf(aggregate, inputs) : null,
      order: perCategory || order,
      vectors: [],
      readsTimes: times,
      inputIndexes: inputs.map((input) => allInputs.indexOf(input)),
    };
  });
  return {
    edges: edgesOf(window),
    series: seriesEdgesOf(window),
    newest: perCategory ? null : newest,
    isLifetime: typeof window === "object" && window.kind === "lifetime",
    isCarrying: false,
    where,
    filter: null,
    order: bound.some(({ order }) => order),
    aggregates: bound,
  };
}
