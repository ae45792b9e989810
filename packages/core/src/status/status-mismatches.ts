/** Finds what most rows of a source lack, from the counts that the stores keep. */
import type { Position, TakenRows } from "../spi.ts";
import { ROWS_BEFORE_WARNING, type SourceMismatch } from "../ingest/source-fit.ts";
import { later } from "../ingest/taken-rows.ts";
import type { NotTaken } from "../ingest/not-taken.ts";
import { isRetried } from "../rows/retried.ts";

/** Says that most rows of a source do not fit its definition, because of one column. */
export interface StatusMismatch {
  /** The column at fault; null: the primary key. */
  readonly column: string | null;
  /** A stable code such as `COLUMN_ABSENT`, `NOT_A_TIME`, `ROW_WITHOUT_KEY`. */
  readonly reason: string;
  /** How many of the rows do not fit. */
  readonly rows: number;
  /** How many rows were taken. */
  readonly of: number;
  /** The first of them, with its value and the next step. */
  readonly message: string;
}

/** The rows that must all lack a column before it is told. */
const ROWS_BEFORE_ABSENT = 10;

/** Reasons of values that are taken, so that no store counts them. */
const ONLY_TOLD: ReadonlySet<string> = new Set(["TEXT_OF_NUMBERS", "TEXT_OF_BOOLEANS"]);

/** Adds up what was taken of all partitions. */
export function takenOf(positions: readonly Position[]): TakenRows {
  let total: TakenRows = { rows: 0, absent: [], committed: null, event: null };
  for (const { partition, checkpoint } of positions) {
    const { taken, push } = checkpoint ?? {};
    if (push !== undefined) total = { ...total, committed: later(total.committed, push.committed) };
    if (taken === undefined) continue;
    const isFirst = total.rows === 0;
    total = {
      rows: total.rows + (isRetried(partition) ? 0 : taken.rows),
      absent: isFirst
        ? taken.absent
        : taken.rows === 0
          ? total.absent
          : total.absent.filter((column) => taken.absent.includes(column)),
      committed: later(total.committed, taken.committed),
      event: later(total.event, taken.event),
    };
  }
  return total;
}

/**
 * Lists the columns that most rows lack. A source with few rows has none. What runs told comes
 * last: of rows that no store took, and of faults that no store counts.
 */
export function statusMismatches(
  { rows, absent }: TakenRows,
  notTaken: readonly NotTaken[],
  told: readonly SourceMismatch[],
): readonly StatusMismatch[] {
  const found = new Map<string, StatusMismatch>();
  for (const { kind, column, reason, count, first } of notTaken) {
    const isKeyless = kind === "undecodable" && reason === "ROW_WITHOUT_KEY";
    if (!isKeyless && (column === null || kind === "undecodable" || kind === "skipped")) continue;
    const of = isKeyless ? rows + count : rows;
    const key = `${column ?? ""}\0${reason}`;
    if (found.has(key)) continue;
    // One row with a wrong primary key says that the definition is wrong.
    if (kind !== "miskeyed" && (of < ROWS_BEFORE_WARNING || count <= of / 2)) continue;
    found.set(key, { column, reason, rows: Math.min(count, of), of, message: first.message });
  }
  if (rows >= ROWS_BEFORE_ABSENT)
    for (const column of absent)
      found.set(`${column}\0COLUMN_ABSENT`, {
        column,
        reason: "COLUMN_ABSENT",
        rows,
        of: rows,
        message:
          `no message has column "${column}", so it is null in every row; correct its name in ` +
          "the definition",
      });
  for (const { column, reason, rows: those, of, first } of told) {
    const key = `${column ?? ""}\0${reason}`;
    // Rows that were taken are counted, so that fewer of them are at fault now.
    const isCounted = rows > 0 && !ONLY_TOLD.has(reason);
    if (found.has(key) || isCounted) continue;
    found.set(key, { column, reason, rows: those, of, message: first.message });
  }
  return [...found.values()];
}
