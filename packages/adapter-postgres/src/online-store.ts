import { TidemarkError } from "@tidemark/core";
import type { Cell, Checkpoint, OnlineStore, Position } from "@tidemark/core/spi";
import type pg from "pg";
import { byteaArray, int8Array } from "./binary-arrays.ts";
import { commitStep } from "./commit-step.ts";
import { poolOf, runOne, type Result } from "./connections.ts";
import { asTidemarkError, isContention } from "./errors.ts";
import { type PostgresOnlineOptions, settingsOf } from "./options.ts";
import { prepareSchema, purgeSchema } from "./schema.ts";
import { type Statements, statementsOf } from "./statements.ts";
import { rangeOf, storedKey } from "./stored-keys.ts";
import { stepCalls } from "./write-step.ts";

/** How often a step is tried that the server rolled back because of other writers. */
const ATTEMPTS = 5;

interface Opened {
  readonly namespace: string;
  readonly pool: pg.Pool;
  readonly statements: Statements;
}

/**
 * Makes an online store in a schema of a PostgreSQL database (14 or newer), which any number of
 * processes on any number of machines may open. The errors of the server come from `open`.
 *
 * @throws STORE_OPTIONS_INVALID when the address or the schema cannot be used.
 * @throws STATE_NOT_TIDEMARK when the schema holds tables of another program.
 * @throws STATE_NEWER_FORMAT when a newer Tidemark wrote the schema.
 * @example
 * const online = postgresOnlineStore({
 *   connectionString: "postgres://tidemark@db.internal/features?sslmode=verify-full",
 *   password: process.env.PGPASSWORD,
 * });
 */
export function postgresOnlineStore(options: PostgresOnlineOptions): OnlineStore {
  const settings = settingsOf(options);
  const { name, schema } = settings;
  const { readOnly = false, failpoint } = options;
  let opened: Opened | null = null;

  /** Runs `run` with the open store. Errors of PostgreSQL become errors of Tidemark. */
  async function withStore<T>(run: (store: Opened) => Promise<T>): Promise<T> {
    if (opened === null)
      throw new TidemarkError(
        "ONLINE_STORE_NOT_OPEN",
        `${name}: is not open; call open({ namespace }) first`,
      );
    try {
      return await run(opened);
    } catch (error) {
      throw asTidemarkError(name, error);
    }
  }

  const query = (statement: Parameters<Statements>[0], ...values: unknown[]): Promise<Result> =>
    withStore(({ pool, statements }) => runOne(pool, statements(statement, ...values)));

  /** Reads cells into the order of the keys. */
  async function readCells<Found>(
    length: number,
    found: Promise<Result>,
    cellOf: (value: unknown, version: unknown) => Found,
  ): Promise<(Found | null)[]> {
    const cells = new Array<Found | null>(length).fill(null);
    for (const [i, value, version] of (await found).rows)
      cells[(i as number) - 1] = cellOf(value, version);
    return cells;
  }

  return {
    name,

    async open({ namespace, signal }) {
      signal?.throwIfAborted();
      if (opened !== null) {
        if (opened.namespace === namespace) return;
        throw new TidemarkError(
          "ONLINE_STORE_OTHER_NAMESPACE",
          `${name}: is open for namespace "${opened.namespace}"; ` +
            `make another store for "${namespace}"`,
        );
      }
      const pool = poolOf(settings);
      try {
        const prepared = prepareSchema(pool, settings, namespace, readOnly);
        const id = await unlessAborted(prepared, signal);
        opened = { namespace, pool, statements: statementsOf(schema, id) };
      } catch (error) {
        void pool.end();
        if (signal?.aborted === true) throw signal.reason;
        throw asTidemarkError(name, error);
      }
    },

    async read(keys) {
      if (keys.length !== 1)
        return readCells(
          keys.length,
          query("readMany", byteaArray(keys.map(storedKey))),
          (value, version) => ({ value, version }) as Cell,
        );
      const { rows } = await query("read", Buffer.from(storedKey(keys[0]!)));
      const [row] = rows;
      return [row === undefined ? null : ({ value: row[0], version: row[1] } as Cell)];
    },

    readIfChanged: (keys, known) =>
      readCells(
        keys.length,
        query("readIfChanged", byteaArray(keys.map(storedKey)), int8Array(known)),
        (value, version) => (value === null ? "same" : ({ value, version } as Cell)),
      ),

    async write(step) {
      if (readOnly)
        throw new TidemarkError(
          "ONLINE_STORE_READ_ONLY",
          `${name}: was opened with readOnly; open it without to write`,
        );
      return withStore(async ({ pool, statements }) => {
        const calls = stepCalls(name, statements, schema, step);
        const beforeCommit = (): void => failpoint?.("before-commit");
        for (let attempt = 1; ; attempt++) {
          try {
            const result = await commitStep(pool, statements, calls, { name, beforeCommit });
            if (result === "done") failpoint?.("after-commit");
            return result;
          } catch (error) {
            if (!isContention(error) || attempt === ATTEMPTS) throw error;
          }
        }
      });
    },

    async positions(source) {
      const { rows } = await query("positions", source);
      return rows.map(([generation, partition, offset, checkpoint]): Position => ({
        partition: partition as string,
        ...(generation === 0 ? {} : { generation: generation as number }),
        offset: offset as number,
        ...(checkpoint === null
          ? {}
          : { checkpoint: JSON.parse(checkpoint as string) as Checkpoint }),
      }));
    },

    async metadata(source) {
      const { rows } = await query("metadata", source);
      return new Map(rows as readonly (readonly [string, string])[]);
    },

    async deleteExpired({ before, limit, cursor }) {
      const { rows } = await (cursor === null
        ? query("deleteExpired", Buffer.alloc(0), limit, before)
        : query("deleteExpiredAfter", Buffer.from(storedKey(cursor)), limit, before));
      const [removed, seen, last] = (rows[0] ?? [0, 0, null]) as [number, number, Uint8Array];
      return { removed, cursor: seen < limit ? null : last };
    },

    async deleteCells({ prefix, limit }) {
      const { from, end } = rangeOf(prefix);
      const { count } = await query("deleteCells", from, end, Buffer.from(prefix), limit);
      return { removed: count, cursor: count < limit ? null : prefix.slice() };
    },

    async scan({ prefix, limit, cursor }) {
      const { from, end } = rangeOf(prefix);
      const rest = [end, Buffer.from(prefix), limit + 1];
      const { rows } = await (cursor === null
        ? query("scan", from, ...rest)
        : query("scanAfter", Buffer.from(storedKey(cursor)), ...rest));
      const cells = rows
        .slice(0, limit)
        .map(([key, value, version]) => ({ key, value, version }) as Cell & { key: Uint8Array });
      return { cells, cursor: rows.length > limit ? cells.at(-1)!.key : null };
    },

    purge: () => withStore(({ pool }) => purgeSchema(pool, settings)),

    async size() {
      const tables = ["cells", "positions", "metadata"].map((table) => `${schema}.${table}`);
      const { rows } = await query("size", tables);
      const [cells, bytes] = rows[0] as [number, number];
      return { cells, bytes };
    },

    async close() {
      const closing = opened;
      opened = null;
      await closing?.pool.end();
    },
  };
}

/** Ends the wait when the signal aborts. The abandoned work ends with its connection. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    work.catch(() => undefined);
  }
}
