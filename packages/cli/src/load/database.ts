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
  /** The name of the constraint that a row violates. */
  readonly constraint?: string;
  /** The function of the server that raised the error. */
  readonly routine?: string;
  readonly severity?: string;
}

export function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && "severity" in error && "code" in error;
}

/** Codes of errors about a row: PostgreSQL shows values of the row in them. */
const OF_ROW = /^(?:2[1-3]|44|P0)/;

/**
 * What PostgreSQL says of a row, without the row's values (they may be a customer's).
 * A trigger may say anything, so its words are left out.
 */
export function postgresMessage({ message, code = "", routine }: PostgresError): string {
  if (!OF_ROW.test(code)) return message;
  if (code.startsWith("P0") || routine === "exec_stmt_raise")
    return `a trigger or a function of the database refused it (PostgreSQL's error ${code})`;
  // Errors of class 23 name constraints and columns. Those of 21 and 22 end in the value.
  if (/^(?:23|44)/.test(code)) return message;
  const range = /^value ".*" is out of range for type ([\w ]+)$/s.exec(message);
  if (range !== null) return `it is out of range for type ${range[1]!}`;
  return message.includes('"') && !/^[^"]*: "/s.test(message)
    ? `it cannot be stored (PostgreSQL's error ${code})`
    : message.replace(/: ".*$/s, "");
}

/** Turns any error of `pg` into a TidemarkError. */
export function databaseError(error: unknown, who: string): TidemarkError<string> {
  if (isTidemarkError(error)) return error;
  if (!isPostgresError(error))
    return new TidemarkError(
      "DATABASE_UNREACHABLE",
      `${who}: ${(error as Error).message}; see that PostgreSQL runs at this address and can be ` +
        "reached, then run the command again",
      { cause: error, retryable: true },
    );
  const { code = "", detail } = error;
  const ofRow = OF_ROW.test(code);
  const make = (name: ErrorCode, next: string, retryable = false): TidemarkError =>
    new TidemarkError(
      name,
      `${who}: ${postgresMessage(error)}` +
        `${detail === undefined || ofRow ? "" : ` (${detail})`}; ${next}`,
      { ...(ofRow ? {} : { cause: error }), retryable },
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
  return make(
    "DATABASE_FAILED",
    `PostgreSQL's error ${code}; nothing of the day was written` +
      (ofRow ? "; find the row by the constraint or the column that is named" : ""),
  );
}
