/** Connections, and the statements that run on them. */
import pg from "pg";
import { isConnectionLost, sqlStateOf } from "./errors.ts";
import type { Settings } from "./options.ts";

/** A prepared statement with its parameters. */
export interface Call {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The rows of a statement, each a list of columns. */
export interface Result {
  readonly rows: readonly (readonly unknown[])[];
  /** The number of rows that the statement changed or returned. */
  readonly count: number;
}

const [BYTEA, INT8, INT4, FLOAT8, BOOL] = [17, 20, 23, 701, 16] as const;

/** Reads the texts of values. It leaves the settings of `pg.types` to the program. */
const types = {
  getTypeParser(oid: number): (text: string) => unknown {
    if (oid === BYTEA) return (text) => Buffer.from(text.slice(2), "hex");
    if (oid === INT8 || oid === INT4 || oid === FLOAT8) return Number;
    return oid === BOOL ? (text) => text === "t" : (text) => text;
  },
};

const configOf = ({ name, text, values }: Call) =>
  ({ name, text, values: values as unknown[], rowMode: "array", types }) as const;

const resultOf = ({ rows, rowCount }: { readonly rows: unknown[]; rowCount: number | null }) =>
  ({ rows: rows as readonly unknown[][], count: rowCount ?? 0 }) satisfies Result;

/** Makes the pool. Each connection gets the session's settings before its first statement. */
export function poolOf({ pool, session }: Settings): pg.Pool {
  const names = Object.keys(session);
  const set = names.map((name, i) => `set_config('${name}', $${i + 1}, false)`);
  const config: pg.PoolConfig & { readonly pipeline: boolean } = {
    ...pool,
    // The statements of a step travel together.
    pipeline: true,
    async onConnect(client) {
      // The statement in progress reports a lost connection.
      client.on("error", () => undefined);
      await client.query(`SELECT ${set.join(", ")}`, Object.values(session));
    },
  };
  const made = new pg.Pool(config);
  made.on("error", () => undefined);
  return made;
}

/** Runs one statement on a connection of its own. */
export async function runOne(pool: pg.Pool, call: Call): Promise<Result> {
  return resultOf(await pool.query(configOf(call)));
}

/** Runs statements that travel together. The first error counts. */
export async function runAll(
  client: pg.PoolClient,
  calls: readonly Call[],
): Promise<readonly Result[]> {
  const ended = await Promise.allSettled(calls.map((call) => client.query(configOf(call))));
  const failed = ended.find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  return ended.map((end) => resultOf((end as PromiseFulfilledResult<pg.QueryArrayResult>).value));
}

/**
 * Calls `run` with a connection. The connection goes back to the pool, or is closed if it cannot
 * take another statement.
 */
export async function withConnection<T>(
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    const result = await run(client);
    client.release();
    return result;
  } catch (error) {
    let isUsable = sqlStateOf(error) !== null && !isConnectionLost(error);
    if (isUsable)
      await client.query("ROLLBACK").catch(() => {
        isUsable = false;
      });
    client.release(!isUsable);
    throw error;
  }
}
