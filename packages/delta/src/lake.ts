/** What the parts of the store share: the objects, and the newest known state of each table. */
import { availableParallelism } from "node:os";
import { groupThread, type GroupThread } from "./group-thread.ts";
import type { ObjectStore } from "./objects.ts";
import { catchUp, loadTable } from "./log/log.ts";
import type { TableLog } from "./log/state.ts";

export interface DeltaOptions {
  /**
   * Now, in ms since the epoch; for the log's times and for what vacuum may remove. Default:
   * `Date.now`.
   */
  readonly clock?: (() => number) | undefined;
  /** A checkpoint is written at every so many commits. Default: 50. */
  readonly checkpointEvery?: number | undefined;
  /**
   * How long (ms) a file that left its table is kept for readers of older versions, and remembered
   * in checkpoints. Default: 7 days.
   */
  readonly retain?: number | undefined;
  /**
   * Internal, for tests that kill the process: called with `parquet-written`, `before-commit`,
   * `after-commit`, `checkpoint`, `checkpoint-written`.
   */
  readonly failpoint?: ((name: string) => void | Promise<void>) | undefined;
  /** Internal, for tests: how the thread starts that encodes row groups. */
  readonly groupThread?: (() => GroupThread) | undefined;
}

/**
 * After so long (ms), somebody may have cleaned up the log behind our back, and the absence of the
 * next entry proves nothing.
 */
const STALE = 600_000;
/** States of older versions that are kept. */
const OLD_VERSIONS = 4;

export class Lake {
  readonly objects: ObjectStore;
  readonly clock: () => number;
  readonly checkpointEvery: number;
  readonly retain: number;
  readonly failpoint: (name: string) => void | Promise<void>;
  readonly groupThread: (() => GroupThread) | null;
  readonly #newest = new Map<string, { log: TableLog; seen: number }>();
  readonly #old = new Map<string, TableLog>();

  constructor(objects: ObjectStore, options: DeltaOptions) {
    this.objects = objects;
    this.clock = options.clock ?? Date.now;
    this.checkpointEvery = options.checkpointEvery ?? 50;
    this.retain = options.retain ?? 7 * 86_400_000;
    this.failpoint = options.failpoint ?? (() => undefined);
    this.groupThread = options.groupThread ?? (availableParallelism() > 1 ? groupThread : null);
  }

  /**
   * The table as it is now; null: there is none. The answer changes in place as commits come in:
   * read it before the next await.
   */
  async latest(table: string, signal: AbortSignal | undefined): Promise<TableLog | null> {
    signal?.throwIfAborted();
    const known = this.#newest.get(table);
    if (known !== undefined && performance.now() - known.seen < STALE) {
      await catchUp(this.objects, known.log, signal);
      known.seen = performance.now();
      return known.log;
    }
    const log = await loadTable(this.objects, table, undefined, signal);
    if (log === null) return null;
    const meanwhile = this.#newest.get(table);
    if (meanwhile !== undefined && meanwhile !== known && meanwhile.log.version >= log.version)
      return meanwhile.log;
    this.#newest.set(table, { log, seen: performance.now() });
    return log;
  }

  /** The table at a version; null: there is no table. */
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
      if (this.#old.size >= OLD_VERSIONS) this.#old.delete(this.#old.keys().next().value!);
      this.#old.set(key, log);
    }
    return log;
  }
}
