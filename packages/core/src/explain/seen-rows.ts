/** Says which version of a row is seen at a time, and why a row is not seen. */
import { eventTimeIndex } from "../rows/row-change.ts";
import type { Knowledge } from "../request/request-types.ts";
import { formatTime } from "../time/parse-time.ts";
import type { LoggedRow, LoggedVersion } from "./logged-rows.ts";

/** Why a row does not count. */
export type RowReason =
  | "BEFORE_WINDOW"
  | "AFTER_WINDOW"
  | "FILTERED"
  | "NO_CATEGORY"
  | "OLDER"
  | "DELETED"
  | "SUPERSEDED"
  | "NOT_KNOWN_YET"
  | "QUARANTINED";

/** Why a row does not count, as a code and in words. */
export interface LeftOut {
  readonly reason: RowReason;
  readonly because: string;
}

/** A row with the version that decides. */
export interface SeenRow {
  readonly row: LoggedRow;
  /** The version that is seen, or that would count if it were. It is one of the entity. */
  readonly version: LoggedVersion;
  /** The event time, or when the version of a dimension began, µs; NaN: it has none. */
  readonly time: number;
  /** null: the version is seen. */
  readonly leftOut: LeftOut | null;
}

/**
 * Finds the version that is seen at `t` (law 6: known from < t ≤ known to). As corrected it is the
 * current one. A dimension is always read as known (law 2). null: the row was never here.
 */
export function seenRow(row: LoggedRow, t: number, knowledge: Knowledge): SeenRow | null {
  const timeIndex = eventTimeIndex(row.source);
  const { versions } = row;
  const isAsKnown = knowledge === "as-known" || timeIndex < 0;
  const isSeen = ({ from, to }: LoggedVersion): boolean =>
    isAsKnown ? from < t && t <= to : to === Infinity;
  const found = (version: LoggedVersion, leftOut: LeftOut | null): SeenRow => {
    const time = timeIndex < 0 ? version.from : version.values![timeIndex]!;
    return { row, version, time: typeof time === "number" ? time : NaN, leftOut };
  };
  const seen = versions.findLast(isSeen);
  if (seen?.isHere === true)
    return found(
      seen,
      seen.quarantine === null
        ? null
        : { reason: "QUARANTINED", because: `it is quarantined: ${seen.quarantine}` },
    );
  const before = versions.findLast(({ isHere, to }) => isHere && (isAsKnown ? to < t : true));
  if (before !== undefined && seen !== undefined) {
    const at = formatTime(seen.from);
    return found(
      before,
      seen.values === null
        ? { reason: "DELETED", because: `the row was deleted at ${at}` }
        : { reason: "SUPERSEDED", because: `the row became another entity's at ${at}` },
    );
  }
  if (before !== undefined)
    return found(before, {
      reason: "SUPERSEDED",
      because: `a later change replaced the row at ${formatTime(before.to)}`,
    });
  const later = versions.find(({ isHere }) => isHere);
  if (later === undefined) return null;
  return found(later, {
    reason: "NOT_KNOWN_YET",
    because: `it was committed at ${formatTime(later.from)}, which was not known yet`,
  });
}
