/**
 * What `tidemark.config.ts` says of `tidemark load`: from where the rows of a day come, and into
 * which table they go.
 */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { Pool } from "pg";
import type { OpenContext, SecretReferences } from "../config/secret.ts";

/** A PostgreSQL: its URL, or what `pg` takes. */
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

/** A day of the configuration's zone. */
export interface Day {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** The day is [from, to): from its midnight to the next one, by the clocks of the zone. */
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
 * A row by the names of the table's columns: text, numbers, bigints, booleans, Dates, bytes, null;
 * an object or a list becomes JSON.
 */
export type LoadRow = Readonly<Record<string, unknown>>;

/** What a job that does the work itself says it has done; the numbers are shown. */
export interface LoadResult {
  /** False: it had been done before, and nothing happened. */
  readonly written: boolean;
  readonly [what: string]: unknown;
}

interface IntoDatabase<S extends SecretReferences> {
  readonly database: (opening: OpenContext<S>) => DatabaseAddress | Promise<DatabaseAddress>;
}

/** The rows of a day, copied into a table. */
export interface TableLoadJob<
  S extends SecretReferences = SecretReferences,
> extends IntoDatabase<S> {
  /** `schema.table`, as it is called in the database. */
  readonly table: string;
  /**
   * A function that makes them; a file, with `{date}` in its name; or a query of the same or
   * another database, with $1 and $2 for the beginning and the end of the day (timestamptz) and $3
   * for its date.
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
  /**
   * A row whose key is in the table already: "refuse" (if it is left out) ends the day with nothing
   * written · "keep" keeps the table's · "replace" takes the new one.
   */
  readonly whenPresent?: "refuse" | "keep" | "replace" | undefined;
  /**
   * The statement that takes a day's rows out of the table, with $1, $2 and $3 as a query has them:
   * what `--again` does first, in the same transaction.
   */
  readonly removal?: string | undefined;
}

/** A job of your own that writes a day, however often it is called: once. */
export interface CustomLoadJob<
  S extends SecretReferences = SecretReferences,
> extends IntoDatabase<S> {
  readonly run: (day: LoadDay<S> & { readonly pool: Pool }) => Promise<LoadResult>;
}

/** A job of `tidemark load`, which brings the data of one day into a database. */
export type LoadJob<S extends SecretReferences = SecretReferences> =
  | TableLoadJob<S>
  | CustomLoadJob<S>;

const TABLE_MEMBERS = ["database", "table", "rows", "whenPresent", "removal"];
const RUN_MEMBERS = ["database", "run"];
const FILE_EXTENSIONS = [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"];

/** Throws `CONFIG_INVALID`. */
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
