/** Runs a load job for its days, one after the other. */
import {
  collectDefinitions,
  type ErrorCode,
  TidemarkError,
  isTidemarkError,
  type TimeUnit,
} from "@tidemark/core";
import pg from "pg";
import type { LoadedConfig } from "../config/config-file.ts";
import { redact, secretsOf } from "../config/secret.ts";
import {
  clientConfigOf,
  connectTo,
  databaseError,
  isPostgresError,
  postgresMessage,
  type Connection,
} from "./database.ts";
import { fileRows, functionRows, type DayRows } from "./day-rows.ts";
import type { DatabaseAddress, Day, LoadResult, LoadJob } from "../config/load-jobs.ts";
import { loadDay } from "./load-day.ts";
import { queryRows } from "./query-rows.ts";
import type { LoadTimes } from "./time-columns.ts";

/** The result of one day. A custom job adds numbers of its own. */
export type CompletedDay = LoadResult & { readonly date: string };

export interface LoadJobOptions {
  readonly name: string;
  readonly days: readonly Day[];
  readonly again: boolean;
  /** The unit of times that are bare numbers; null: that of the job. */
  readonly timeUnit: TimeUnit | null;
  readonly signal: AbortSignal;
  readonly onDay: (day: CompletedDay, ms: number) => void;
  readonly onProgress: (text: string) => void;
}

/** Runs the job day by day. The first day that fails ends the run; earlier days stay. */
export async function runLoadJob(
  config: LoadedConfig,
  { name, days, again, timeUnit, signal, onDay, onProgress }: LoadJobOptions,
): Promise<void> {
  const job = config.load![name]!;
  const secrets = secretsOf(config.secrets ?? {});
  const opening = { secrets, signal };
  const address = async (
    member: string,
    make: (given: typeof opening) => DatabaseAddress | Promise<DatabaseAddress>,
  ): Promise<DatabaseAddress> => {
    const given = await callUserCode(
      `${config.file}: load.${name}.${member}`,
      "CONFIG_NOT_OPENED",
      () => make(opening),
    );
    if (typeof given === "string" ? given !== "" : typeof given === "object" && given !== null)
      return given;
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${config.file}: load.${name}.${member} must return a URL, as in ` +
        "postgres://user:password@host/database, or what pg takes",
    );
  };
  if (again) refuseAgain(job, name, config.file);
  const database = await address("database", job.database);
  for (const day of days) {
    signal.throwIfAborted();
    const started = performance.now();
    const given = { ...day, ...opening };
    if ("run" in job) {
      const done = await withPool(database, `load ${name}`, signal, (pool) =>
        callUserCode(`load ${name} ${day.date}`, "LOAD_JOB_FAILED", () =>
          job.run({ ...given, pool }),
        ),
      );
      if (typeof done !== "object" || done === null || typeof done.written !== "boolean")
        throw new TidemarkError(
          "CONFIG_INVALID",
          `${config.file}: load.${name}.run must return { written: true } or { written: false }`,
        );
      onDay({ ...done, date: day.date }, performance.now() - started);
      continue;
    }
    const opened: Connection[] = [];
    const open = async (where: DatabaseAddress, who: string): Promise<Connection> => {
      const connection = await connectTo(where, who, day.zone, signal);
      opened.push(connection);
      return connection;
    };
    const rows = async (): Promise<DayRows> => {
      const { rows: origin } = job;
      if (typeof origin === "function")
        return functionRows(
          await callUserCode(`load ${name} ${day.date}`, "LOAD_ROWS_FAILED", () => origin(given)),
          `load ${name} ${day.date}`,
        );
      if ("file" in origin) return fileRows(origin.file.replaceAll("{date}", day.date), signal);
      const { query, from } = origin;
      return queryRows(
        query,
        day,
        await open(
          from === undefined ? database : await address("rows.from", from),
          `load ${name}: the database of the query`,
        ),
        `load.${name}.rows.query`,
      );
    };
    try {
      const connection = await open(database, `load ${name}: the database`);
      const done = await loadDay({
        name,
        job,
        day,
        again,
        connection,
        rows,
        times: {
          zone: day.zone,
          timeUnit: timeUnit ?? job.timeUnit ?? null,
          clockZone: clockZoneOf(config.definitions, job.table),
        },
        signal,
        onWaiting: () => {
          onProgress(`${name} ${day.date}: another process writes this day; waiting for it`);
        },
        onBytes: (bytes) => {
          onProgress(`${name} ${day.date}: ${(bytes / 1e6).toFixed(1)} MB copied`);
        },
      });
      onDay({ ...done }, performance.now() - started);
    } finally {
      await Promise.all(opened.map((connection) => connection.close()));
    }
  }
}

/**
 * The zones of a table's columns without a zone, as the sources of the definitions declare them.
 * A column that a source declares without a zone is in UTC.
 */
function clockZoneOf(
  definitions: LoadedConfig["definitions"],
  table: string,
): LoadTimes["clockZone"] {
  const zones = new Map<string, string>();
  const inDatabase = table.includes(".") ? table : `public.${table}`;
  for (const source of collectDefinitions(definitions).sources.values()) {
    if (source.table !== inDatabase) continue;
    for (const column of source.columns)
      if (column.type === "timestamp") zones.set(column.database, column.zone ?? "UTC");
  }
  return (column) => zones.get(column) ?? null;
}

function refuseAgain(job: LoadJob, name: string, file: string): void {
  if ("run" in job)
    throw new TidemarkError(
      "LOAD_NOT_AGAIN",
      `load ${name}: Tidemark cannot remove the rows of a custom job; leave --again out`,
    );
  if (job.removal !== undefined) return;
  throw new TidemarkError(
    "LOAD_NOT_AGAIN",
    `load ${name}: --again first removes the day's rows, and the job has no statement for that; ` +
      `give ${file} load.${name}.removal, as in 'DELETE FROM ${job.table} WHERE time >= $1 ` +
      "AND time < $2'",
  );
}

async function withPool<T>(
  database: DatabaseAddress,
  who: string,
  signal: AbortSignal,
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({
    ...clientConfigOf(database),
    max: 4,
    connectionTimeoutMillis: 15_000,
    application_name: "tidemark load",
  });
  pool.on("error", () => undefined);
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener(
      "abort",
      () => {
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
  try {
    return await Promise.race([work(pool), interrupted]);
  } catch (error) {
    signal.throwIfAborted();
    throw isTidemarkError(error, "LOAD_JOB_FAILED") && isConnectionError(error.cause)
      ? databaseError(error.cause, who)
      : error;
  } finally {
    await Promise.race([pool.end(), interrupted]).catch(() => undefined);
  }
}

const isConnectionError = (error: unknown): boolean =>
  error instanceof Error &&
  /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|28|3D000|08|57P)/.test(
    (error as { readonly code?: string }).code ?? "",
  );

/** Calls a function of the configuration. Its error gets the code and loses the secrets. */
async function callUserCode<T>(
  who: string,
  code: ErrorCode,
  call: () => T | Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isTidemarkError(error)) throw error;
    throw new TidemarkError(
      code,
      `${who}: it threw: ${redact(shownMessage(error))}; check the values that it gets`,
      { cause: error },
    );
  }
}

function shownMessage(error: unknown): string {
  if (isPostgresError(error)) return postgresMessage(error);
  return error instanceof Error ? error.message : String(error);
}
