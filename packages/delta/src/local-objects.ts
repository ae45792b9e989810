import { createHash, randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
} from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type ErrorCode, TidemarkError } from "@tidemark/core";
import type { ObjectInfo, ObjectStore } from "./objects.ts";

const TEMPORARY_FOLDER = ".tmp";
/** A read of a file costs about as much as these bytes. */
const READ_GAP = 1024;
const ABANDONED_AFTER = 3_600_000;
/** The permissions of a new file: it holds data, so other users of the machine do not read it. */
const FILE_MODE = 0o600;

/** Settings of `localObjects`. */
export interface LocalObjectsOptions {
  /**
   * The permissions of new files. The umask still applies. Default: 0o600, for this user alone.
   */
  readonly fileMode?: number | undefined;
  /** The permissions of new directories. The umask still applies. Default: 0o700. */
  readonly directoryMode?: number | undefined;
  /**
   * Internal, for tests that kill the process: called with `temporary-written` before a file gets
   * its name.
   */
  readonly failpoint?: ((name: string) => void | Promise<void>) | undefined;
}

/**
 * Stores objects as files under a directory. The first write makes the directory.
 *
 * A file is written and synced under `.tmp/`, and then gets its name. A create uses `link`, which
 * fails with EEXIST if the name exists; a put uses `rename`. Then the directory is synced. A
 * process that dies midway leaves a temporary file. A later writer of the same machine removes the
 * file, and any later writer does once it is an hour old.
 *
 * @throws OBJECTS_READ_ONLY when this user may not read or write the directory.
 * @throws OBJECTS_FULL when no space is left; no file is half-written.
 * @throws OBJECTS_BAD_KEY when a path cannot be a file or a directory.
 * @throws OBJECTS_FAILED when the system refuses in another way.
 * @example
 * const offline = deltaOfflineStore(localObjects("./lake"));
 */
export function localObjects(directory: string, options: LocalObjectsOptions = {}): ObjectStore {
  const { fileMode = FILE_MODE, directoryMode = 0o700 } = options;
  const root = resolve(directory);
  const name = `local directory ${directory}`;
  const madeDirectories = new Set<string>();
  let cleaned: Promise<void> | null = null;
  let cleanedAt = 0;

  const guard = async <T>(key: string, action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw objectError(name, key, error);
    }
  };

  /** Makes a directory and syncs every parent that got a new entry. */
  const makeDirectory = async (path: string): Promise<void> => {
    if (madeDirectories.has(path)) return;
    const first = await mkdir(path, { recursive: true, mode: directoryMode }).catch(
      (error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
        throw new TidemarkError(
          "OBJECTS_BAD_KEY",
          `${name}: ${path} is a file and cannot be a directory; name another directory`,
          { cause: error },
        );
      },
    );
    if (first !== undefined)
      for (let at = path; at.length >= dirname(first).length; at = dirname(at))
        await syncDirectory(at);
    madeDirectories.add(path);
  };

  const writeTemporary = async (
    content: Uint8Array | AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<string> => {
    const folder = join(root, TEMPORARY_FOLDER);
    await makeDirectory(folder);
    if (cleaned === null || performance.now() - cleanedAt > ABANDONED_AFTER) {
      cleanedAt = performance.now();
      cleaned = removeTemporary(folder);
    }
    await cleaned;
    const path = join(folder, `${process.pid}-${processSpace()}-${randomUUID()}`);
    try {
      await writeSynced(path, content, signal, fileMode);
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || !(content instanceof Uint8Array)) throw error;
      madeDirectories.delete(folder); // another process removed the lake meanwhile
      await makeDirectory(folder);
      await writeSynced(path, content, signal, fileMode);
    }
    await options.failpoint?.("temporary-written");
    return path;
  };

  /**
   * Gives a temporary file its name. The directory is made if it is missing or was removed
   * meanwhile.
   */
  const publish = async (path: string, giveName: () => Promise<void>): Promise<void> => {
    try {
      await giveName();
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      madeDirectories.delete(dirname(path));
      await makeDirectory(dirname(path));
      await giveName();
    }
    await syncDirectory(dirname(path));
  };

  return {
    name,
    readGap: READ_GAP,
    size: (key, { signal } = {}) =>
      guard(key, async () => {
        signal?.throwIfAborted();
        return await stat(filePathOf(root, name, key)).then(
          (found) => (found.isFile() ? found.size : null),
          nullIfAbsent,
        );
      }),
    read: (key, range, { signal } = {}) =>
      guard(key, async () => {
        signal?.throwIfAborted();
        const path = filePathOf(root, name, key);
        if (range === undefined) return await readFile(path).then(asUint8Array, nullIfAbsent);
        const file = await open(path, "r").catch(nullIfAbsent);
        if (file === null) return null;
        try {
          const bytes = new Uint8Array(Math.max(range.to - range.from, 0));
          let length = 0;
          while (length < bytes.length) {
            const { bytesRead } = await file.read(
              bytes,
              length,
              bytes.length - length,
              range.from + length,
            );
            if (bytesRead === 0) break;
            length += bytesRead;
          }
          return length === bytes.length ? bytes : bytes.slice(0, length);
        } finally {
          await file.close();
        }
      }),
    put: (key, content, { signal } = {}) =>
      guard(key, async () => {
        signal?.throwIfAborted();
        const path = filePathOf(root, name, key);
        const temporary = await writeTemporary(content, signal);
        await publish(path, () => rename(temporary, path)).catch(async (error) => {
          await unlink(temporary).catch(() => undefined);
          throw error;
        });
      }),
    createIfAbsent: (key, content, { signal } = {}) =>
      guard(key, async () => {
        signal?.throwIfAborted();
        const path = filePathOf(root, name, key);
        if ((await stat(path).catch(nullIfAbsent)) !== null) return false;
        const temporary = await writeTemporary(content, signal);
        try {
          await publish(path, () => link(temporary, path));
          return true;
        } catch (error) {
          if (codeOf(error) === "EEXIST") return false;
          throw error;
        } finally {
          await unlink(temporary).catch(() => undefined);
        }
      }),
    async *list(prefix, { signal, after } = {}) {
      signal?.throwIfAborted();
      const from = prefix.lastIndexOf("/");
      const found: ObjectInfo[] = [];
      await guard(prefix, () =>
        listFolder(root, from < 0 ? "" : prefix.slice(0, from), prefix, after, found),
      );
      found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
      yield* found;
    },
    delete: (key, { signal } = {}) =>
      guard(key, async () => {
        signal?.throwIfAborted();
        await unlink(filePathOf(root, name, key)).catch(nullIfAbsent);
      }),
  };
}

