import { setTimeout } from "node:timers/promises";
import { TidemarkError, isTidemarkError, type TimeLimit } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";
import type {
  Cell,
  CellWrite,
  Checkpoint,
  MetadataStep,
  OnlineStore,
  Position,
  PositionStep,
} from "@tidemark/core/spi";
import { type SqliteDatabase, openDatabase } from "./database.ts";
import { asTidemarkError } from "./errors.ts";
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
  /** @internal Called around each commit, for tests that kill the process there. */
  readonly failpoint?: ((name: "before-commit" | "after-commit") => void) | undefined;
}

interface OpenNamespace {
  readonly namespace: string;
  readonly database: SqliteDatabase;
  readonly statements: Statements;
  readonly changeCounter: ChangeCounter;
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
    failpoint,
  } = options;
  const busyTimeout = timeLimitMillis(
    "sqliteOnlineStore: busyTimeout",
    options.busyTimeout ?? "5s",
  );
  const path = typeof file === "string" ? file : null;
  const name = path === null ? "sqlite online store" : `sqlite online store ${path}`;
  let opened: OpenNamespace | null = null;

  function withStatements<T>(run: (statements: Statements) => T): T {
    if (opened === null)
      throw new TidemarkError(
        "ONLINE_STORE_NOT_OPEN",
        `${name}: is not open; call open({ namespace }) first`,
      );
    try {
      return run(opened.statements);
    } catch (error) {
      throw asTidemarkError(name, error, path);
    }
  }

  function openNamespace(namespace: string): OpenNamespace {
    const database =
      typeof file === "string"
        ? openDatabase(file, name, { readOnly, busyTimeout, synchronous, cacheBytes, mmapBytes })
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
      return {
        namespace,
        database,
        statements: prepareStatements(database, id),
        changeCounter: { others: null, own: null, count: 0 },
      };
    } catch (error) {
      if (path !== null) database.close();
      throw asTidemarkError(name, error, path);
    }
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
          opened = openNamespace(namespace);
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

    async size() {
      return withStatements(
        (statements) => statements.size.get() as { readonly cells: number; readonly bytes: number },
      );
    },

    async close() {
      if (opened === null) return;
      const { database } = opened;
      opened = null;
      if (path !== null) database.close();
    },
  };
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
    if (next !== expected) statements.setMetadata.run(source, key, next);
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
