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

/** The place of a change in the database's log. */
export interface LogPlace {
  /** The log order; null: the message has none. */
  readonly order: bigint | null;
  /** The last commit that the connector read before the change's own, if it has a higher order. */
  readonly committedAfter?: bigint | undefined;
}

/** LSNs from here on are not compared with commits. It is 4 PiB of log. */
const COMMIT_LIMIT = 1n << 52n;

/**
 * Orders changes of PostgreSQL by `lsn`. `sequence` is `["last commit", "this change"]`.
 *
 * A transaction may write a change and commit long after. The connector reads the change only then.
 * A row that an incremental snapshot read meanwhile is older, and has a higher place in the log.
 *
 * A row of an incremental snapshot has no `lsn`, and takes its place from `sequence` (law 5).
 */
export function postgresPlace(lsn: string | null, sequence: string | null): LogPlace {
  const [commit, change] = sequenceNumbers(sequence);
  const order = lsn !== null && DIGITS_ONLY.test(lsn) ? BigInt(lsn) : null;
  // Changes that were written before this commit, and are read after it, come after the row.
  if (order === null)
    return { order: commit !== null && change !== null && commit >= change ? commit - 1n : change };
  const isLate = commit !== null && commit > order && commit < COMMIT_LIMIT;
  return isLate ? { order, committedAfter: commit } : { order };
}

const SEQUENCE = /^\s*\[\s*(?:"?(\d+)"?|null)\s*,\s*"?(\d+)"?\s*\]\s*$/;

function sequenceNumbers(
  sequence: string | null,
): readonly [commit: bigint | null, change: bigint | null] {
  const match = sequence === null ? null : SEQUENCE.exec(sequence);
  if (match === null) return [null, null];
  return [match[1] === undefined ? null : BigInt(match[1]), BigInt(match[2]!)];
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
      `${what}, so the change cannot be ordered; let the connector read a replica whose binlog ` +
      "has low file numbers, take a new snapshot there, and run tidemark resnapshot SOURCE or " +
      "call store.resnapshot",
  );
}
