/** Facts over sorted rows: the newest with t − ttl ≤ s ≤ t, both ends in (law 2). */
import { vectorOf } from "../aggregate/bind.ts";
import { valueAt } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import { bindFilter } from "../columns/filter.ts";
import type { Value } from "../specs.ts";
import type { JoinPlan } from "../spi.ts";
import { type TimedRows, withDefault } from "../window/timed-rows.ts";
import { isKnown, lowerBound } from "../window/window-law.ts";
import type { WindowKernel } from "../window/window-kernel.ts";

/** The plan's features, bound to these rows. */
export function asOfKernel(plan: JoinPlan, rows: TimedRows): WindowKernel {
  const { time, from, to } = rows;
  const features = plan.features.map((feature) => ({
    feature,
    vector: vectorOf(rows.columns, feature.column!)[0],
    passes: feature.where === null ? null : bindFilter(feature.where, rows.columns),
  }));
  // law 2: a later created column wins a tie of event time, then the larger primary key
  const ties = [
    ...(plan.source.created === null ? [] : [plan.source.created]),
    ...plan.source.primaryKey,
  ].map((name) => vectorOf(rows.columns, name));

  return (start, end, t, sheets, row) => {
    for (let f = 0; f < features.length; f++) {
      const { feature, vector, passes } = features[f]!;
      const newest = newestAt(start, end, t, passes);
      const sheet = sheets[f]!;
      let value: Value = null;
      if (newest < 0) {
        sheet.statuses[row] = "NOT_FOUND";
        sheet.times[row] = NaN;
      } else {
        const old = plan.ttl !== null && time[newest]! < t - plan.ttl;
        if (!old) value = withoutMinusZero(valueAt(vector, newest));
        sheet.statuses[row] = old ? "OUTSIDE_MAX_AGE" : value === null ? "NULL_VALUE" : "PRESENT";
        sheet.times[row] = time[newest]!;
      }
      sheet.values[row] = withDefault(feature, value);
    }
  };

  function newestAt(
    start: number,
    end: number,
    t: number,
    passes: ((row: number) => boolean) | null,
  ): number {
    let best = -1;
    for (let i = notAfter(start, end, t) - 1; i >= start; i--) {
      if (best >= 0 && time[i]! < time[best]!) break;
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (passes !== null && !passes(i)) continue;
      if (best < 0 || winsTie(i, best)) best = i;
    }
    return best;
  }

  /** The end of the rows with time ≤ t. */
  function notAfter(start: number, end: number, t: number): number {
    let i = lowerBound(time, start, end, t);
    while (i < end && time[i] === t) i++;
    return i;
  }

  function winsTie(a: number, b: number): boolean {
    for (const [vector, column] of ties) {
      const order = compareValues(column.kind, valueAt(vector, a), valueAt(vector, b));
      if (order !== 0) return order > 0;
    }
    return false;
  }
}

/** No output is −0 (law 3). */
function withoutMinusZero(value: Value): Value {
  return value === 0 ? 0 : value;
}
