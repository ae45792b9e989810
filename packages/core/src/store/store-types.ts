/** What a store can do, and the settings of its calls. */
import type { TimeLimit } from "../define/duration.ts";
import type { Selection } from "../define/selection.ts";
import type { TimeInput } from "../define/time-input.ts";
import type { StoreBackpressure } from "../ingest/backpressure.ts";
import type { RunProgress, RunResult } from "../ingest/runner.ts";
import type { MaterializeOptions, MaterializeResult } from "../materialize/types.ts";
import type { BackfillOptions, BackfillResult } from "../online/backfill.ts";
import type { Pushes } from "../push/push-types.ts";
import type { ApplyOptions, ApplyResult, RegistryPlan } from "../registry/registry.ts";
import type { FeatureReads, OnlineColumns } from "../request/request-types.ts";
import type { ResnapshotResult, SnapshotEnding } from "../resnapshot/resnapshot.ts";
import type { Batch, ChangeSource } from "../spi.ts";
import type { QuarantinedRow } from "../status/quarantined-rows.ts";
import type { SourceStatus } from "../status/source-status.ts";
import type { StoreTable } from "../status/store-tables.ts";

/** Settings of `store.run`. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /**
   * Called when a store fails or falls behind, when it gets an independent reader, and when it has
   * caught up. Default: the process warns.
   */
  readonly onBackpressure?: ((report: StoreBackpressure) => void) | undefined;
  /**
   * How long a store whose queue is full may hold up the other store. After that it gets an
   * independent reader. Default: "10s".
   */
  readonly maxBlockTime?: TimeLimit | undefined;
  /**
   * How long a store may take nothing before the run ends with `STORE_STALLED`. Default: "1m" if
   * the change source ends by itself, otherwise no limit.
   */
  readonly maxStallTime?: TimeLimit | "forever" | undefined;
}

/** Settings of `store.resnapshot`. */
export interface ResnapshotOptions extends RunOptions {
  /**
   * Where the snapshot ends. "marked": at the row that is marked as the last of its table.
   * "source": where the change source ends, which must hold nothing from before the snapshot. Use
   * "source" for empty tables, incremental snapshots and messages without the mark. Default:
   * "marked".
   */
  readonly ending?: SnapshotEnding | undefined;
}

/** A request to the online store whose types are not known before it runs. */
export interface OnlineRequest {
  readonly features: Selection<unknown, unknown>;
  readonly entities: readonly unknown[];
  readonly asOf?: TimeInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A feature store over an online store, an offline store, or both. */
export interface Store extends FeatureReads, Pushes {
  /**
   * Reads changes into the online store and the history, until the source ends or the signal
   * aborts. Each store continues from its own position. So a run may be killed and called again
   * (law 5: replay is free).
   *
   * @throws LOG_LOST when the log no longer holds changes that a store lacks.
   * @throws TOPIC_RECREATED when a topic is not the one that was read before.
   * @throws SOURCE_LSN_WENT_BACK when the database was restored to an earlier state.
   * @throws STORE_STALLED when a store took nothing for `maxStallTime`.
   * @example
   * await store.run(recordedTopic("transactions.jsonl"));
   */
  run(changes: ChangeSource, options?: RunOptions): Promise<RunResult>;
  /**
   * Fills the online store from the history, up to the history's positions. Use it for an empty
   * online store, or for one that needs changes that the topic no longer holds. `run` then
   * continues from there. An empty store answers `NEEDS_BACKFILL` until its backfill is complete. A
   * backfill may be killed and called again.
   *
   * @throws HISTORY_LACKS_COLUMN when a column was declared after changes were taken.
   * @example
   * await store.backfill();
   * await store.run(kafkaChanges({ brokers, topics }));
   */
  backfill(options?: BackfillOptions): Promise<BackfillResult>;
  /**
   * Begins a source anew from a new snapshot, after its log lost changes (`LOG_LOST`), its topic
   * was recreated (`TOPIC_RECREATED`), or its database was restored (`SOURCE_LSN_WENT_BACK`). The
   * change source must end, as Kafka with `until: "caught-up"` does.
   *
   * Each old row is served until the snapshot brings it again. At the snapshot's end, the rows that
   * it did not bring are deleted. The history stays as it was known. A resnapshot may be killed and
   * called again.
   *
   * @throws SNAPSHOT_INCOMPLETE when the change source ends before the snapshot does. Call it again
   * later.
   * @example
   * const topics = "bank2.public.transaction_data";
   * await store.resnapshot("transactions", kafkaChanges({ brokers, topics, until: "caught-up" }));
   */
  resnapshot(
    source: string,
    changes: ChangeSource,
    options?: ResnapshotOptions,
  ): Promise<ResnapshotResult>;
  /**
   * Answers as `getOnlineFeatures`, in columns in the order of the selection. Times are exact to
   * the microsecond and decimals to the last digit.
   */
  getOnlineBatch(request: OnlineRequest): Promise<Batch>;
  /**
   * Answers as `getOnlineFeatures`, in the columns that the kernels produce, with statuses and
   * event times. A server writes its response from them.
   */
  getOnlineColumns(request: OnlineRequest): Promise<OnlineColumns>;
  /**
   * Computes a row of each view for every entity in the history, as of the end of each requested
   * day. The rows go to the table `<view>/features`, which is split by date. The rows of the newest
   * day also go to the online store. Each row equals what `getHistoricalFeatures` answers at its
   * `event_timestamp`. A day that is computed again is replaced.
   *
   * `incremental` finds the days that the history has changed since they were computed.
   *
   * @example
   * await store.materialize({ views: [weekly], dates: ["2025-06-14"], zone: "Asia/Ho_Chi_Minh" });
   * await store.materialize({ views: [weekly], incremental: true, zone: "Asia/Ho_Chi_Minh" });
   */
  materialize(options: MaterializeOptions): Promise<MaterializeResult>;
  /**
   * Brings the versions tables of the history up to their change logs. `run` does so when its
   * source ends.
   */
  compact(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Compares these definitions with the applied ones. The plan says what is served at once, what
   * needs a backfill, and who uses what is removed. Nothing is changed.
   *
   * @example
   * const { changes } = await store.plan();
   */
  plan(options?: { readonly signal?: AbortSignal | undefined }): Promise<RegistryPlan>;
  /**
   * Applies these definitions. Without a difference nothing is written.
   *
   * @throws REGISTRY_DESTRUCTIVE when an answer is removed or gets another meaning, without
   * `allowDestructive`.
   * @throws REGISTRY_CONFLICT when another process applied definitions meanwhile.
   * @example
   * await store.apply({ by: "release 42" });
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>;
  /** Lists the tables of the history, whether they exist yet or not. */
  tables(): readonly StoreTable[];
  /** Reads what each source has taken, and what went wrong in it. */
  status(): Promise<readonly SourceStatus[]>;
  /** Reads the rows of a source that are in no window, and the reason of each. */
  quarantine(source: string): Promise<readonly QuarantinedRow[]>;
  close(): Promise<void>;
}
