/**
 * What the online store lets go, and when: nothing that any t from the horizon on still needs (law
 * 1).
 */
import type { OnlineLane } from "./entity-logs.ts";
import type { RowChange } from "../rows/row-change.ts";
import type { SourceLayout } from "./source-layout.ts";

/** How long things are kept, in µs. */
export interface Retention {
  /** Every t from clock − retain on is answered (law 1); Infinity: nothing is let go. */
  readonly retain: number;
  /**
   * How long the log may deliver a change again: deleted rows are remembered for that long (law 5).
   */
  readonly log: number;
}

/** Rows of a lane before this time may go. */
export function keepFrom(layout: SourceLayout, lane: OnlineLane, horizon: number): number {
  return lane.lane.keepsAll || layout.time < 0 ? -Infinity : horizon - layout.longest;
}

/**
 * A row is remembered while it can be in a window, and while the log can still bring an older
 * change of it: the clock is past what the horizon is past.
 */
export function expiryOfRow(
  layout: SourceLayout,
  changes: readonly RowChange[],
  { retain, log }: Retention,
  now: number,
): number | null {
  if (!Number.isFinite(retain) || !Number.isFinite(log) || layout.time < 0) return null;
  const { values } = changes.at(-1)!;
  const forgotten = now + log;
  if (values === null) return forgotten;
  const time = values[layout.time];
  return layout.lanes.some((lane) => lane.keepsAll) || typeof time !== "number"
    ? null
    : Math.max(forgotten, time + layout.longest);
}

/**
 * A cell of a lane is needed while the horizon lies no further behind its newest row than the
 * longest window.
 */
export function expiryOfRows(
  layout: SourceLayout,
  lane: OnlineLane,
  newest: number,
  { retain }: Retention,
): number | null {
  return lane.lane.keepsAll || layout.time < 0 || !Number.isFinite(retain) || newest === -Infinity
    ? null
    : newest + layout.longest;
}
