/** Latest features over sorted rows: the newest row with t − ttl ≤ s ≤ t (law 2: both ends in). */
import { columnVector } from "../aggregate/bind.ts";
import { valueAt } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import { bindFilter } from "../columns/filter.ts";
import type { Value } from "../specs.ts";
import type { JoinPlan } from "../spi.ts";
import { type TimedRows, withDefault } from "../window/timed-rows.ts";
import { isKnown, lowerBound } from "../window/window-law.ts";
import type { WindowKernel } from "../window/window-kernel.ts";

/** Binds the plan's features to these rows. */
export function asOfKernel(plan: JoinPlan, rows: TimedRows): WindowKernel {
  const { time, from, to } = rows;
  const features = plan.features.map((feature) => ({
    feature,
    vector: columnVector(rows.columns, feature.column!)[0],
    filter: feature.where === null ? null : bindFilter(feature.where, rows.columns),
  }));
  // The columns that break a tie of event time (law 2: the later created column, then the larger
  // primary key).
  const ties = [
    ...(plan.source.createdAt === null ? [] : [plan.source.createdAt]),
    ...plan.source.primaryKey,
  ].map((name) => columnVector(rows.columns, name));

  return (start, end, t, results, row) => {
    for (let f = 0; f < features.length; f++) {
      const { feature, vector, filter } = features[f]!;
      const newest = newestAt(start, end, t, filter);
      const result = results[f]!;
      let value: Value = null;
      if (newest < 0) {
        result.statuses[row] = "NOT_FOUND";
        result.times[row] = NaN;
      } else {
        const expired = plan.ttl !== null && time[newest]! < t - plan.ttl;
        if (!expired) value = withoutMinusZero(valueAt(vector, newest));
        result.statuses[row] = expired
          ? "OUTSIDE_MAX_AGE"
          : value === null
            ? "NULL_VALUE"
            : "PRESENT";
        result.times[row] = time[newest]!;
      }
      result.values[row] = withDefault(feature, value);
    }
  };

  function newestAt(
    start: number,
    end: number,
    t: number,
    passes: ((row: number) => boolean) | null,
  ): number {
    let best = -1;
    for (let i = upperBound(start, end, t) - 1; i >= start; i--) {
      if (best >= 0 && time[i]! < time[best]!) break;
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (passes !== null && !passes(i)) continue;
      if (best < 0 || winsTie(i, best)) best = i;
    }
    return best;
  }

  /** The index after the last row with time ≤ t. */
  function upperBound(start: number, end: number, t: number): number {
    let i = lowerBound(time, start, end, t);
    while (i < end && time[i] === t) i++;
    return i;
  }

  function winsTie(a: number, b: number): boolean {
    for (const [vector, column] of ties) {
      const order = compareValues(column.type, valueAt(vector, a), valueAt(vector, b));
      if (order !== 0) return order > 0;
    }
    return false;
  }
}

/** Turns −0 into 0 (law 3: no output is −0). */
function withoutMinusZero(value: Value): Value {
  return value === 0 ? 0 : value;
}
