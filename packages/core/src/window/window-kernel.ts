/**
 * Window features over sorted rows. Each feature scans its window once and keeps the rows that the
 * window law admits.
 */
import { aggregateOf, columnVector } from "../aggregate/bind.ts";
import type { Aggregate, Overflows } from "../aggregate/aggregate.ts";
import type { Batch } from "../columns/batch.ts";
import { bindFilter } from "../columns/filter.ts";
import type { ColumnSpec, Expression, FeatureSpec } from "../specs.ts";
import type { AggregatePlan } from "../spi.ts";
import { type ResultWriter, type TimedRows, withDefault } from "./timed-rows.ts";
import { isKnown, lowerBound } from "./window-law.ts";

/** Writes row `row` of the results at time `t`, for an entity whose rows are [start, end). */
export type WindowKernel = (
  start: number,
  end: number,
  t: number,
  results: readonly ResultWriter[],
  row: number,
) => void;

/** Binds the plan's features to these rows. */
export function windowKernel(
  plan: AggregatePlan,
  rows: TimedRows,
  overflows: Overflows,
): WindowKernel {
  return windowKernelBinder(plan, overflows)(rows);
}

/**
 * Binds the plan's features to one set of rows after another. Binding makes the kernel before it
 * void.
 */
export function windowKernelBinder(
  plan: AggregatePlan,
  overflows: Overflows,
): (rows: TimedRows) => WindowKernel {
  let columns: readonly ColumnSpec[] | null = null;
  let groups: readonly BoundGroup[] = [];
  return (rows) => {
    if (rows.columns.columns !== columns) {
      ({ columns } = rows.columns);
      groups = featureGroups(plan).map((group) => bindGroup(group, rows.columns, overflows));
    }
    for (const group of groups) {
      group.filter = group.where === null ? null : bindFilter(group.where, rows.columns);
      for (const { aggregate, vectorIndex } of group.features)
        aggregate.bind(vectorIndex < 0 ? null : rows.columns.vectors[vectorIndex]!);
    }
    return kernelOver(plan, groups, rows);
  };
}

function bindGroup(
  { window, where, features }: FeatureGroup,
  columns: Batch,
  overflows: Overflows,
): BoundGroup {
  return {
    window,
    where,
    filter: null,
    features: features.map(({ feature, resultIndex }) => {
      const [vector, column] =
        feature.column === null ? [null, null] : columnVector(columns, feature.column);
      return {
        feature,
        resultIndex,
        vectorIndex: vector === null ? -1 : columns.vectors.indexOf(vector),
        aggregate: aggregateOf(feature, column, overflows),
      };
    }),
  };
}

function kernelOver(
  plan: AggregatePlan,
  groups: readonly BoundGroup[],
  { time, from, to }: TimedRows,
): WindowKernel {
  return (start, end, t, results, row) => {
    const newest = newestBefore(start, end, t);
    const found = newest >= 0 && time[newest]! >= t - plan.longestWindow;
    // The event at t is excluded (law 1: it is not known at t).
    const last = lowerBound(time, start, end, t);
    for (const { window, filter, features } of groups) {
      const length = chooseRows(lowerBound(time, start, last, t - window), last, t, filter);
      for (const { feature, resultIndex, aggregate } of features) {
        aggregate.reset();
        aggregate.add(chosenRows, length);
        const value = aggregate.finish();
        const { values, statuses, times } = results[resultIndex]!;
        values[row] = withDefault(feature, value);
        statuses[row] = !found ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT";
        times[row] = found ? time[newest]! : NaN;
      }
    }
  };

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

  /** The newest row that is seen at t and lies before t. −1: there is no such row. */
  function newestBefore(start: number, end: number, t: number): number {
    for (
      let i = lowerBound(time, start, end, t) - 1;
      i >= start && time[i]! >= t - plan.longestWindow;
      i--
    ) {
      if (from === null || isKnown(from[i]!, to![i]!, t)) return i;
    }
    return -1;
  }
}

/** The chosen rows of one window. They are valid within one answer only. */
let chosenRows = new Int32Array(1024);

/** Features with one window and no condition. They use the same rows, so these are chosen once. */
interface FeatureGroup {
  readonly window: number;
  readonly where: Expression | null;
  readonly features: { readonly feature: FeatureSpec; readonly resultIndex: number }[];
}

/** A group whose aggregates are bound to the columns of the current rows. */
interface BoundGroup extends Omit<FeatureGroup, "features"> {
  filter: ((row: number) => boolean) | null;
  readonly features: readonly {
    readonly feature: FeatureSpec;
    readonly resultIndex: number;
    readonly aggregate: Aggregate;
    /** Index of the column's vector; −1: no column. */ readonly vectorIndex: number;
  }[];
}

const groupsByPlan = new WeakMap<AggregatePlan, readonly FeatureGroup[]>();

function featureGroups(plan: AggregatePlan): readonly FeatureGroup[] {
  let groups = groupsByPlan.get(plan);
  if (groups === undefined) {
    const newGroups: FeatureGroup[] = [];
    plan.features.forEach((feature, resultIndex) => {
      const window = feature.window!;
      const shared =
        feature.where === null
          ? newGroups.find((group) => group.where === null && group.window === window)
          : undefined;
      if (shared === undefined)
        newGroups.push({ window, where: feature.where, features: [{ feature, resultIndex }] });
      else shared.features.push({ feature, resultIndex });
    });
    groupsByPlan.set(plan, (groups = newGroups));
  }
  return groups;
}
