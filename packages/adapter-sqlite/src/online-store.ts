import { setTimeout } from "node:timers/promises";
import { TidemarkError, isTidemarkError, type TimeLimit } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";
import type {
  Cell,
  CellWrite,
  Checkpoint,
  MetadataStep,
  OnlineBackups,
  OnlineStore,
  Position,
  PositionStep,
} from "@tidemark/core/spi";
import { backUpFile, checkRestore, restoreFile } from "./backup.ts";
import { type SqliteDatabase, openDatabase } from "./database.ts";
import { asTidemarkError } from "./errors.ts";
import {
  fileAt,
  fileGone,
  formerLogLeft,
  isSameFile,
  replacedDuringStep,
  TRUST_TIME,
  type FileIdentity,
} from "./file-guard.ts";
import { namespaceId, prepareFile } from "./schema.ts";
import { type Statements, prepareStatements } from "./statements.ts";

/**
 * The last seen change counters: the file's, for writes of other connections, and this connection's
 * own.
 */
interface ChangeCounter {
  others: unknown;
  own: unknown;
  count: number;
}

/** Settings of `sqliteOnlineStore`. */
export interface SqliteOnlineOptions {
  /** Only reads, beside a process that writes. The file must exist. Default: false. */
  readonly readOnly?: boolean | undefined;
  /**
   * How long a write waits for another process's write before it fails with `ONLINE_STORE_BUSY`.
   * The thread is blocked meanwhile. Default: "5s".
   */
  readonly busyTimeout?: TimeLimit | undefined;
  /**
   * When a step is durable. `full`: a step is on the disk when `write` returns, so its positions
   * may be acknowledged to the log. `normal`: a power failure may undo the last steps, cells and
   * positions together. Use `normal` if the log keeps acknowledged messages, as Kafka does.
   * Default: `full`.
   */
  readonly synchronous?: "full" | "normal" | undefined;
  /** The size of SQLite's page cache. Default: 64 MiB. */
  readonly cacheBytes?: number | undefined;
  /**
   * How many bytes of the file are read through a memory map; 0 for none. The process's RSS
   * includes the map. Default: 1 GiB.
   */
  readonly mmapBytes?: number | undefined;
  /**
   * The permissions of a new file and of its write-ahead log. The umask still applies. Default:
   * 0o600, for this user alone.
   */
  readonly fileMode?: number | undefined;
  /** The permissions of a new directory. The umask still applies. Default: 0o700. */
  readonly directoryMode?: number | undefined;
  /** @internal Called around each commit and purge, for tests that kill the process there. */
  readonly failpoint?:
    | ((name: "before-commit" | "after-commit" | "before-purge" | "after-purge") => void)
    | undefined;
}

interface Connection {
  readonly database: SqliteDatabase;
  readonly statements: Statements;
}

interface OpenNamespace {
  readonly namespace: string;
  readonly changeCounter: ChangeCounter;
  /** null: another file took the place of the file, and could not be opened yet. */
  connection: Connection | null;
  /** The file that is open. null: it is no file of this store's own. */
  file: FileIdentity | null;
  /** The write-ahead log of the file, as last seen. */
  log: FileIdentity | null;
  /** When (ms) the path is looked at again. */
  trustedUntil: number;
  /** Why the new file could not be opened. It is tried again when the trust ends. */
  refusal: unknown;
  /** How many files the path has had. The versions of cells tell them apart. */
  files: number;
}

/**
 * Makes an online store in one SQLite file, which any number of processes may open. A given
 * better-sqlite3 `Database` keeps its own settings, is switched to WAL, and is not closed. The
 * errors come from `open`.
 *
 * @throws STATE_NOT_TIDEMARK when the file is another program's database.
 * @throws STATE_NEWER_FORMAT when a newer Tidemark wrote the file.
 * @throws ONLINE_STORE_DAMAGED when the file is no SQLite database, or is damaged.
 * @example
 * const online = sqliteOnlineStore("online.db");
 */
