/** Opens the connection, and types the part of better-sqlite3 that is called. */
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { TidemarkError } from "@tidemark/core";
import { asTidemarkError } from "./errors.ts";

/** The part of a better-sqlite3 `Database` that the store calls. */
export interface SqliteDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** The part of a better-sqlite3 `Statement` that the store calls. */
export interface SqliteStatement {
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  run(...values: unknown[]): { readonly changes: number };
  pluck(): SqliteStatement;
  safeIntegers(on: boolean): SqliteStatement;
}

export interface ConnectionOptions {
  /** Makes no file and no directory. */
  readonly mustExist: boolean;
  readonly readOnly: boolean;
  readonly busyTimeout: number;
  readonly synchronous: "full" | "normal";
  readonly cacheBytes: number;
  readonly mmapBytes: number;
  /** The permissions of a new file, which SQLite gives to its log too. */
  readonly fileMode: number;
  /** The permissions of a new directory. */
  readonly directoryMode: number;
}

/**
 * The page size, larger than SQLite's 4,096. A page then holds several cells of 2 KB, so 5,000
 * updates touch fewer pages. The measured rate is twice as high.
 */
const PAGE_SIZE = 8192;
/**
 * The size of the log at which a checkpoint runs. A checkpoint writes each page once, so it pays to
 * gather a few large steps.
 */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

/** Opens a file. The file and its directory are made if they are missing. */
export function openDatabase(
  path: string,
  name: string,
  options: ConnectionOptions,
): SqliteDatabase {
  try {
    if (!options.readOnly && !options.mustExist)
      mkdirSync(dirname(path), { recursive: true, mode: options.directoryMode });
  } catch (error) {
    throw new TidemarkError(
      "ONLINE_STORE_READ_ONLY",
      `${name}: its directory cannot be made; ` +
        `make ${dirname(path)} for this user, or choose another path`,
      { cause: error },
    );
  }
  if (options.readOnly && !existsSync(path)) {
    throw new TidemarkError(
      "ONLINE_STORE_MISSING",
      `${name}: there is no such file; open it without readOnly first, in the process that writes`,
    );
  }
  let database: SqliteDatabase | null = null;
  try {
    if (!options.readOnly && !options.mustExist && path !== ":memory:")
      makeFile(path, options.fileMode);
    database = new Database(path, {
      readonly: options.readOnly,
      fileMustExist: options.mustExist,
      timeout: options.busyTimeout,
    });
    database.exec(
      `PRAGMA cache_size = -${Math.ceil(options.cacheBytes / 1024)}; ` +
        `PRAGMA mmap_size = ${options.mmapBytes}; PRAGMA synchronous = ${options.synchronous}`,
    );
    if (!options.readOnly) {
      const pages = Math.ceil(CHECKPOINT_BYTES / PAGE_SIZE);
      database.exec(
        `PRAGMA page_size = ${PAGE_SIZE}; PRAGMA wal_autocheckpoint = ${pages}; ` +
          `PRAGMA journal_size_limit = ${CHECKPOINT_BYTES}`,
      );
    }
    return database;
  } catch (error) {
    database?.close();
    throw asTidemarkError(name, error, path);
  }
}

/** Makes a missing file. SQLite itself would make it readable to every user of the machine. */
function makeFile(path: string, mode: number): void {
  if (existsSync(path)) return;
  try {
    closeSync(openSync(path, "a", mode));
  } catch {
    // SQLite meets the same error and names it.
  }
}
