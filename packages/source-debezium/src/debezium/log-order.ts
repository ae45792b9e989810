/**
 * The log order of a change: its place in the database's log as one integer below `ORDER_LIMIT`.
 * Core compares the integers and does not know how they are made. Each database has one function.
 */
import { TidemarkError } from "@tidemark/core";

/** The bits of a log order. Core keeps the snapshot generation of a source above them. */
const ORDER_BITS = 56n;
/** The bits of a position in a binlog file. The other 24 bits hold the number of the file. */
const POSITION_BITS = 32n;
const POSITION_LIMIT = 1n << POSITION_BITS;
const FILE_LIMIT = 1n << (ORDER_BITS - POSITION_BITS);

const DIGITS_ONLY = /^\d+$/;

/**
 * Orders changes of PostgreSQL by `lsn`. A row of an incremental snapshot has no `lsn`, and takes
 * the second number of `sequence` (law 5: an incremental-snapshot row has `lsn: null`).
 */
export function postgresOrder(lsn: string | null, sequence: string | null): bigint | null {
  if (lsn !== null && DIGITS_ONLY.test(lsn)) return BigInt(lsn);
  // `sequence` is ["last commit", "this change"].
  const match = sequence === null ? null : /^\s*\[[^,]*,\s*"?(\d+)"?\s*\]\s*$/.exec(sequence);
  return match === null ? null : BigInt(match[1]!);
}

/** The place of a change in the binlog of MySQL or MariaDB. */
export interface BinlogPosition {
  /** `mysql-bin.000003` */
  readonly file: string;
  /** The byte of the file where the event begins. */
  readonly pos: string;
  /** The row within the event, from 0; null: the message does not say. */
  readonly row: string | null;
}

/**
 * Orders changes of MySQL by the file's number, the event's position and the row in the event. A
 * row takes at least one byte of its event, so position plus row is below the next event's
 * position.
 *
 * @throws BINLOG_PLACE_UNKNOWN when the file has no number, when the number is 16,777,216 or more,
 * or when the position is 4 GiB or more.
 */
export function mysqlOrder({ file, pos, row }: BinlogPosition, where: string): bigint {
  const number = /\.(\d+)$/.exec(file)?.[1];
  if (number === undefined || !DIGITS_ONLY.test(pos) || !DIGITS_ONLY.test(row ?? "0"))
    throw positionUnknown(
      where,
      { file, pos, row },
      "has no number of a file, a position and a row",
    );
  const position = BigInt(pos) + BigInt(row ?? "0");
  if (BigInt(number) >= FILE_LIMIT || position >= POSITION_LIMIT)
    throw positionUnknown(
      where,
      { file, pos, row },
      "is beyond file 16777215 or beyond 4 GiB of a file",
    );
  return (BigInt(number) << POSITION_BITS) + position;
}

function positionUnknown(
  where: string,
  { file, pos, row }: BinlogPosition,
  what: string,
): TidemarkError {
  return new TidemarkError(
    "BINLOG_PLACE_UNKNOWN",
    `${where}: the place in the binlog (file "${file}", pos ${pos}, row ${row ?? "none"}) ` +
      `${what}, so the change cannot be ordered; run RESET MASTER, take a new snapshot, and ` +
      "run tidemark resnapshot SOURCE or call store.resnapshot",
  );
}