export function sqliteOnlineStore(
  file: string | SqliteDatabase,
  options: SqliteOnlineOptions = {},
): OnlineStore {
  const {
    readOnly = false,
    synchronous = "full",
    cacheBytes = 64 * 1024 * 1024,
    mmapBytes = 1024 * 1024 * 1024,
    fileMode = 0o600,
    directoryMode = 0o700,
    failpoint,
  } = options;
  const busyTimeout = timeLimitMillis(
    "sqliteOnlineStore: busyTimeout",
    options.busyTimeout ?? "5s",
  );
  const path = typeof file === "string" ? file : null;
  const name = path === null ? "sqlite online store" : `sqlite online store ${path}`;
  /** The path that is watched; null: there is no file, or its owner is not this store. */
  const watched = path === null || path === "" || path === ":memory:" ? null : path;
  let opened: OpenNamespace | null = null;

  /**
   * The connection to the file at the path. `looksNow`: the path is looked at even if the last look
   * was just now.
   *
   * @throws ONLINE_FILE_GONE when the path has no file.
   */
  function connectionNow(looksNow = false): Connection {
    if (opened === null)
      throw new TidemarkError(
        "ONLINE_STORE_NOT_OPEN",
        `${name}: is not open; call open({ namespace }) first`,
      );
    if (watched === null) return opened.connection!;
    const now = performance.now();
    if (now < opened.trustedUntil) {
      if (opened.connection === null) throw opened.refusal;
      if (!looksNow) return opened.connection;
    }
    const found = fileAt(watched);
    if (found === null) throw fileGone(name);
    if (opened.connection === null || !isSameFile(found, opened.file))
      return openOther(opened, watched, found);
    opened.log = fileAt(`${watched}-wal`) ?? opened.log;
    opened.trustedUntil = now + TRUST_TIME;
    return opened.connection;
  }

  /** Opens the file that took the place of the open one. */
  function openOther(from: OpenNamespace, at: string, found: FileIdentity): Connection {
    const log = fileAt(`${at}-wal`);
    if (found.bytes > 0n && log !== null && log.bytes > 0n && isSameFile(log, from.log))
      throw formerLogLeft(name);
    // SQLite does not remove the log of a file that is not at its path. Close first: the locks of
    // a process on the shared memory of the log end when any of its connections closes.
    from.connection?.database.close();
    from.connection = null;
    from.trustedUntil = performance.now() + TRUST_TIME;
    try {
      from.connection = connect(from.namespace, from.files + 1, true);
    } catch (error) {
      from.refusal = error;
      throw error;
    }
    from.files++;
    Object.assign(from.changeCounter, { others: null, own: null });
    from.file = fileAt(at);
    from.log = fileAt(`${at}-wal`);
    return from.connection;
  }

  function withStatements<T>(run: (statements: Statements) => T): T {
    const { statements } = connectionNow();
    try {
      return run(statements);
    } catch (error) {
      throw asTidemarkError(name, error, path);
    }
  }

  function connect(namespace: string, files: number, mustExist: boolean): Connection {
    const database =
      typeof file === "string"
        ? openDatabase(file, name, {
            mustExist,
            readOnly,
            busyTimeout,
            synchronous,
            cacheBytes,
            mmapBytes,
            fileMode,
            directoryMode,
          })
        : file;
    try {
      if (!readOnly) prepareFile(database, name, namespace);
      const id = namespaceId(database, name, namespace);
      if (id === null)
        throw new TidemarkError(
          "ONLINE_STORE_MISSING",
          `${name}: has no namespace "${namespace}" yet; ` +
            "open it without readOnly first, in the process that writes",
        );
      return { database, statements: prepareStatements(database, id, files) };
    } catch (error) {
      if (path !== null) database.close();
      throw asTidemarkError(name, error, path);
    }
  }

  function backupsOf(file: string): OnlineBackups {
    return {
      async write({ to, prepare, signal, onProgress }) {
        await backUpFile(file, name, {
          to,
          signal,
          onProgress,
          async prepare() {
            const copy = sqliteOnlineStore(to, { fileMode });
            try {
              await prepare(copy);
            } finally {
              await copy.close();
            }
          },
        });
      },
      open: (copy) => sqliteOnlineStore(copy, { readOnly: true }),
      async check({ replace }) {
        checkRestore(file, name, replace);
      },
      restore: ({ from, replace, signal }) =>
        restoreFile(file, name, { from, replace, fileMode, directoryMode, signal }),
    };
  }

  return {
    name,

    async open({ namespace, signal }) {
      if (opened !== null && opened.namespace !== namespace) {
        throw new TidemarkError(
          "ONLINE_STORE_OTHER_NAMESPACE",
          `${name}: is open for namespace "${opened.namespace}"; ` +
            `make another store for "${namespace}"`,
        );
      }
      const until = Date.now() + busyTimeout;
      while (opened === null) {
        signal?.throwIfAborted();
        try {
          const connection = connect(namespace, 0, false);
          opened = {
            namespace,
            changeCounter: { others: null, own: null, count: 0 },
            connection,
            file: watched === null ? null : fileAt(watched),
            log: watched === null ? null : fileAt(`${watched}-wal`),
            trustedUntil: performance.now() + TRUST_TIME,
            refusal: null,
            files: 0,
          };
        } catch (error) {
          // Switching to WAL does not wait for the lock: if two processes open a new file, SQLite
          // reports busy at once.
          if (!isTidemarkError(error, "ONLINE_STORE_BUSY") || Date.now() >= until) throw error;
          await setTimeout(10, undefined, { signal });
        }
      }
    },

    async read(keys) {
      return withStatements((statements) => {
        if (keys.length === 1) return [(statements.read.get(keys[0]) as Cell | undefined) ?? null];
        const cells = new Array<Cell | null>(keys.length);
        // One transaction is one snapshot and takes SQLite's read lock once. A get inside is
        // cheaper than a get alone.
        transaction(statements, "begin", () => {
          for (let i = 0; i < keys.length; i++)
            cells[i] = (statements.read.get(keys[i]) as Cell | undefined) ?? null;
          return true;
        });
        return cells;
      });
    },

    async readIfChanged(keys, known) {
      return withStatements((statements) => {
        if (keys.length === 2) {
          const pair = readPairIfChanged(statements, keys, known);
          if (pair !== null) return pair;
        }
        const cells = new Array<Cell | "same" | null>(keys.length);
        transaction(statements, "begin", () => {
          for (let i = 0; i < keys.length; i++)
            cells[i] = cellOrSame(
              statements.readIfChanged.get(known[i], keys[i]) as CellIfChanged | undefined,
            );
          return true;
        });
        return cells;
      });
    },

    changeCounter() {
      return withStatements((statements) => {
        const { changeCounter } = opened!;
        const { data_version: others } = statements.dataVersion.get() as {
          readonly data_version: unknown;
        };
        const { changes: own } = statements.totalChanges.get() as { readonly changes: unknown };
        if (others !== changeCounter.others || own !== changeCounter.own) {
          changeCounter.count++;
          Object.assign(changeCounter, { others, own });
        }
        return changeCounter.count;
      });
    },

    async write({ source, cells, positions, metadata = [] }) {
      if (readOnly)
        throw new TidemarkError(
          "ONLINE_STORE_READ_ONLY",
          `${name}: was opened with readOnly; open it without to write`,
        );
      // In the order of the keys: neighbours share pages, and equal keys are adjacent.
      const ordered =
        cells.length > 1 ? [...cells].sort((a, b) => Buffer.compare(a.key, b.key)) : cells;
      refuseDuplicates(name, ordered, positions, metadata);
      const connection = connectionNow(true);
      const done = withStatements((statements) =>
        transaction(statements, "beginImmediate", () => {
          if (
            !movePositions(statements, source, positions) ||
            !setMetadata(statements, source, metadata) ||
            !writeCells(statements, ordered)
          )
            return false;
          failpoint?.("before-commit");
          return true;
        }),
      );
      if (!done) return "conflict";
      failpoint?.("after-commit");
      // a step that went into a file without a path is lost, and its caller must not go on
      if (connectionNow(true) !== connection) throw replacedDuringStep(name);
      return "done";
    },

    async positions(source) {
      const rows = withStatements((statements) => statements.positions.all(source)) as {
        readonly generation: number;
        readonly partition: string;
        readonly offset: number;
        readonly checkpoint: string | null;
      }[];
      return rows.map(({ generation, partition, offset, checkpoint }): Position => ({
        partition,
        ...(generation === 0 ? {} : { generation }),
        offset,
        ...(checkpoint === null ? {} : { checkpoint: JSON.parse(checkpoint) as Checkpoint }),
      }));
    },

    async metadata(source) {
      const rows = withStatements((statements) => statements.metadata.all(source)) as {
        readonly key: string;
        readonly value: string;
      }[];
      return new Map(rows.map(({ key, value }) => [key, value]));
    },

    async deleteExpired({ before, limit, cursor }) {
      return withStatements((statements) => {
        const from = cursor === null ? -1 : Number(Buffer.from(cursor).toString());
        const end = statements.deleteExpiredEnd.get(from, limit - 1) as
          | { readonly id: number }
          | undefined;
        const removed = statements.deleteExpired.run(
          from,
          end?.id ?? Number.MAX_SAFE_INTEGER,
          before,
        ).changes;
        return { removed, cursor: end === undefined ? null : Buffer.from(String(end.id)) };
      });
    },

    async deleteCells({ prefix, limit }) {
      return withStatements((statements) => {
        const removed = statements.deleteCells.run(prefix, afterPrefix(prefix), limit).changes;
        return { removed, cursor: removed < limit ? null : prefix.slice() };
      });
    },

    async scan({ prefix, limit, cursor }) {
      return withStatements((statements) => {
        const end = afterPrefix(prefix);
        const cells = (
          cursor === null
            ? statements.scan.all(prefix, end, limit + 1)
            : statements.scanAfter.all(cursor, end, limit + 1)
        ) as (Cell & { readonly key: Uint8Array })[];
        return cells.length > limit
          ? { cells: cells.slice(0, limit), cursor: cells[limit - 1]!.key }
          : { cells, cursor: null };
      });
    },

    async purge() {
      return withStatements((statements) => {
        failpoint?.("before-purge");
        // A free page and the write-ahead log hold old cells until something overwrites them.
        statements.vacuum.run();
        failpoint?.("after-purge");
        const { busy } = statements.truncateLog.get() as { readonly busy: unknown };
        return Number(busy) === 0;
      });
    },

    async size() {
      return withStatements(
        (statements) => statements.size.get() as { readonly cells: number; readonly bytes: number },
      );
    },

    ...(path === null || path === ":memory:" ? {} : { backups: backupsOf(path) }),

    async close() {
      if (opened === null) return;
      const { connection } = opened;
      opened = null;
      if (path !== null) connection?.database.close();
    },
  };
}

