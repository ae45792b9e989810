/** Copies the file while others write to it, and puts a copy back. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { TidemarkError } from "@tidemark/core";
import type { BackupProgress } from "@tidemark/core/spi";
import { asTidemarkError } from "./errors.ts";

/** The pages of one step. The thread is blocked for less than 10 ms meanwhile. */
const PAGES_PER_STEP = 256;

/**
 * Copies a file as it is at one moment into a new file. The connection holds a read transaction:
 * writers go on, and their writes do not make the copy begin again. Only the write-ahead log grows
 * meanwhile.
 */
export async function backUpFile(
  path: string,
  name: string,
  {
    to,
    prepare,
    signal,
    onProgress,
  }: {
    readonly to: string;
    readonly prepare: () => Promise<void>;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  },
): Promise<void> {
  let from: Database.Database | null = null;
  try {
    from = new Database(path, { readonly: true, fileMustExist: true });
    const pageSize = from.pragma("page_size", { simple: true }) as number;
    from.exec("BEGIN");
    from.prepare("SELECT count(*) FROM sqlite_schema").get();
    await from.backup(to, {
      progress({ totalPages, remainingPages }) {
        signal?.throwIfAborted();
        onProgress?.({
          bytes: (totalPages - remainingPages) * pageSize,
          total: totalPages * pageSize,
        });
        return PAGES_PER_STEP;
      },
    });
    from.exec("COMMIT");
    await prepare();
    // Without a write-ahead log the copy is one file, which a read-only directory may hold.
    const copy = new Database(to);
    try {
      copy.pragma("journal_mode = DELETE");
    } finally {
      copy.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw asTidemarkError(name, error, path);
  } finally {
    from?.close();
  }
}

/**
 * Replaces a file by a copy in one step. A process that dies meanwhile leaves the old file, or the
 * copy.
 *
 * @throws ONLINE_STORE_NOT_EMPTY when there is a file, and `replace` is not set.
 * @throws ONLINE_STORE_BUSY when a process has the file open.
 */
export async function restoreFile(
  path: string,
  name: string,
  {
    from,
    replace,
    fileMode,
    directoryMode,
    signal,
  }: {
    readonly from: string;
    readonly replace: boolean;
    readonly fileMode: number;
    readonly directoryMode: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const isThere = refuseExisting(path, name, replace);
  const incoming = `${path}.restoring`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
    rmSync(incoming, { force: true });
    await copyFile(from, incoming);
    const file = await open(incoming, "r+");
    try {
      await file.chmod(fileMode);
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    const release = isThere ? claim(path, name, { empty: true }) : null;
    try {
      // A write-ahead log of the old file must never meet the copy.
      for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
      renameSync(incoming, path);
    } finally {
      release?.();
    }
    const directory = await open(dirname(path), "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    rmSync(incoming, { force: true });
    signal?.throwIfAborted();
    if (/^(ENOSPC|EDQUOT)$/.test(String((error as { readonly code?: unknown }).code)))
      throw new TidemarkError(
        "ONLINE_STORE_FULL",
        `${name}: the disk is full, and the file stays as it was: make room for the copy beside ` +
          "it, and restore again",
        { cause: error },
      );
    throw asTidemarkError(name, error, path);
  }
}

/**
 * Refuses what `restoreFile` would refuse, and changes nothing.
 *
 * @throws ONLINE_STORE_NOT_EMPTY when there is a file, and `replace` is not set.
 * @throws ONLINE_STORE_BUSY when a process has the file open.
 */
export function checkRestore(path: string, name: string, replace: boolean): void {
  if (refuseExisting(path, name, replace)) claim(path, name, { empty: false })();
}

/** Whether there is a file, which may be replaced. */
function refuseExisting(path: string, name: string, replace: boolean): boolean {
  const isThere = existsSync(path) && statSync(path).size > 0;
  if (isThere && !replace)
    throw new TidemarkError(
      "ONLINE_STORE_NOT_EMPTY",
      `${name}: the file is there already, and a restore would replace it: restore with ` +
        "--replace, or move the file and its -wal and -shm away",
    );
  return isThere;
}

/**
 * Takes the file for this process alone, and can empty its write-ahead log. Returns how to let go.
 * A file that is damaged cannot be in use.
 */
function claim(path: string, name: string, { empty }: { readonly empty: boolean }): () => void {
  let database: Database.Database | null = null;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN IMMEDIATE; COMMIT");
    if (empty) database.pragma("wal_checkpoint(TRUNCATE)");
    const claimed = database;
    return () => {
      claimed.close();
    };
  } catch (error) {
    database?.close();
    const code = (error as { readonly code?: unknown }).code;
    if (typeof code === "string" && /^SQLITE_(NOTADB|CORRUPT)/.test(code)) return () => undefined;
    if (typeof code === "string" && /^SQLITE_(BUSY|LOCKED)/.test(code))
      throw new TidemarkError(
        "ONLINE_STORE_BUSY",
        `${name}: a process has the file open, and would go on with the replaced one: stop the ` +
          "runs and servers of this file first",
        { cause: error },
      );
    throw error;
  }
}
