/** Looks whether the path of a store still has the file that is open. */
import { statSync } from "node:fs";
import { TidemarkError } from "@tidemark/core";

/** A file, whatever its path. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly bytes: bigint;
}

/**
 * How long (ms) reads trust the last look at the path. A look takes 5 µs, and a read of one entity
 * 15 µs or more.
 */
export const TRUST_TIME = 50;

/** The file at a path; null: there is none, or it cannot be looked at. */
export function fileAt(path: string): FileIdentity | null {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : { device: found.dev, inode: found.ino, bytes: found.size };
  } catch {
    return null;
  }
}

export function isSameFile(one: FileIdentity | null, other: FileIdentity | null): boolean {
  return one !== null && one.device === other?.device && one.inode === other.inode;
}

/** The error of a path that has no file any more. The file may come back. */
export function fileGone(name: string): TidemarkError {
  return new TidemarkError(
    "ONLINE_FILE_GONE",
    `${name}: the file is not at its path any more, so nothing is read from it or written to it: ` +
      "put it back, or stop this process and fill a new file with `tidemark backfill`",
    { retryable: true },
  );
}

/** The error of a step whose file was taken away while the step was written. */
export function replacedDuringStep(name: string): TidemarkError {
  return new TidemarkError(
    "ONLINE_FILE_GONE",
    `${name}: another file took the place of the file while a step was written, and the new file ` +
      "does not have the step: write it again",
    { retryable: true },
  );
}

/**
 * The error of a new file beside the write-ahead log of the former file. SQLite would take the log
 * as that of the new file.
 */
export function formerLogLeft(name: string): TidemarkError {
  return new TidemarkError(
    "ONLINE_FILE_GONE",
    `${name}: another file took the place of the file, and the write-ahead log of the former one ` +
      "is still beside it: stop the processes that write, remove the files that end with -wal " +
      "and -shm, and start them again",
    { retryable: true },
  );
}