/** The least key after every key with this prefix. No key begins with ten bytes of 255. */
function afterPrefix(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 255) last--;
  if (last < 0) return Buffer.alloc(10, 255);
  const end = prefix.slice(0, last + 1);
  end[last]!++;
  return end;
}

/** Commits if `run` returns true, else rolls back. */
function transaction(
  statements: Statements,
  begin: "begin" | "beginImmediate",
  run: () => boolean,
): boolean {
  statements[begin].run();
  let committed = false;
  try {
    if (run()) {
      statements.commit.run();
      committed = true;
    }
  } finally {
    if (!committed) rollBack(statements);
  }
  return committed;
}

/**
 * Rolls back. After some errors, such as a full disk, SQLite has already rolled back and refuses.
 */
function rollBack(statements: Statements): void {
  try {
    statements.rollback.run();
  } catch {
    return;
  }
}

function refuseDuplicates(
  name: string,
  ordered: readonly CellWrite[],
  positions: readonly PositionStep[],
  metadata: readonly MetadataStep[],
): void {
  const partitions = positions.map(({ generation = 0, partition }) => `${generation}/${partition}`);
  let hasDuplicate =
    new Set(partitions).size !== positions.length ||
    new Set(metadata.map(({ key }) => key)).size !== metadata.length;
  for (let i = 1; i < ordered.length && !hasDuplicate; i++)
    hasDuplicate = Buffer.compare(ordered[i - 1]!.key, ordered[i]!.key) === 0;
  if (hasDuplicate)
    throw new TidemarkError(
      "ONLINE_STORE_TWICE",
      `${name}: one step writes a cell, a position or a key of the metadata twice; ` +
        "merge the two writes into one",
    );
}

