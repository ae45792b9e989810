/**
 * Reads the origin of a change in the database's log. It lies in the `source` block of an envelope,
 * or in the `__` members of an unwrapped row.
 */
import { type JsonMembers, NUMBER, TRUE } from "@tidemark/core/internal";
import type { Change } from "@tidemark/core/spi";
import { type LogPlace, mysqlOrder, postgresPlace } from "./log-order.ts";

/** The origin of a change in the database's log. */
export interface ChangeOrigin extends LogPlace {
  /** The commit time, µs; null: the message has none. */
  readonly committed: number | null;
  /** A time of the message that is no commit time, such as `source.ts_ms 0`. */
  readonly refusedTime?: string | undefined;
  readonly snapshot: boolean;
  readonly snapshotMarker: Change["snapshotMarker"];
  readonly transaction: string | null;
}

/** The origin of a message that names none. */
export const NO_ORIGIN: ChangeOrigin = {
  order: null,
  committed: null,
  snapshot: false,
  snapshotMarker: undefined,
  transaction: null,
};

/**
 * Debezium's snapshot markers. The last row of the whole snapshot is the last of its table too. The
 * only row of a table may carry either marker.
 */
const SNAPSHOT_MARKERS: Readonly<Record<string, Change["snapshotMarker"]>> = {
  first: "first",
  first_in_data_collection: "first",
  last: "last",
  last_in_data_collection: "last",
  incremental: "incremental",
};

const YEAR_1990 = 631_152_000_000_000;
const TWO_DAYS = 2 * 86_400e6;

/**
 * Reads the origin. `find` gives the index of a field of the source block, or −1. `where` names the
 * message in errors. `broker` is the broker's time of the message, in ms.
 *
 * @throws BINLOG_PLACE_UNKNOWN when a place in a binlog has no log order.
 */
export function originOf(
  members: JsonMembers,
  find: (field: string) => number,
  where: () => string,
  broker: number | null,
): ChangeOrigin {
  const text = (field: string): string | null => {
    const i = find(field);
    return i >= 0 && members.isString(i) ? members.string(i) : null;
  };
  const number = (field: string): string | null => {
    const i = find(field);
    return i >= 0 && members.kind(i) === NUMBER ? members.raw(i) : null;
  };
  const file = text("file");
  const pos = number("pos");
  const binlog = file !== null && pos !== null && find("lsn") < 0;
  const { sourceTime, refused } = commitTime(number, broker);
  const committed = binlog && sourceTime !== null ? endOfSecond(sourceTime) : sourceTime;
  const s = find("snapshot");
  const snapshot =
    s >= 0 && members.isString(s)
      ? members.string(s)
      : s >= 0 && members.kind(s) === TRUE
        ? "true"
        : "false";
  const transaction = find("txId");
  return {
    ...(binlog
      ? { order: mysqlOrder({ file, pos, row: number("row") }, where()) }
      : postgresPlace(number("lsn"), text("sequence"))),
    committed,
    refusedTime: refused,
    snapshot: snapshot !== "false",
    snapshotMarker: SNAPSHOT_MARKERS[snapshot],
    transaction:
      transaction < 0
        ? binlog
          ? text("gtid")
          : null
        : members.kind(transaction) === NUMBER
          ? members.raw(transaction)
          : members.isString(transaction)
            ? members.string(transaction)
            : null,
  };
}

/**
 * Reads the first time of the source block that is a commit time: `ts_us`, `ts_ms` or `ts_ns`.
 * Milliseconds are raised to their last microsecond (law 6: with only `ts_ms`, ts_ms·1000 + 999).
 */
function commitTime(
  number: (field: string) => string | null,
  broker: number | null,
): { readonly sourceTime: number | null; readonly refused: string | undefined } {
  let refused: string | undefined;
  for (const field of ["ts_us", "ts_ms", "ts_ns"] as const) {
    const raw = number(field);
    if (raw === null) continue;
    const time =
      field === "ts_us"
        ? Number(raw)
        : field === "ts_ms"
          ? Number(raw) * 1000 + 999
          : Math.floor(Number(raw) / 1000);
    if (isCommitTime(time, broker)) return { sourceTime: time, refused: undefined };
    refused ??= `source.${field} ${raw}`;
  }
  return { sourceTime: null, refused };
}

/**
 * Says whether a time can be that of a commit. Zero is none, and times before 1990 or days after
 * the broker's are none. A broker whose own time lies before 1990 says nothing.
 */
function isCommitTime(time: number, broker: number | null): boolean {
  if (!Number.isSafeInteger(time)) return false;
  // The last microsecond of the first millisecond of 1970 is a `ts_ms` of 0.
  if (broker === null || broker < 0) return time > 999;
  const arrived = broker * 1000;
  return arrived < YEAR_1990 || (time >= YEAR_1990 && time <= arrived + TWO_DAYS);
}

/**
 * Raises a binlog's time to the last microsecond of its second (law 6: a version is seen only after
 * its commit). Binlogs hold whole seconds, unless the server writes µs with the GTID.
 */
function endOfSecond(micros: number): number {
  const second = Math.floor(micros / 1_000_000) * 1_000_000;
  return micros - second <= 999 ? second + 999_999 : micros;
}