/**
 * Turns a key into a path under the root. A segment is never `.` or `..`, so no key leads out of
 * the directory.
 */
function filePathOf(root: string, name: string, key: string): string {
  const segments = key.split("/");
  if (
    segments[0] === TEMPORARY_FOLDER ||
    segments.some(
      (segment) => segment === "" || segment === "." || segment === ".." || /[\0\\]/.test(segment),
    )
  ) {
    throw new TidemarkError(
      "OBJECTS_BAD_KEY",
      `${name}: ${JSON.stringify(key)} is no key; use names joined by "/", without empty, "." ` +
        `and ".." segments`,
    );
  }
  return join(root, ...segments);
}

async function listFolder(
  root: string,
  folder: string,
  prefix: string,
  after: string | undefined,
  found: ObjectInfo[],
): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(nullIfAbsent);
  for (const entry of entries ?? []) {
    if (folder === "" && entry.name === TEMPORARY_FOLDER) continue;
    const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`))
        await listFolder(root, key, prefix, after, found);
    } else if (
      entry.isFile() &&
      key.startsWith(prefix) &&
      (after === undefined || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    ) {
      const info = await stat(join(root, key)).catch(nullIfAbsent);
      if (info !== null) found.push({ key, size: info.size, modified: info.mtimeMs });
    }
  }
}

/**
 * Removes temporary files of writers that died. A living writer touches its file far more often
 * than once an hour. A slower writer fails with nothing written.
 */
async function removeTemporary(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const path = join(directory, entry);
    const info = await stat(path).catch(nullIfAbsent);
    if (info !== null && (isOfDead(entry) || Date.now() - info.mtimeMs > ABANDONED_AFTER))
      await unlink(path).catch(nullIfAbsent);
  }
}

/** Whether a temporary file is of a process of this machine that has ended. */
function isOfDead(entry: string): boolean {
  const [, pid, space] = /^(\d+)-([0-9a-f]{12})-/.exec(entry) ?? [];
  if (space !== processSpace()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

let space: string | null = null;

/** Names the processes among which a process id is of one process: a machine, or a container. */
function processSpace(): string {
  if (space === null) {
    let name = hostname();
    try {
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
      name = `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
    } catch {
      // only Linux has these files
    }
    space = createHash("sha256").update(name).digest("hex").slice(0, 12);
  }
  return space;
}

/** Writes a new file and syncs it. A file that failed is removed. */
export async function writeSynced(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  mode: number = FILE_MODE,
): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    if (content instanceof Uint8Array) await writeAll(file, content);
    else
      for await (const chunk of content) {
        signal?.throwIfAborted();
        await writeAll(file, chunk);
      }
    await file.datasync();
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
  await file.close();
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot sync a directory and need not: NTFS journals its metadata in order.
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function asUint8Array(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

function nullIfAbsent(error: unknown): null {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return null;
  throw error;
}

/** Turns a system error into an error that says what to do. */
export function objectError(store: string, key: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === "ERR_FS_FILE_TOO_LARGE")
    return new TidemarkError(
      "OBJECTS_FAILED",
      `${store}: "${key}" is too large to be read whole; put it back from a copy`,
      { cause: error },
    );
  if (error instanceof TidemarkError || code === undefined || !/^E[A-Z0-9]+$/.test(code))
    return error;
  const storeError = (kind: ErrorCode, message: string, retryable: boolean): TidemarkError =>
    new TidemarkError(kind, `${store}: ${message} (${code} at "${key}")`, {
      cause: error,
      retryable,
    });
  switch (code) {
    case "EROFS":
    case "EACCES":
    case "EPERM": // a disk that has failed is read-only for every user
      return storeError(
        "OBJECTS_READ_ONLY",
        "this process may not write or read here; " +
          "give its user the right to, or open a store elsewhere",
        code === "EROFS",
      );
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return storeError(
        "OBJECTS_FULL",
        "no space is left; make room and try again: nothing was half-written",
        true,
      );
    case "ENOTDIR":
    case "ENAMETOOLONG":
      return storeError(
        "OBJECTS_BAD_KEY",
        "the path cannot be a file here; name another directory",
        false,
      );
    default:
      return storeError(
        "OBJECTS_FAILED",
        "the system refused; see the cause, then try again",
        true,
      );
  }
}