/**
 * Moves the positions. False if a position is not as expected; the caller then rolls back (law 5:
 * position and effect are committed together).
 */
function movePositions(
  statements: Statements,
  source: string,
  steps: readonly PositionStep[],
): boolean {
  for (const { generation = 0, partition, expected, next, checkpoint } of steps) {
    const stored = statements.position.get(source, generation, partition) as
      | { readonly offset: number }
      | undefined;
    if ((stored?.offset ?? null) !== expected) return false;
    statements.setPosition.run(
      source,
      generation,
      partition,
      next,
      checkpoint === undefined ? null : JSON.stringify(checkpoint),
    );
  }
  return true;
}

/** Sets the metadata. False if a text is not as expected; the caller then rolls back. */
function setMetadata(
  statements: Statements,
  source: string,
  steps: readonly MetadataStep[],
): boolean {
  for (const { key, expected, next } of steps) {
    const at = statements.metadataText.get(source, key) as { readonly value: string } | undefined;
    if ((at?.value ?? null) !== expected) return false;
    if (next !== expected && next !== null) statements.setMetadata.run(source, key, next);
  }
  return true;
}

/**
 * Writes the cells. False if a cell is not as expected; the caller then rolls back. The check is
 * part of each write, so a key is looked up once.
 */
function writeCells(statements: Statements, cells: readonly CellWrite[]): boolean {
  if (cells.length === 0) return true;
  const { version } = statements.nextVersion.get() as { readonly version: number };
  for (const { key, value, expected, expires } of cells) {
    if (value === null) {
      if (expected === undefined) statements.remove.run(key);
      else if (
        expected === null
          ? statements.version.get(key) !== undefined
          : statements.removeVersion.run(key, expected).changes !== 1
      )
        return false;
    } else if (expected === undefined) {
      statements.upsert.run(key, version, expires, value);
    } else if (expected === null) {
      if (statements.insert.run(key, version, expires, value).changes !== 1) return false;
    } else if (statements.update.run(version, expires, value, key, expected).changes !== 1) {
      return false;
    }
  }
  return true;
}

/** A changed cell. If `value` is null, the version is still the known one. */
interface CellIfChanged {
  readonly version: number;
  readonly value: Uint8Array | null;
}

function cellOrSame(found: CellIfChanged | undefined): Cell | "same" | null {
  if (found === undefined) return null;
  return found.value === null ? "same" : (found as Cell);
}

/**
 * Reads two keys in one statement, which is one snapshot without a transaction. A request for one
 * entity reads two keys; the first, the source's state, seldom changes. null if the first key
 * changed, or there is no second.
 */
function readPairIfChanged(
  statements: Statements,
  [first, second]: readonly Uint8Array[],
  [state, head]: readonly (number | null)[],
): readonly (Cell | "same" | null)[] | null {
  if (state == null) return null;
  const found = statements.readIfUnchangedBeside.get(first, head, second) as
    | (CellIfChanged & { readonly beside: number | null })
    | undefined;
  return found?.beside === state ? ["same", cellOrSame(found)] : null;
}
