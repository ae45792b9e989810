/**
 * Holds what the modules of the store share: the objects, and the newest known state of each table.
 */
import type { Duration } from "@tidemark/core";
import { durationMicros, threadsOfCores } from "@tidemark/core/internal";
import { decodeThreads, type DecodeInThread } from "./parquet/decode-threads.ts";
import { encodeOnOtherCores } from "./parquet/encode-threads.ts";
import type { ParquetWriteOptions } from "./parquet/writer.ts";
import type { ObjectStore } from "./objects.ts";
import { catchUp, loadTable } from "./log/log.ts";
import type { TableLog } from "./log/state.ts";

/** Settings of `deltaOfflineStore`. */
export interface DeltaOptions {
  /** The clock (ms since the epoch) for the log's times and for vacuum. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined;
  /** The number of commits between two checkpoints. Default: 50. */
  readonly checkpointEvery?: number | undefined;
  /**
   * How long removed files are kept for readers of older versions, and remembered in checkpoints.
   * Default: "7d".
   */
  readonly retention?: Duration | undefined;
  /**
   * Internal, for tests that kill the process: called with `parquet-written`, `staged`,
   * `before-commit`, `after-commit`, `checkpoint`, `checkpoint-written`, `statistics-reduced`.
   */
  readonly failpoint?: ((name: string) => void | Promise<void>) | undefined;
  /** Internal, for tests: encodes the row groups of a stream. */
  readonly encode?: ParquetWriteOptions["encode"];
  /** Internal, for tests: decodes row groups in threads. */
  readonly decode?: DecodeInThread | undefined;
}

/**
 * The age (ms) from which a known state is not trusted. Another process may have cleaned up the
 * log, so a missing next entry proves nothing.
 */
const MAX_STATE_AGE = 600_000;
/** The number of states of older versions that are kept. */
const CACHED_VERSIONS = 4;

export class Lake {
  readonly objects: ObjectStore;
  readonly clock: () => number;
  readonly checkpointEvery: number;
  readonly retention: Duration;
  readonly retentionMillis: number;
  readonly failpoint: (name: string) => void | Promise<void>;
  /** undefined: this process has one core. */
  readonly encode: ParquetWriteOptions["encode"];
  /** null: this process has one core. */
  readonly decode: DecodeInThread | null;
  readonly #newest = new Map<string, { log: TableLog; checkedAt: number }>();
  readonly #old = new Map<string, TableLog>();

  constructor(objects: ObjectStore, options: DeltaOptions) {
    this.objects = objects;
    this.clock = options.clock ?? Date.now;
    this.checkpointEvery = options.checkpointEvery ?? 50;
    this.retention = options.retention ?? "7d";
    this.retentionMillis = durationMicros("deltaOfflineStore: retention", this.retention) / 1000;
    this.failpoint = options.failpoint ?? (() => undefined);
    this.encode = options.encode ?? encodeOnOtherCores();
    this.decode = options.decode ?? (threadsOfCores() === 0 ? null : decodeThreads());
  }

  /**
   * Returns the table as it is now; null if it does not exist. Commits change the returned state in
   * place: read it before the next await.
   */
  async latest(table: string, signal: AbortSignal | undefined): Promise<TableLog | null> {
    signal?.throwIfAborted();
    const known = this.#newest.get(table);
    if (known !== undefined && performance.now() - known.checkedAt < MAX_STATE_AGE) {
      await catchUp(this.objects, known.log, signal);
      known.checkedAt = performance.now();
      return known.log;
    }
    const log = await loadTable(this.objects, table, undefined, signal);
    if (log === null) return null;
    const meanwhile = this.#newest.get(table);
    if (meanwhile !== undefined && meanwhile !== known && meanwhile.log.version >= log.version)
      return meanwhile.log;
    this.#newest.set(table, { log, checkedAt: performance.now() });
    return log;
  }

  /** Returns the table at a version; null if the table does not exist. */
  async at(
    table: string,
    version: number,
    signal: AbortSignal | undefined,
  ): Promise<TableLog | null> {
    const newest = await this.latest(table, signal);
    if (newest === null || newest.version === version) return newest;
    const key = `${version}/${table}`;
    let log = this.#old.get(key) ?? null;
    if (log === null) {
      log = await loadTable(this.objects, table, version, signal);
      if (log === null) return null;
      if (this.#old.size >= CACHED_VERSIONS) this.#old.delete(this.#old.keys().next().value!);
      this.#old.set(key, log);
    }
    return log;
  }
}
