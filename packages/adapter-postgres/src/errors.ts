/** Turns PostgreSQL's errors into Tidemark's: who, what, and the next step. */
import { type ErrorCode, TidemarkError, isTidemarkError } from "@tidemark/core";

/** A failure: the starts of its SQLSTATE codes, and whether the same call may work later. */
interface KnownFailure {
  readonly states: readonly string[];
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly message: string;
}

/** The known failures. The first match counts. */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    states: ["53100"],
    code: "ONLINE_STORE_FULL",
    retryable: true,
    message: "its disk is full and nothing of this step was written; make room, then it goes on",
  },
  {
    states: ["53300"],
    code: "ONLINE_STORE_BUSY",
    retryable: true,
    message:
      "PostgreSQL has no connection left; lower maxConnections of the processes, raise " +
      "max_connections, or put a pooler with session pooling before it",
  },
  {
    states: ["57014"],
    code: "ONLINE_STORE_BUSY",
    retryable: true,
    message:
      "a statement took longer than statementTimeout and was ended; nothing of this step was " +
      "written; give a longer statementTimeout, or see what loads the server",
  },
  {
    states: ["55P03"],
    code: "ONLINE_STORE_BUSY",
    retryable: true,
    message:
      "another transaction kept a lock longer than lockTimeout; try again, or see " +
      "pg_stat_activity for what holds it",
  },
  {
    states: ["40001", "40P01"],
    code: "ONLINE_STORE_BUSY",
    retryable: true,
    message: "the step met other writers again and again; try again",
  },
  {
    states: ["25006"],
    code: "ONLINE_STORE_READ_ONLY",
    retryable: true,
    message:
      "PostgreSQL takes no writes here: it is a standby, or default_transaction_read_only is on; " +
      "name the primary's address, or open it with readOnly",
  },
  {
    states: ["28", "42501"],
    code: "ONLINE_STORE_DENIED",
    retryable: false,
    message: "PostgreSQL refuses the user; check the user, the password and the rights of the role",
  },
  {
    states: ["3D000"],
    code: "ONLINE_STORE_DENIED",
    retryable: false,
    message: "there is no such database; make it, or name another one",
  },
  {
    states: ["42P01", "3F000"],
    code: "ONLINE_STORE_MISSING",
    retryable: false,
    message:
      "its tables are gone from the schema; restore the schema from a backup, or start the " +
      "process again and fill the store with `tidemark backfill`",
  },
  {
    states: ["XX001", "XX002"],
    code: "ONLINE_STORE_DAMAGED",
    retryable: false,
    message:
      "PostgreSQL finds its files damaged; restore the database from a backup, or drop the " +
      "schema and run the log again",
  },
  {
    states: ["26000", "08P01"],
    code: "ONLINE_STORE_FAILED",
    retryable: false,
    message:
      "the server does not keep the state of a connection; connect to PostgreSQL itself, or to " +
      "a pooler with session pooling",
  },
  {
    // shutting down, starting up, crashed; broken connections
    states: ["57P", "08"],
    code: "ONLINE_STORE_UNREACHABLE",
    retryable: true,
    message: "PostgreSQL stops, starts or ended the connection; try again when it is up",
  },
  {
    states: ["25P03"],
    code: "ONLINE_STORE_UNREACHABLE",
    retryable: true,
    message: "this process paused within a transaction, and PostgreSQL ended it; try again",
  },
  {
    states: ["53"],
    code: "ONLINE_STORE_BUSY",
    retryable: true,
    message: "PostgreSQL lacks memory or another resource; try again, or give the server more",
  },
  {
    states: ["58"],
    code: "ONLINE_STORE_FAILED",
    retryable: true,
    message: "PostgreSQL's disk or operating system failed; see the log of the server",
  },
];

/** Errors of TLS: a later call does not pass either. */
const TLS_CODES = /^(?:ERR_(?:TLS|SSL)|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;
const TLS_MESSAGE = /SSL|certificate/;
/** Errors of a socket, and what `pg` says of a lost connection. */
const SOCKET_CODES = /^(?:E[A-Z]{3,})$/;
const LOST_MESSAGE =
  /^(?:Connection (?:terminated|ended)|timeout e|Query read timeout|Client (?:has e|was c))/;

/** The SQLSTATE of an error of the server. null: the error is none. */
export function sqlStateOf(error: unknown): string | null {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; severity?: unknown };
  return typeof code === "string" && severity !== undefined ? code : null;
}

/** Whether the connection is gone, so that nobody knows how a COMMIT under way ended. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== null) return /^(?:57P|08)/.test(state);
  const { code, message } = error as NodeJS.ErrnoException;
  return SOCKET_CODES.test(code ?? "") || LOST_MESSAGE.test(message);
}

/** Whether the server rolled the step back because of other writers, so that it may be repeated. */
export function isContention(error: unknown): boolean {
  return ["40001", "40P01"].includes(sqlStateOf(error) ?? "");
}

/** Returns `error` as a TidemarkError. A TidemarkError is returned unchanged. */
export function asTidemarkError(name: string, error: unknown): unknown {
  if (isTidemarkError(error) || !(error instanceof Error)) return error;
  const state = sqlStateOf(error);
  const make = (code: ErrorCode, retryable: boolean, message: string): TidemarkError =>
    new TidemarkError(code, `${name}: ${message}`, { cause: error, retryable });
  if (state !== null) {
    const known = KNOWN_FAILURES.find(({ states }) => states.some((s) => state.startsWith(s)));
    if (known === undefined)
      return make(
        "ONLINE_STORE_FAILED",
        false,
        `PostgreSQL could not do this; see the cause (${state})`,
      );
    return make(known.code, known.retryable, `${known.message} (${state})`);
  }
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (TLS_CODES.test(code) || (code === "" && TLS_MESSAGE.test(message)))
    return make(
      "ONLINE_STORE_DENIED",
      false,
      "the encrypted connection failed; check ssl of the options, the certificate and its " +
        `authority (${code === "" ? message : code})`,
    );
  if (isConnectionLost(error))
    return make(
      "ONLINE_STORE_UNREACHABLE",
      true,
      "PostgreSQL does not answer; see that it runs at this address and can be reached " +
        `(${code === "" ? message : code})`,
    );
  return make("ONLINE_STORE_FAILED", false, `the client failed; see the cause: ${message}`);
}
