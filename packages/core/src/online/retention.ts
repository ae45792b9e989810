/**
 * What the online store lets go, and when: nothing that any t from the horizon on still needs (law
 * 1).
 */
import type { EntityLog } from "./entity-logs.ts";
import type { RowChange } from "../rows/row-change.ts";
import type { SourceLayout } from "./source-layout.ts";

/** How long things are kept, in µs. */
export interface Retention {
  /** Every t from clock − retain on is answered (law 1); Infinity: nothing is let go. */
  readonly retain: number;
  /**
   * How long the log may deliver a change again: deleted rows are remembered for that long (law 5).
   */
  readonly logRetention: number;
}

/** Rows of an entity log before this time may go. */
export function keepFrom(layout: SourceLayout, entityLog: EntityLog, horizon: number): number {
  return entityLog.layout.keepsAll || layout.timeIndex < 0
    ? -Infinity
    : horizon - layout.longestWindow;
}

/**
 * A row is remembered while it can be in a window, and while the log can still bring an older
 * change of it: the clock is past what the horizon is past.
 */
export function expiryOfRow(
  layout: SourceLayout,
  changes: readonly RowChange[],
  { retain, logRetention }: Retention,
  now: number,
): number | null {
  if (!Number.isFinite(retain) || !Number.isFinite(logRetention) || layout.timeIndex < 0)
    return null;
  const { values } = changes.at(-1)!;
  const forgotten = now + logRetention;
  if (values === null) return forgotten;
  const time = values[layout.timeIndex];
  return layout.entityLogs.some((entityLog) => entityLog.keepsAll) || typeof time !== "number"
    ? null
    : Math.max(forgotten, time + layout.longestWindow);
}

/**
 * A cell of an entity log is needed while the horizon lies no further behind its newest row than
 * the longest window.
 */
export function expiryOfRows(
  layout: SourceLayout,
  entityLog: EntityLog,
  newest: number,
  { retain }: Retention,
): number | null {
  return entityLog.layout.keepsAll ||
    layout.timeIndex < 0 ||
    !Number.isFinite(retain) ||
    newest === -Infinity
    ? null
    : newest + layout.longestWindow;
}
