/** Latest features over sorted rows: the newest row with t − ttl ≤ s ≤ t (law 2: both ends in). */
import { valueAt } from "../columns/batch.ts";
import type { Overflows } from "../columns/overflows.ts";
import { tieOrder } from "../columns/row-order.ts";
import { bindFilters, expressionVector } from "../expr/bind.ts";
import { rowCondition, inputOf, type LatestPlan } from "../plan/plan-kinds.ts";
import type { Value } from "../specs.ts";
import { directColumns } from "../window/derived-columns.ts";
import type { Status } from "../spi.ts";
import { type TimedRows, withDefault } from "../window/timed-rows.ts";
import { isKnown, upperBound } from "../window/window-law.ts";
import type { WindowKernel } from "../window/window-kernel.ts";

/** Binds the plan's facts to these rows. */
export function asOfKernel(plan: LatestPlan, rows: TimedRows, overflows: Overflows): WindowKernel {
  const { time, from, to } = rows;
  const { input, ttl, facts: given } = plan.input;
  const condition = rowCondition(input);
  const direct = directColumns(
    plan,
    given.map(({ name }) => name),
  );
  const facts = given.map(({ value, where }, f) => ({
    direct: direct[f]!,
    vector: expressionVector(value, rows.columns, overflows),
    filter: bindFilters(condition, where, rows.columns, overflows),
  }));
  const order = tieOrder(inputOf(input), rows.columns);

  return (start, end, t, results, row) => {
    for (const { direct, vector, filter } of facts) {
      const newest = newestAt(start, end, t, filter);
      let value: Value = null;
      let status: Status = "NOT_FOUND";
      if (newest >= 0) {
        const expired = ttl !== null && time[newest]! < t - ttl;
        if (!expired) value = withoutMinusZero(valueAt(vector, newest));
        status = expired ? "OUTSIDE_MAX_AGE" : value === null ? "NULL_VALUE" : "PRESENT";
      }
      for (const column of direct) {
        const result = results[column.index]!;
        result.statuses[row] = status;
        result.times[row] = newest < 0 ? NaN : time[newest]!;
        result.values[row] = withDefault(column, value);
      }
    }
  };

  function newestAt(
    start: number,
    end: number,
    t: number,
    passes: ((row: number) => boolean) | null,
  ): number {
    let best = -1;
    for (let i = upperBound(time, start, end, t) - 1; i >= start; i--) {
      if (best >= 0 && time[i]! < time[best]!) break;
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (passes !== null && !passes(i)) continue;
      if (best < 0 || order(i, best) > 0) best = i;
    }
    return best;
  }
}

/** Turns −0 into 0 (law 3: no output is −0). */
function withoutMinusZero(value: Value): Value {
  return value === 0 ? 0 : value;
}
