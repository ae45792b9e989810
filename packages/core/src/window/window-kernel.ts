/** Window features over sorted rows: one scan of the window per feature, every row asked whether the law lets it in. */
import { bindAggregate } from "../aggregate/bind.ts";
import type { Overflows } from "../aggregate/aggregate.ts";
import { bindFilter } from "../columns/filter.ts";
import type { AggregatePlan } from "../spi.ts";
import { type AnswerSheet, type TimedRows, withDefault } from "./timed-rows.ts";
import { isKnown, lowerBound } from "./window-law.ts";

/** Answers row `row` of the sheets for an entity whose rows are [start, end), at `t`. */
export type WindowKernel = (start: number, end: number, t: number, sheets: readonly AnswerSheet[], row: number) => void;

/** The plan's features, bound to these rows. */
export function windowKernel(plan: AggregatePlan, rows: TimedRows, overflows: Overflows): WindowKernel {
  const { time, from, to } = rows;
  const features = plan.features.map((feature) => ({
    feature,
    window: feature.window!,
    passes: feature.where === null ? null : bindFilter(feature.where, rows.columns),
    aggregate: bindAggregate(feature, rows.columns, overflows),
  }));

  return (start, end, t, sheets, row) => {
    const newest = newestBefore(start, end, t);
    const found = newest >= 0 && time[newest]! >= t - plan.longest;
    // law 1: the event at t is not known at t
    const last = lowerBound(time, start, end, t);
    for (let f = 0; f < features.length; f++) {
      const { feature, window, passes, aggregate } = features[f]!;
      aggregate.reset();
      for (let i = lowerBound(time, start, last, t - window); i < last; i++) {
        if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
        if (passes !== null && !passes(i)) continue;
        aggregate.add(i);
      }
      const value = aggregate.finish();
      const sheet = sheets[f]!;
      sheet.values[row] = withDefault(feature, value);
      sheet.statuses[row] = !found ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT";
      sheet.times[row] = found ? time[newest]! : NaN;
    }
  };

  /** The newest row that is seen at t and lies before it; −1: none. */
  function newestBefore(start: number, end: number, t: number): number {
    for (let i = lowerBound(time, start, end, t) - 1; i >= start && time[i]! >= t - plan.longest; i--) {
      if (from === null || isKnown(from[i]!, to![i]!, t)) return i;
    }
    return -1;
  }
}
