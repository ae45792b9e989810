import type { ConnectionOptions } from "node:tls";
import { TidemarkError, type TimeLimit } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";
import pg from "pg";

/** Settings of `postgresOnlineStore`. What names no server is taken from `PGHOST` and so on. */
export interface PostgresOnlineOptions {
  /** The address, as in `postgres://user@host:5432/database?sslmode=verify-full`. */
  readonly connectionString?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  /** The password. A function is asked for each connection, as tokens that expire need it. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  /** TLS: true, or the options of Node's `tls.connect`. */
  readonly ssl?: boolean | ConnectionOptions | undefined;
  /** The schema of the tables. It holds nothing else. Default: "tidemark". */
  readonly schema?: string | undefined;
  /** Only reads. The tables must exist; the role needs only SELECT. Default: false. */
  readonly readOnly?: boolean | undefined;
  /** How many connections this process opens at most. Default: 10. */
  readonly maxConnections?: number | undefined;
  /** How long a call waits for a connection. Default: "10s". */
  readonly connectTimeout?: TimeLimit | undefined;
  /** How long one statement may take. Default: "30s". */
  readonly statementTimeout?: TimeLimit | undefined;
  /** How long a step waits for the locks of another writer. Default: "10s". */
  readonly lockTimeout?: TimeLimit | undefined;
  /**
   * When a step is durable, as PostgreSQL's `synchronous_commit`. `on`: on the disk of the primary,
   * and of the synchronous standbys where the server names some. `remote_apply`: also visible on
   * them. `off`: a crash may undo the last steps, cells and positions together. Use `off` if the
   * log keeps acknowledged messages, as Kafka does. Default: `on`.
   */
  readonly synchronousCommit?: "on" | "remote_apply" | "off" | undefined;
  /** @internal Called around each commit, for tests that kill the process there. */
  readonly failpoint?: ((name: "before-commit" | "after-commit") => void) | undefined;
}

/** Checked settings. */
export interface Settings {
  /** The name of the store: the server, the database and the schema, without the user. */
  readonly name: string;
  /** The schema as an identifier of SQL, in quotes. */
  readonly schema: string;
  readonly pool: pg.PoolConfig;
  /** The settings of each session, by name. */
  readonly session: Readonly<Record<string, string>>;
}

/** The time that a statement has beyond its own limit until the connection counts as dead, ms. */
const GRACE_TIME = 5000;
/** How long a process may pause within a transaction, ms. Its locks hold up other writers. */
const PAUSE_TIME = 10_000;

/** @throws STORE_OPTIONS_INVALID when the address or the schema cannot be used. */
export function settingsOf(options: PostgresOnlineOptions): Settings {
  const { schema = "tidemark", maxConnections = 10, connectionString, password } = options;
  if (!/^[^\0]{1,63}$/u.test(schema) || Buffer.byteLength(schema) > 63 || schema.startsWith("pg_"))
    throw invalid("schema must be a name of 1 to 63 bytes that does not begin with pg_");
  if (!Number.isInteger(maxConnections) || maxConnections < 1)
    throw invalid("maxConnections must be a whole number above 0");
  const millis = (option: "connectTimeout" | "statementTimeout" | "lockTimeout", by: TimeLimit) =>
    timeLimitMillis(`postgresOnlineStore: ${option}`, options[option] ?? by, 1);
  const statementTimeout = millis("statementTimeout", "30s");
  const { host, port, database, user, ssl } = options;
  const given = { connectionString, host, port, database, user, password, ssl };
  const pool: pg.PoolConfig = {
    ...(Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as pg.PoolConfig),
    max: maxConnections,
    connectionTimeoutMillis: millis("connectTimeout", "10s"),
    query_timeout: statementTimeout + GRACE_TIME,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: "tidemark",
  };
  return {
    name: nameOf(pool, schema),
    schema: pg.escapeIdentifier(schema),
    pool,
    session: {
      statement_timeout: String(statementTimeout),
      lock_timeout: String(millis("lockTimeout", "10s")),
      idle_in_transaction_session_timeout: String(PAUSE_TIME),
      synchronous_commit: options.synchronousCommit ?? "on",
      default_transaction_isolation: "read committed",
      // a statement is planned once; it goes by the index, in the order of its keys
      plan_cache_mode: "force_generic_plan",
      enable_seqscan: "off",
      enable_hashjoin: "off",
      enable_mergejoin: "off",
      jit: "off",
      bytea_output: "hex",
      client_min_messages: "error",
    },
  };
}

function nameOf(pool: pg.PoolConfig, schema: string): string {
  let client: pg.Client;
  try {
    client = new pg.Client(pool);
  } catch {
    // the error shows the address, which may have a password
    throw invalid(
      "connectionString is no address of PostgreSQL; write " +
        "postgres://user@host:5432/database, with special characters of the password in % form",
    );
  }
  const { host, port, database = "" } = client;
  return (
    `postgres online store ${host}:${port}/${database}` +
    (schema === "tidemark" ? "" : ` (schema ${schema})`)
  );
}

function invalid(what: string): TidemarkError {
  return new TidemarkError("STORE_OPTIONS_INVALID", `postgresOnlineStore: ${what}`);
}
