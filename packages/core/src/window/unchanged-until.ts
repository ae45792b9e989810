/**
 * How long an answer stays what it is while no row changes: until a row enters a window or leaves
 * it.
 */
import type { AggregatePlan, JoinPlan } from "../spi.ts";
import type { TimedRows } from "./timed-rows.ts";
import { lowerBound } from "./window-law.ts";

/** The lengths after which a row of the plan no longer counts, µs. */
export function spansOf(plan: AggregatePlan | JoinPlan): readonly number[] {
  if ("longestWindow" in plan)
    return [...new Set([plan.longestWindow, ...plan.features.map((feature) => feature.window!)])];
  return plan.ttl === null ? [] : [plan.ttl];
}

/**
 * The last time from `t` on at which the plan answers as at `t`, µs; of rows that are seen at every
 * time or at none. `spans` are those of the plan.
 */
export function unchangedUntil(
  plan: AggregatePlan | JoinPlan,
  spans: readonly number[],
  { time, columns: { length } }: TimedRows,
  t: number,
): number {
  const isWindow = "longestWindow" in plan;
  let next = lowerBound(time, 0, length, t);
  if (!isWindow) while (next < length && time[next] === t) next++;
  // a window takes in an event after its time (law 1), a fact holds from its time on (law 2)
  let until = next === length ? Infinity : isWindow ? time[next]! : time[next]! - 1;
  for (const span of spans) {
    const oldest = lowerBound(time, 0, next, t - span);
    if (oldest < next) until = Math.min(until, time[oldest]! + span);
  }
  return until;
}
