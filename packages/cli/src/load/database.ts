/** Connects to PostgreSQL, and turns its errors into errors with a next step. */
import { type ErrorCode, TidemarkError, isTidemarkError } from "@tidemark/core";
import pg from "pg";
import type { DatabaseAddress } from "../config/load-jobs.ts";

export interface Connection {
  readonly client: pg.Client;
  /** Closes the connection. Work without a COMMIT is rolled back. */
  close(): Promise<void>;
}

/**
 * Opens a connection. After the signal aborts, its queries fail.
 * @throws DATABASE_UNREACHABLE when the server does not answer.
 * @throws DATABASE_DENIED when the server refuses the user.
 */
export async function connectTo(
  address: DatabaseAddress,
  who: string,
  zone: string,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const client = new pg.Client({
    ...clientConfigOf(address),
    connectionTimeoutMillis: 15_000,
    keepAlive: true,
    application_name: "tidemark load",
  });
  // The query in progress reports a broken connection.
  client.on("error", () => undefined);
  const close = async (): Promise<void> => {
    signal.removeEventListener("abort", end);
    await client.end().catch(() => undefined);
  };
  const end = (): void => {
    void client.end().catch(() => undefined);
  };
  try {
    await client.connect();
    signal.addEventListener("abort", end, { once: true });
    // Text without a zone is read in the configuration's zone. Written text must be readable again.
    await client.query(
      "SELECT set_config('TimeZone', $1, false), set_config('DateStyle', 'ISO, YMD', false), " +
        "set_config('client_encoding', 'UTF8', false)",
      [zone],
    );
    return { client, close };
  } catch (error) {
    await close();
    throw databaseError(error, who);
  }
}

export function clientConfigOf(address: DatabaseAddress): pg.ClientConfig {
  return (typeof address === "string" ? { connectionString: address } : address) as pg.ClientConfig;
}

interface PostgresError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly severity?: string;
}

export function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && "severity" in error && "code" in error;
}

/** Turns any error of `pg` into a TidemarkError. */
export function databaseError(error: unknown, who: string): TidemarkError<string> {
  if (isTidemarkError(error)) return error;
  const { message, code = "", detail } = error as PostgresError;
  const make = (name: ErrorCode, next: string, retryable = false): TidemarkError =>
    new TidemarkError(
      name,
      `${who}: ${message}${detail === undefined ? "" : ` (${detail})`}; ${next}`,
      { cause: error, retryable },
    );
  if (!isPostgresError(error))
    return make(
      "DATABASE_UNREACHABLE",
      "see that PostgreSQL runs at this address and can be reached, then run the command again",
      true,
    );
  if (/^(28|42501)/.test(code))
    return make("DATABASE_DENIED", "check the user, the password and the rights of the user");
  if (code === "3D000") return make("DATABASE_DENIED", "make the database, or name another one");
  if (/^(08|53|57P)/.test(code))
    return make(
      "DATABASE_UNREACHABLE",
      "run the command again when the database can take it",
      true,
    );
  return make("DATABASE_FAILED", `PostgreSQL's error ${code}; nothing of the day was written`);
}
