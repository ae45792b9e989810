/**
 * Computes how long an answer stays the same while no row changes: until a row enters or leaves a
 * window.
 */
import { aggregatorNamed } from "../aggregate/registry.ts";
import { scalarFunction } from "../expr/scalar-functions.ts";
import { callsFunction } from "../expr/tree.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { Calendar } from "./calendar.ts";
import type { TimedRows } from "./timed-rows.ts";
import { edgesOf, movesAfter } from "./window-edges.ts";
import { lowerBound } from "./window-law.ts";

/** Whether an answer of the plan changes with t although no row enters or leaves a window. */
export function movesWithClock({ input, columns }: DeriveNode): boolean {
  const readsTime = (name: string): boolean => scalarFunction(name).clock === true;
  return (
    columns.some(({ value }) => callsFunction(value, readsTime)) ||
    (input.node === "window" &&
      input.aggregates.some(({ aggregate }) => aggregatorNamed(aggregate).clock === true))
  );
}

/** When the rows of a plan begin and cease to count. Lengths are µs. */
export interface PlanTiming {
  /** How long after its event time a row enters a window. */
  readonly entersAfter: readonly number[];
  /** How long after its event time a row leaves a window, or one of the windows of a series. */
  readonly leavesAfter: readonly number[];
  /** At the end of a unit of these calendars rows enter and leave. */
  readonly calendars: readonly Calendar[];
}

/** Returns when the rows of a plan begin and cease to count. */
export function timingOf({ input }: DeriveNode): PlanTiming {
  if (input.node === "latest")
    return { entersAfter: [], leavesAfter: input.ttl === null ? [] : [input.ttl], calendars: [] };
  const windows = [...input.foundIn, ...input.aggregates.map(({ window }) => window)];
  const edges = windows.map(edgesOf);
  return {
    // An event decides the status as soon as its time is over.
    entersAfter: present([0, ...edges.map(({ entersAfter }) => entersAfter)]),
    leavesAfter: present([
      ...edges.map(({ leavesAfter }) => leavesAfter),
      ...windows.flatMap(movesAfter),
    ]),
    calendars: present(edges.map(({ calendar }) => calendar)),
  };
}

function present<T>(values: readonly (T | null)[]): readonly T[] {
  return [...new Set(values.filter((value) => value !== null))];
}

/**
 * Returns the last time from `t` on at which the plan answers as at `t`, in µs.
 * Each row must be seen at every time or at no time. The plan must not move with the clock.
 * `timing` is what `timingOf` gives for the plan.
 */
export function unchangedUntil(
  { input }: DeriveNode,
  { entersAfter, leavesAfter, calendars }: PlanTiming,
  { time, columns: { length } }: TimedRows,
  t: number,
): number {
  let until = Infinity;
  if (input.node === "latest") {
    // A latest row holds from its event time on (law 2: both ends in).
    let next = lowerBound(time, 0, length, t);
    while (next < length && time[next] === t) next++;
    if (next < length) until = time[next]! - 1;
  }
  // A window holds a row after its event time (law 1: the event at t is excluded).
  for (const lengths of [entersAfter, leavesAfter])
    for (const span of lengths) {
      const next = lowerBound(time, 0, length, t - span);
      if (next < length) until = Math.min(until, time[next]! + span);
    }
  for (const calendar of calendars) until = Math.min(until, calendar.next(t) - 1);
  return until;
}
