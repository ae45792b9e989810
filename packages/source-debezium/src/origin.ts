/**
 * Where a change comes from in the database's own log: the `source` block of an envelope, or the
 * `__` members of a flat row.
 */
import type { Change } from "@tidemark/core/spi";
import { type Members, NUMBER, TRUE } from "./json-text.ts";

export interface Origin {
  readonly lsn: bigint | null;
  /** µs; null: the message does not say. */
  readonly committed: number | null;
  readonly snapshot: boolean;
  readonly snapshotMarker: Change["snapshotMarker"];
  readonly transaction: string | null;
}

export const NO_ORIGIN: Origin = {
  lsn: null,
  committed: null,
  snapshot: false,
  snapshotMarker: undefined,
  transaction: null,
};

/**
 * A row that is the last of the whole snapshot is the last of its table; a first row of a table
 * that is its only one may be called either.
 */
const PARTS: Readonly<Record<string, Change["snapshotMarker"]>> = {
  first: "first",
  first_in_data_collection: "first",
  last: "last",
  last_in_data_collection: "last",
  incremental: "incremental",
};

/** `find` gives the place of a field of the source block, −1 where there is none. */
export function originOf(members: Members, find: (field: string) => number): Origin {
  const number = (field: string): string | null => {
    const i = find(field);
    return i >= 0 && members.kind(i) === NUMBER ? members.raw(i) : null;
  };
  const micros = number("ts_us");
  const millis = micros === null ? number("ts_ms") : null;
  // Law 6: with milliseconds alone, the last microsecond in which the commit can have been.
  const committed =
    micros !== null ? Number(micros) : millis !== null ? Number(millis) * 1000 + 999 : null;
  const lsn = number("lsn");
  const s = find("snapshot");
  const snapshot =
    s >= 0 && members.isString(s)
      ? members.string(s)
      : s >= 0 && members.kind(s) === TRUE
        ? "true"
        : "false";
  const transaction = find("txId");
  return {
    lsn: lsn !== null && /^\d+$/.test(lsn) ? BigInt(lsn) : sequenceLsn(members, find("sequence")),
    committed: Number.isSafeInteger(committed) ? committed : null,
    snapshot: snapshot !== "false",
    snapshotMarker: PARTS[snapshot],
    transaction:
      transaction < 0
        ? null
        : members.kind(transaction) === NUMBER
          ? members.raw(transaction)
          : members.isString(transaction)
            ? members.string(transaction)
            : null,
  };
}

/**
 * The second number of `["last commit", "this change"]`: the place of an incremental snapshot's
 * row, which has no LSN (law 5).
 */
function sequenceLsn(members: Members, i: number): bigint | null {
  if (i < 0 || !members.isString(i)) return null;
  const match = /^\s*\[[^,]*,\s*"?(\d+)"?\s*\]\s*$/.exec(members.string(i));
  return match === null ? null : BigInt(match[1]!);
}
