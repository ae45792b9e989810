/**
 * Decides which rows and cells the online store may delete: those that no answer from the horizon
 * on needs. (Law 1: every t from the horizon on is answered.)
 */
import type { EntityLog } from "./entity-logs.ts";
import type { RowChange } from "../rows/row-change.ts";
import type { SourceLayout } from "./source-layout.ts";

/** How long the online store keeps data, in µs. */
export interface Retention {
  /**
   * Every t from clock − retain on is answered (law 1: every t ≥ horizon is answered). Infinity:
   * nothing is deleted.
   */
  readonly retain: number;
  /**
   * How long the log may deliver a change again. Tombstones are kept for that long (law 5: replay
   * is free).
   */
  readonly logRetention: number;
}

/** The time before which rows of an entity log may be deleted. */
export function keepFrom(layout: SourceLayout, entityLog: EntityLog, horizon: number): number {
  return entityLog.layout.keepsAll || layout.timeIndex < 0
    ? -Infinity
    : horizon - layout.longestWindow;
}

/** The time before which a row may be deleted from every entity log. */
export function keepFromRows(layout: SourceLayout, horizon: number): number {
  return layout.entityLogs.some((entityLog) => entityLog.keepsAll) || layout.timeIndex < 0
    ? -Infinity
    : horizon - layout.longestWindow;
}

/**
 * When the cell of a row expires; null: never. The cell is kept while the row can be in a window.
 * The cell is also kept while the log can deliver an older change of the row. A cell is deleted
 * once the horizon has passed its expiry; the clock has passed the expiry then, too.
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
    : finiteOrNull(Math.max(forgotten, time + layout.longestWindow));
}

/**
 * When a cell of an entity log expires; null: never. The cell is needed while its newest row is
 * within the longest window before the horizon.
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
    : finiteOrNull(newest + layout.longestWindow);
}

function finiteOrNull(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}
