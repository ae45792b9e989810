/**
 * Loads one day into one table. One transaction holds the rows and the note that the day is loaded,
 * so a killed process leaves all or nothing.
 */
import { pipeline } from "node:stream/promises";
import { TidemarkError } from "@tidemark/core";
import pg from "pg";
import pgCopyStreams from "pg-copy-streams";
import { databaseError, type Connection } from "./database.ts";
import { bindDay } from "./day-statement.ts";
import type { DayRows } from "./day-rows.ts";
import { timeWriter, type LoadTimes } from "./time-columns.ts";
import type { Day, TableLoadJob } from "../config/load-jobs.ts";
import { refuseKeyTwice, ROW_NUMBER, rowError } from "./row-errors.ts";
import { checkColumns, createNotesTable, targetTable, type TargetTable } from "./table.ts";

export interface LoadedDay {
  readonly date: string;
  /** False if the day was loaded before. */
  readonly written: boolean;
  /** The number of rows of the day. */
  readonly rows: number;
  /**
   * The number of rows that the table took. With "keep" and "replace" the other rows were in the
   * table already.
   */
  readonly taken: number;
  /** The number of rows that `again` removed first. */
  readonly removed: number;
}

export interface LoadDayOptions {
  readonly name: string;
  readonly job: Pick<TableLoadJob, "table" | "whenPresent" | "removal">;
  readonly day: Day;
  /** Removes the rows of a loaded day and loads the day again. */
  readonly again: boolean;
  readonly connection: Connection;
  /** Opens the rows. It is called only if the day is to be written. */
  readonly rows: () => Promise<DayRows>;
  /** What the times of the rows mean. */
  readonly times: LoadTimes;
  readonly onWaiting?: (() => void) | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Milliseconds after which a wait for another process is reported. */
const WAITING_NOTICE_AFTER = 2_000;

/**
 * Loads the day unless it is loaded already.
 * @throws LOAD_ROW_INVALID when a row cannot be read or the table refuses it; the message names the
 *   row.
 * @throws LOAD_COLUMN_UNKNOWN when the rows and the table have different columns.
 * @throws LOAD_TABLE_UNKNOWN when the database has no such table.
 * @throws LOAD_OTHER_TABLE when the job's days went into another table.
 */
export async function loadDay(options: LoadDayOptions): Promise<LoadedDay> {
  const {
    name,
    job,
    day: { date },
    connection: { client },
    signal,
  } = options;
  const who = `load ${name} ${date}`;
  try {
    const table = await targetTable(client, job.table, who);
    if (job.whenPresent === "replace" && table.primaryKey.length === 0)
      throw new TidemarkError(
        "CONFIG_INVALID",
        `${who}: table ${job.table} has no primary key, by which whenPresent: "replace" could ` +
          "find a row; give it one",
      );
    await createNotesTable(client, table);
    await client.query("BEGIN");
    const before = await claimDay(table, options, who);
    if (before !== null && !options.again) {
      await client.query("ROLLBACK");
      return { date, written: false, rows: before, taken: 0, removed: 0 };
    }
    const removed = options.again
      ? ((await client.query(bindDay(job.removal!, options.day, `load.${name}.removal`)))
          .rowCount ?? 0)
      : 0;
    const rows = await options.rows();
    const copied = await copyRows(table, rows, options, who);
    await client.query(
      `UPDATE ${table.notes} SET rows = $3, at = now() WHERE job = $1 AND date = $2`,
      [name, date, copied.rows],
    );
    signal.throwIfAborted();
    await client.query("COMMIT");
    return { date, written: true, ...copied, removed };
  } catch (error) {
    signal.throwIfAborted();
    throw databaseError(error, who);
  }
}

/**
 * Writes the note of the day and returns null. If the note exists, returns its number of rows. A
 * second process waits here for the first.
 */
async function claimDay(
  { notes }: TargetTable,
  { name, job, day: { date }, connection: { client }, onWaiting }: LoadDayOptions,
  who: string,
): Promise<number | null> {
  const waiting = setTimeout(() => onWaiting?.(), WAITING_NOTICE_AFTER);
  try {
    const { rowCount } = await client.query(
      `INSERT INTO ${notes} (job, date, into_table) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [name, date, job.table],
    );
    if (rowCount === 1) return null;
    const {
      rows: [before],
    } = await client.query<{ into_table: string; rows: string }>(
      `SELECT into_table, rows FROM ${notes} WHERE job = $1 AND date = $2 FOR UPDATE`,
      [name, date],
    );
    if (before!.into_table !== job.table)
      throw new TidemarkError(
        "LOAD_OTHER_TABLE",
        `${who}: this day was loaded into ${before!.into_table} by a job of this name; give ` +
          "this job another name, or name that table",
      );
    return Number(before!.rows);
  } finally {
    clearTimeout(waiting);
  }
}

async function copyRows(
  table: TargetTable,
  rows: DayRows,
  { job, connection: { client }, onBytes, times, signal }: LoadDayOptions,
  who: string,
): Promise<{ rows: number; taken: number }> {
  if (rows.columns.length === 0) return { rows: 0, taken: 0 };
  checkColumns(table, job.table, rows.columns, await rows.location(1));
  const names = rows.columns.map(pg.escapeIdentifier).join(", ");
  const direct = (job.whenPresent ?? "refuse") === "refuse";
  const into = direct ? table.text : "pg_temp.tidemark_day";
  if (!direct) await createTemporaryTable(client, table, rows.columns);
  const writers = rows.columns.map((name) =>
    timeWriter(
      table.columns.find((column) => column.name === name)!,
      times,
    ),
  );

  const copy = client.query(pgCopyStreams.from(`COPY ${into} (${names}) FROM STDIN`));
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of rows.bytes(writers)) {
      bytes += chunk.length;
      onBytes?.(bytes);
      yield chunk;
    }
  };
  // Report the error of the rows, not the COPY that was then given up.
  let rowsError: unknown = null;
  await pipeline(
    async function* () {
      try {
        yield* counted();
      } catch (error) {
        rowsError = error;
        throw error;
      }
    },
    copy,
    { signal },
  ).catch(async (error: unknown) => {
    throw rowsError ?? (await rowError(error, { table, rows, writers, who }));
  });
  const { rowCount } = copy;
  if (direct) return { rows: rowCount, taken: rowCount };
  await refuseKeyTwice(client, table, rows, who);

  const others = rows.columns.filter((name) => !table.primaryKey.includes(name));
  const missingKey = table.primaryKey.find((name) => !rows.columns.includes(name));
  if (job.whenPresent === "replace" && missingKey !== undefined)
    throw new TidemarkError(
      "LOAD_COLUMN_UNKNOWN",
      `${who}: the rows have no ${missingKey}, which is of the primary key of ${job.table}: ` +
        `whenPresent: "replace" needs it to find the row`,
    );
  const texts = (prefix: string): string =>
    others.map((name) => `${prefix}${pg.escapeIdentifier(name)}::text`).join(", ");
  const key = table.primaryKey.map(pg.escapeIdentifier).join(", ");
  const assignments = others
    .map(pg.escapeIdentifier)
    .map((name) => `${name} = excluded.${name}`)
    .join(", ");
  // An unchanged row makes no change in the log.
  const action =
    job.whenPresent === "keep" || others.length === 0
      ? "ON CONFLICT DO NOTHING"
      : `ON CONFLICT (${key}) DO UPDATE SET ${assignments}
       WHERE ROW(${texts("there.")}) IS DISTINCT FROM ROW(${texts("excluded.")})`;
  const { rowCount: taken } = await client.query(
    `INSERT INTO ${table.text} AS there (${names}) SELECT ${names} FROM pg_temp.tidemark_day ` +
      `${action}`,
  );
  return { rows: rowCount, taken: taken ?? 0 };
}

/**
 * Creates a temporary table with the number of each row and the table's columns. It has the NOT
 * NULL and CHECK constraints, so that COPY names the row that violates one.
 */
async function createTemporaryTable(
  client: pg.Client,
  { text, columns }: TargetTable,
  named: readonly string[],
): Promise<void> {
  await client.query(
    `CREATE TEMPORARY TABLE tidemark_day (LIKE ${text} INCLUDING CONSTRAINTS) ON COMMIT DROP`,
  );
  const others = columns
    .filter(({ name }) => !named.includes(name))
    .map(({ name }) => `DROP COLUMN ${pg.escapeIdentifier(name)}`);
  const number = `ADD ${ROW_NUMBER} bigint GENERATED ALWAYS AS IDENTITY`;
  await client.query(`ALTER TABLE pg_temp.tidemark_day ${[...others, number].join(", ")}`);
}
