/** Turns SQLite's errors into Tidemark's: who, what, and the next step. */
import { closeSync, openSync, rmSync } from "node:fs";
import { type ErrorCode, TidemarkError, isTidemarkError } from "@tidemark/core";

/** The codes of conditions that may pass without a change here. A run retries after them. */
const RETRYABLE_CODES: readonly string[] = [
  "SQLITE_BUSY",
  "SQLITE_LOCKED",
  "SQLITE_FULL",
  "SQLITE_IOERR",
];

/** The known failures by the start of SQLite's extended code. The first match counts. */
const KNOWN_FAILURES: readonly (readonly [sqlite: string, code: ErrorCode, message: string])[] = [
  [
    "SQLITE_BUSY",
    "ONLINE_STORE_BUSY",
    "another process holds its write lock; try again, or give a longer busyTimeout",
  ],
  ["SQLITE_LOCKED", "ONLINE_STORE_BUSY", "another statement holds its lock; try again"],
  [
    "SQLITE_FULL",
    "ONLINE_STORE_FULL",
    "the disk is full and nothing of this step was written; make room and write again",
  ],
  [
    // the file of shared memory beside a write-ahead log cannot grow
    "SQLITE_IOERR_SHMSIZE",
    "ONLINE_STORE_FULL",
    "the disk is full, so the file cannot be opened; make room and try again",
  ],
  [
    "SQLITE_READONLY",
    "ONLINE_STORE_READ_ONLY",
    "it cannot be written; " +
      "give this user write access to the file and its directory, or open it with readOnly",
  ],
  [
    "SQLITE_PERM",
    "ONLINE_STORE_READ_ONLY",
    "it cannot be written; " +
      "give this user write access to the file and its directory, or open it with readOnly",
  ],
  [
    "SQLITE_NOTADB",
    "ONLINE_STORE_DAMAGED",
    "the file is no SQLite database; " +
      "check the path, or restore the file from a backup, or remove it and run the log again",
  ],
  [
    "SQLITE_CORRUPT",
    "ONLINE_STORE_DAMAGED",
    "the file is damaged; restore it from a backup, or remove it and run the log again",
  ],
  [
    "SQLITE_CANTOPEN",
    "ONLINE_STORE_CANNOT_OPEN",
    "the file cannot be opened; check that the path is a file that this user may read and write",
  ],
];

/** Returns `error` as a TidemarkError. A TidemarkError is returned unchanged. */
export function asTidemarkError(name: string, error: unknown, path: string | null): unknown {
  if (isTidemarkError(error)) return error;
  const sqlite = (error as { readonly code?: unknown } | null)?.code;
  if (typeof sqlite !== "string" || !sqlite.startsWith("SQLITE_")) return error;
  const readOnly =
    sqlite.startsWith("SQLITE_CANTOPEN") && path !== null && isReadOnlyDirectory(path);
  const known = KNOWN_FAILURES.find(([start]) =>
    readOnly ? start === "SQLITE_READONLY" : sqlite.startsWith(start),
  );
  const [code, message]: readonly [ErrorCode, string] =
    known === undefined
      ? ["ONLINE_STORE_FAILED", "SQLite could not do this; see the cause"]
      : [known[1], known[2]];
  const retryable = RETRYABLE_CODES.some((start) => sqlite.startsWith(start));
  return new TidemarkError(code, `${name}: ${message} (${sqlite})`, { cause: error, retryable });
}

/**
 * True if the store's directory takes no new files. SQLite only reports that it cannot open a file.
 */
function isReadOnlyDirectory(path: string): boolean {
  const probe = `${path}.${process.pid}.probe`;
  try {
    // `access` is not used: it checks the user who started the process, not the effective user.
    closeSync(openSync(probe, "wx"));
    rmSync(probe);
    return false;
  } catch (error) {
    return ["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}
