/** The types of load jobs in the configuration, and their check. */
import { TidemarkError, type TimeUnit } from "@tidemark/core";
import { didYouMean, TIME_UNITS } from "@tidemark/core/internal";
import type { Pool } from "pg";
import type { OpenContext, SecretReferences } from "../config/secret.ts";

/** The address of a PostgreSQL database: its URL, or the connection settings of `pg`. */
export type DatabaseAddress =
  | string
  | {
      readonly connectionString?: string | undefined;
      readonly host?: string | undefined;
      readonly port?: number | undefined;
      readonly database?: string | undefined;
      readonly user?: string | undefined;
      readonly password?: string | undefined;
      readonly ssl?: boolean | object | undefined;
    };

/** A day in the configuration's zone. */
export interface Day {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** The first instant of the day: its midnight by the clocks of the zone. */
  readonly from: Date;
  readonly to: Date;
  readonly zone: string;
}

/** What a load job gets: the day, its secrets and a signal. */
export interface LoadDay<S extends SecretReferences = SecretReferences>
  extends Day, OpenContext<S> {
  readonly signal: AbortSignal;
}

/**
 * A row by column name. A value is text, number, bigint, boolean, Date, bytes or null. An object or
 * a list becomes JSON.
 */
export type LoadRow = Readonly<Record<string, unknown>>;

/** The result of a custom load job. The command shows its numbers. */
export interface LoadResult {
  /** False if the day was written before. */
  readonly written: boolean;
  readonly [what: string]: unknown;
}

interface IntoDatabase<S extends SecretReferences> {
  readonly database: (opening: OpenContext<S>) => DatabaseAddress | Promise<DatabaseAddress>;
}

/** Copies the rows of a day into a table. */
export interface TableLoadJob<
  S extends SecretReferences = SecretReferences,
> extends IntoDatabase<S> {
  /** `schema.table`, as the database names it. */
  readonly table: string;
  /**
   * The rows of a day. A function returns the rows. A file has `{date}` in its name. A query has $1
   * and $2 for the beginning and the end of the day (timestamptz), and $3 for its date. With
   * `from`, the query runs in another database.
   */
  readonly rows:
    | ((
        day: LoadDay<S>,
      ) =>
        | Iterable<LoadRow>
        | AsyncIterable<LoadRow>
        | Promise<Iterable<LoadRow> | AsyncIterable<LoadRow>>)
    | { readonly file: string }
    | {
        readonly query: string;
        readonly from?:
          | ((opening: OpenContext<S>) => DatabaseAddress | Promise<DatabaseAddress>)
          | undefined;
      };
  /** The unit of times that are bare numbers in the rows; without it they are refused. */
  readonly timeUnit?: TimeUnit | undefined;
  /**
   * What happens to a row whose key is in the table already. "refuse" (default): the day fails and
   * writes nothing. "keep": the table's row stays. "replace": the new row replaces it.
   */
  readonly whenPresent?: "refuse" | "keep" | "replace" | undefined;
  /**
   * The statement that removes the rows of a day, with $1, $2 and $3 as in a query. `--again` runs
   * it first, in the same transaction.
   */
  readonly removal?: string | undefined;
}

/** A load job of your own. It writes a day once, however often it is called. */
export interface CustomLoadJob<
  S extends SecretReferences = SecretReferences,
> extends IntoDatabase<S> {
  readonly run: (day: LoadDay<S> & { readonly pool: Pool }) => Promise<LoadResult>;
}

/** A job of `tidemark load`, which loads the rows of one day into a database. */
export type LoadJob<S extends SecretReferences = SecretReferences> =
  | TableLoadJob<S>
  | CustomLoadJob<S>;

const TABLE_MEMBERS = ["database", "table", "rows", "timeUnit", "whenPresent", "removal"];
const RUN_MEMBERS = ["database", "run"];
const FILE_EXTENSIONS = [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"];

/**
 * Checks the load jobs of a configuration.
 * @throws CONFIG_INVALID when a job has an unknown member or a value of the wrong form.
 */
export function checkLoadJobs(jobs: Readonly<Record<string, unknown>>): void {
  for (const [name, given] of Object.entries(jobs)) {
    const invalid = (what: string): TidemarkError =>
      new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: load.${name}${what}`);
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw invalid(" must be an object: { database, table, rows }, or { database, run }");
    const job = given as Readonly<Record<string, unknown>>;
    const members = Object.hasOwn(job, "run") ? RUN_MEMBERS : TABLE_MEMBERS;
    const other = Object.keys(job).find((one) => !members.includes(one));
    if (other !== undefined)
      throw invalid(
        ` has no member "${other}"${didYouMean(other, members)} (${members.join(", ")})`,
      );
    if (typeof job["database"] !== "function")
      throw invalid(".database must be a function, as in ({ secrets }) => secrets.database");
    if (Object.hasOwn(job, "run")) {
      if (typeof job["run"] !== "function")
        throw invalid(".run must be a function that writes a day, as in ({ pool, date }) => …");
      continue;
    }
    if (typeof job["table"] !== "string" || job["table"] === "")
      throw invalid('.table must name the table, as in "public.transactions"');
    if (job["timeUnit"] !== undefined && !TIME_UNITS.includes(job["timeUnit"] as TimeUnit))
      throw invalid(`.timeUnit must be one of ${TIME_UNITS.join(", ")}`);
    if (
      job["whenPresent"] !== undefined &&
      !["refuse", "keep", "replace"].includes(job["whenPresent"] as string)
    )
      throw invalid('.whenPresent must be "refuse", "keep" or "replace"');
    if (
      job["removal"] !== undefined &&
      (typeof job["removal"] !== "string" || job["removal"].trim() === "")
    )
      throw invalid(
        ".removal must be a statement, as in 'DELETE FROM public.transactions WHERE time >= " +
          "$1 AND time < $2'",
      );
    const problem = rowsProblem(job["rows"]);
    if (problem !== null) throw invalid(`.rows ${problem}`);
  }
}

function rowsProblem(given: unknown): string | null {
  if (typeof given === "function") return null;
  const expected =
    'must be a function, { file: "…-{date}.csv" } or { query: "SELECT … WHERE time >= $1 AND ' +
    'time < $2" }';
  if (typeof given !== "object" || given === null) return expected;
  const { file, query, from } = given as Readonly<Record<string, unknown>>;
  if (typeof file === "string" && query === undefined) {
    if (!FILE_EXTENSIONS.some((end) => file.toLowerCase().endsWith(end)))
      return `names the file ${file}: it must end in ${FILE_EXTENSIONS.join(", ")}`;
    return file.includes("{date}")
      ? null
      : `names the file ${file} for every day: write {date} where its name has the date`;
  }
  if (typeof query !== "string" || query.trim() === "" || file !== undefined) return expected;
  return from === undefined || typeof from === "function"
    ? null
    : "has a `from` that is no function: write from: ({ secrets }) => secrets.other";
}
