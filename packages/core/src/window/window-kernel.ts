/**
 * Window features over sorted rows: one scan of the window per feature, every row asked whether the
 * law lets it in.
 */
import { aggregateOf, vectorOf } from "../aggregate/bind.ts";
import type { Aggregate, Overflows } from "../aggregate/aggregate.ts";
import type { Batch } from "../columns/batch.ts";
import { bindFilter } from "../columns/filter.ts";
import type { ColumnSpec, Expression, FeatureSpec } from "../specs.ts";
import type { AggregatePlan } from "../spi.ts";
import { type AnswerSheet, type TimedRows, withDefault } from "./timed-rows.ts";
import { isKnown, lowerBound } from "./window-law.ts";

/** Answers row `row` of the sheets for an entity whose rows are [start, end), at `t`. */
export type WindowKernel = (
  start: number,
  end: number,
  t: number,
  sheets: readonly AnswerSheet[],
  row: number,
) => void;

/** The plan's features, bound to these rows. */
export function windowKernel(
  plan: AggregatePlan,
  rows: TimedRows,
  overflows: Overflows,
): WindowKernel {
  return windowKernels(plan, overflows)(rows);
}

/**
 * Binds the plan's features to one set of rows after another: the next one makes the kernel before
 * it void.
 */
export function windowKernels(
  plan: AggregatePlan,
  overflows: Overflows,
): (rows: TimedRows) => WindowKernel {
  let columns: readonly ColumnSpec[] | null = null;
  let groups: readonly BoundGroup[] = [];
  return (rows) => {
    if (rows.columns.columns !== columns) {
      ({ columns } = rows.columns);
      groups = groupsOf(plan).map((group) => madeGroup(group, rows.columns, overflows));
    }
    for (const group of groups) {
      group.passes = group.where === null ? null : bindFilter(group.where, rows.columns);
      for (const { aggregate, place } of group.features)
        aggregate.bind(place < 0 ? null : rows.columns.vectors[place]!);
    }
    return kernelOver(plan, groups, rows);
  };
}

function madeGroup(
  { window, where, features }: Group,
  columns: Batch,
  overflows: Overflows,
): BoundGroup {
  return {
    window,
    where,
    passes: null,
    features: features.map(({ feature, sheet }) => {
      const [vector, column] =
        feature.column === null ? [null, null] : vectorOf(columns, feature.column);
      return {
        feature,
        sheet,
        place: vector === null ? -1 : columns.vectors.indexOf(vector),
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
  return (start, end, t, sheets, row) => {
    const newest = newestBefore(start, end, t);
    const found = newest >= 0 && time[newest]! >= t - plan.longest;
    // law 1: the event at t is not known at t
    const last = lowerBound(time, start, end, t);
    for (const { window, passes, features } of groups) {
      const length = choose(lowerBound(time, start, last, t - window), last, t, passes);
      for (const { feature, sheet, aggregate } of features) {
        aggregate.reset();
        aggregate.add(chosen, length);
        const value = aggregate.finish();
        const { values, statuses, times } = sheets[sheet]!;
        values[row] = withDefault(feature, value);
        statuses[row] = !found ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT";
        times[row] = found ? time[newest]! : NaN;
      }
    }
  };

  /**
   * Puts the rows of [first, last) that are seen at t and pass into `chosen`; how many there are.
   */
  function choose(
    first: number,
    last: number,
    t: number,
    passes: ((row: number) => boolean) | null,
  ): number {
    if (chosen.length < last - first) chosen = new Int32Array((last - first) * 2);
    let length = 0;
    for (let i = first; i < last; i++) {
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (passes !== null && !passes(i)) continue;
      chosen[length++] = i;
    }
    return length;
  }

  /** The newest row that is seen at t and lies before it; −1: none. */
  function newestBefore(start: number, end: number, t: number): number {
    for (
      let i = lowerBound(time, start, end, t) - 1;
      i >= start && time[i]! >= t - plan.longest;
      i--
    ) {
      if (from === null || isKnown(from[i]!, to![i]!, t)) return i;
    }
    return -1;
  }
}

/** Rows of one window, as a kernel chooses them; used within one answer only. */
let chosen = new Int32Array(1024);

/** Features with one window and no condition look at the same rows, so those are chosen once. */
interface Group {
  readonly window: number;
  readonly where: Expression | null;
  readonly features: { readonly feature: FeatureSpec; readonly sheet: number }[];
}

/** A group whose aggregates read the columns of one shape of batches. */
interface BoundGroup extends Omit<Group, "features"> {
  passes: ((row: number) => boolean) | null;
  readonly features: readonly {
    readonly feature: FeatureSpec;
    readonly sheet: number;
    readonly aggregate: Aggregate;
    /** Of its vector; −1: none. */ readonly place: number;
  }[];
}

const groupsByPlan = new WeakMap<AggregatePlan, readonly Group[]>();

function groupsOf(plan: AggregatePlan): readonly Group[] {
  let groups = groupsByPlan.get(plan);
  if (groups === undefined) {
    const made: Group[] = [];
    plan.features.forEach((feature, sheet) => {
      const window = feature.window!;
      const shared =
        feature.where === null
          ? made.find((group) => group.where === null && group.window === window)
          : undefined;
      if (shared === undefined)
        made.push({ window, where: feature.where, features: [{ feature, sheet }] });
      else shared.features.push({ feature, sheet });
    });
    groupsByPlan.set(plan, (groups = made));
  }
  return groups;
}
