/** Finds the times at which the answers of a plan about one entity may change. Times are µs. */
import type { LoggedRow, LoggedVersion } from "../explain/logged-rows.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { Knowledge } from "../request/request-types.ts";
import { eventTimeIndex } from "../rows/row-change.ts";
import { timingOf } from "../window/unchanged-until.ts";

/** The interval of a timeline, both ends included, and the most times. */
export interface TimelineRange {
  readonly from: number;
  readonly to: number;
  readonly knowledge: Knowledge;
  readonly most: number;
}

/**
 * Returns times after `from` and up to `to`. Between two of them every answer is the same, unless
 * the plan moves with the clock. null: there are more than `most`.
 *
 * A row with the event time `s` enters a window at `s + 1` and leaves one of length `w` at
 * `s + w + 1` (law 1: `t − w ≤ s < t`). A fact holds from `s` on (law 2). A version is seen from
 * `known from + 1` to `known to` (law 6).
 */
export function changeTimes(
  plan: DeriveNode,
  rows: readonly LoggedRow[],
  { from, to, knowledge, most }: TimelineRange,
): ReadonlySet<number> | null {
  const { entersAfter, leavesAfter, calendars } = timingOf(plan);
  const spans = [...new Set([...entersAfter, ...leavesAfter])];
  const isFact = plan.input.node === "latest";
  const times = new Set<number>();
  const add = (t: number): void => {
    if (from < t && t <= to) times.add(t);
  };
  for (const { source, versions } of rows) {
    const index = eventTimeIndex(source);
    // a dimension is always read as known (law 2)
    const isAsKnown = knowledge === "as-known" || index < 0;
    for (const version of versions) {
      if (!version.isHere || (!isAsKnown && version.to !== Infinity)) continue;
      const time = eventTimeOf(version, index);
      if (time !== null) {
        if (isFact) add(time);
        for (const span of spans) add(time + span + 1);
      }
      if (isAsKnown) {
        add(version.from + 1);
        add(version.to + 1);
      }
      if (times.size > most) return null;
    }
  }
  for (const calendar of calendars)
    for (let t = calendar.next(from); t <= to; t = calendar.next(t)) {
      add(t);
      if (times.size > most) return null;
    }
  return times;
}

function eventTimeOf({ from, values }: LoggedVersion, index: number): number | null {
  if (index < 0) return from;
  const time = values![index];
  return typeof time === "number" ? time : null;
}
