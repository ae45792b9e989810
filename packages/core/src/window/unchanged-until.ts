/**
 * Computes how long an answer stays the same while no row changes: until a row enters or leaves a
 * window.
 */
import type { AggregatePlan, JoinPlan } from "../spi.ts";
import type { TimedRows } from "./timed-rows.ts";
import { lowerBound } from "./window-law.ts";

/** The lengths, in µs, after which a row of the plan no longer counts. */
export function spansOf(plan: AggregatePlan | JoinPlan): readonly number[] {
  if ("longestWindow" in plan)
    return [...new Set([plan.longestWindow, ...plan.features.map((feature) => feature.window!)])];
  return plan.ttl === null ? [] : [plan.ttl];
}

/**
 * Returns the last time from `t` on at which the plan answers as at `t`, in µs.
 * Each row must be seen at every time or at no time.
 * `spans` are the lengths that `spansOf` gives for the plan.
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
  // A window holds a row after its event time (law 1: the event at t is excluded). A latest row
  // holds from its event time on (law 2: both ends in).
  let until = next === length ? Infinity : isWindow ? time[next]! : time[next]! - 1;
  for (const span of spans) {
    const oldest = lowerBound(time, 0, next, t - span);
    if (oldest < next) until = Math.min(until, time[oldest]! + span);
  }
  return until;
}
