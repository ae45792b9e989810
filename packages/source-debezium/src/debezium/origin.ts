/**
 * Where a change comes from in the database's own log: the `source` block of an envelope, or the
 * `__` members of an unwrapped row.
 */
import type { Change } from "@tidemark/core/spi";
import { type JsonMembers, NUMBER, TRUE } from "./json-text.ts";
import { mysqlOrder, postgresOrder } from "./log-order.ts";

export interface ChangeOrigin {
  /** Place in the database's log; null: the message does not say. */
  readonly order: bigint | null;
  /** µs; null: the message does not say. */
  readonly committed: number | null;
  readonly snapshot: boolean;
  readonly snapshotMarker: Change["snapshotMarker"];
  readonly transaction: string | null;
}

export const NO_ORIGIN: ChangeOrigin = {
  order: null,
  committed: null,
  snapshot: false,
  snapshotMarker: undefined,
  transaction: null,
};

/**
 * A row that is the last of the whole snapshot is the last of its table; a first row of a table
 * that is its only one may be called either.
 */
const SNAPSHOT_MARKERS: Readonly<Record<string, Change["snapshotMarker"]>> = {
  first: "first",
  first_in_data_collection: "first",
  last: "last",
  last_in_data_collection: "last",
  incremental: "incremental",
};

/**
 * Reads the origin. `find` gives the place of a field of the source block, −1 where there is none;
 * `where` names the message in errors.
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
  // Law 6: with milliseconds alone, the last microsecond in which the commit can have been.
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
 * Binlogs tell whole seconds, unless the server writes µs with the transaction's GTID. Law 6: a
 * change is known from the last microsecond in which its commit can have been.
 */
function endOfSecond(micros: number): number {
  const second = Math.floor(micros / 1_000_000) * 1_000_000;
  return micros - second <= 999 ? second + 999_999 : micros;
}
