/**
 * Reads the origin of a change in the database's log. It lies in the `source` block of an envelope,
 * or in the `__` members of an unwrapped row.
 */
import type { Change } from "@tidemark/core/spi";
import { type JsonMembers, NUMBER, TRUE } from "./json-text.ts";
import { mysqlOrder, postgresOrder } from "./log-order.ts";

/** The origin of a change in the database's log. */
export interface ChangeOrigin {
  /** The log order; null: the message has none. */
  readonly order: bigint | null;
  /** The commit time, µs; null: the message has none. */
  readonly committed: number | null;
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

/**
 * Reads the origin. `find` gives the index of a field of the source block, or −1. `where` names the
 * message in errors.
 *
 * @throws BINLOG_PLACE_UNKNOWN when a place in a binlog has no log order.
 */
export function originOf(
  members: JsonMembers,
  find: (field: string) => number,
  where: () => string,
): ChangeOrigin {
  const text = (field: string): string | null => {
    const i = find(field);
    return i >= 0 && members.isString(i) ? members.string(i) : null;
  };
  const number = (field: string): string | null => {
    const i = find(field);
    return i >= 0 && members.kind(i) === NUMBER ? members.raw(i) : null;
  };
  const micros = number("ts_us");
  const millis = micros === null ? number("ts_ms") : null;
  const file = text("file");
  const pos = number("pos");
  const binlog = file !== null && pos !== null && find("lsn") < 0;
  // Milliseconds are raised to their last microsecond (law 6: with only `ts_ms`, ts_ms·1000 + 999).
  const sourceTime =
    micros !== null ? Number(micros) : millis !== null ? Number(millis) * 1000 + 999 : null;
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
    order: binlog
      ? mysqlOrder({ file, pos, row: number("row") }, where())
      : postgresOrder(number("lsn"), text("sequence")),
    committed: Number.isSafeInteger(committed) ? committed : null,
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
 * Raises a binlog's time to the last microsecond of its second (law 6: a version is seen only after
 * its commit). Binlogs hold whole seconds, unless the server writes µs with the GTID.
 */
function endOfSecond(micros: number): number {
  const second = Math.floor(micros / 1_000_000) * 1_000_000;
  return micros - second <= 999 ? second + 999_999 : micros;
}
