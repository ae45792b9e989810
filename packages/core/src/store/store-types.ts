/** What a store can do, and the settings of its calls. */
import type { AuditEntry, AuditsOptions, StoreAudit } from "../audit/audit-types.ts";
import type { BackupOptions } from "../backup/backup.ts";
import type { BackupManifest } from "../backup/manifest.ts";
import type { TimeLimit } from "../define/duration.ts";
import type { Selection, SelectionList } from "../define/selection.ts";
import type { TimeInput } from "../define/time-input.ts";
import type { EraseOptions, ErasureReceipt } from "../erase/erase-types.ts";
import type { ExplainRequest, Explanation } from "../explain/explain-types.ts";
import type { StoreBackpressure } from "../ingest/backpressure.ts";
import type { RunProgress, RunResult } from "../ingest/runner.ts";
import type { SourceMismatch } from "../ingest/source-fit.ts";
import type { MaterializeOptions, MaterializeResult } from "../materialize/types.ts";
import type { RewriteProgress } from "../offline/rewrite-versions.ts";
import type { AnswerCounts } from "../online/answer-counts.ts";
import type { BackfillOptions, BackfillResult } from "../online/backfill.ts";
import type { NotTaken } from "../ingest/not-taken.ts";
import type {
  DriftHistoryOptions,
  DriftOptions,
  DriftReport,
  MeasuredDrift,
} from "../drift/drift-types.ts";
import type { ProfileOptions, ProfileReport } from "../profile/profile-types.ts";
import type { QualityOptions, QualityReport } from "../quality/quality-types.ts";
import type { Pushes } from "../push/push-types.ts";
import type { AppliedVersion } from "../registry/apply-log.ts";
import type { ApplyResult, RegistryPlan } from "../registry/plan-types.ts";
import type { ApplyOptions } from "../registry/registry.ts";
import type { FeatureReads, OnlineColumns, OnMissing } from "../request/request-types.ts";
import type { ResnapshotResult, SnapshotEnding } from "../resnapshot/resnapshot.ts";
import type { RetryResult } from "../retry/retry.ts";
import type { ServingLogStatus } from "../serving-log/serving-log-status.ts";
import type { Batch, ChangeSource } from "../spi.ts";
import type { SkewOptions, SkewReport } from "../skew/skew-types.ts";
import type { QuarantinedRow } from "../status/quarantined-rows.ts";
import type { CheckResults } from "../status/check-results.ts";
import type { ChangesOptions, LoggedChange } from "../status/newest-changes.ts";
import type { SourceReadiness } from "../status/readiness.ts";
import type { SourceStatus } from "../status/source-status.ts";
import type { Timeline, TimelineRequest } from "../timeline/timeline-types.ts";
import type { StorageOptions, StoreStorage } from "../status/storage-types.ts";
import type { StoreTable } from "../status/store-tables.ts";

/** Settings of `store.run`. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /**
   * Called for the first message or value of each kind that is not taken, as the run meets it. The
   * result of the run has the counts. Default: the process warns.
   */
  readonly onNotTaken?: ((first: NotTaken) => void) | undefined;
  /**
   * Called once for each column and reason that most rows of a source have, after a hundred rows.
   * The definition likely has a wrong name or a wrong type. Default: the process warns.
   */
  readonly onMismatch?: ((mismatch: SourceMismatch) => void) | undefined;
  /**
   * The share of a new source's first thousand rows that may be unusable, from 0 to 1. If more rows
   * are unusable, the run ends with `SOURCE_MISMATCH`, and no store has anything of the source.
   * Default: 0.5. "ignore": the rows are taken as they are.
   */
  readonly mismatch?: number | "ignore" | undefined;
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
  /**
   * Begins a new history where the one of the online store is gone for good. The log must then
   * still hold everything; otherwise call `resnapshot`. Default: false, which is `HISTORY_MISSING`.
   */
  readonly newHistory?: boolean | undefined;
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

/** Settings of `store.retry`. */
export interface RetryOptions extends RunOptions {
  /** Names of sources. Default: all sources that a log feeds. */
  readonly sources?: readonly string[] | undefined;
  /** Decodes the messages, and writes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** Settings of `store.status`. */
export interface StatusOptions {
  /** The change sources that are asked where their logs end now. */
  readonly changes?: ChangeSource | readonly ChangeSource[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request to the online store whose types are not known before it runs. */
export interface OnlineRequest {
  readonly features: Selection<unknown, unknown>;
  readonly entities: readonly unknown[];
  readonly asOf?: TimeInput | undefined;
  /** What features get that the store cannot answer. Default: "error". */
  readonly onMissing?: OnMissing | undefined;
  /** Ends the computation with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The greatest size in bytes of the texts and bytes in the answer; `ANSWER_TOO_LARGE` beyond it.
   * Default: no limit.
   */
  readonly maxBytes?: number | undefined;
  /** The id of the request in the serving log, or one for each entity. */
  readonly requestId?: string | readonly string[] | undefined;
}

/** The serving log of a store (`servingLog` of `openStore`). */
export interface StoreServingLog {
  /**
   * Says how many rows were logged and lost in this process.
   *
   * @example
   * const { written, lost } = store.servingLog!.status();
   */
  status(): ServingLogStatus;
  /**
   * Commits the rows that wait. A failure is in the status, and the rows wait on.
   *
   * @example
   * await store.servingLog?.flush();
   */
  flush(): Promise<void>;
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
   * @throws SOURCE_UNREADABLE when no message of a source can be read.
   * @throws HISTORY_MISSING when the history that belongs to the online store is gone.
   * @throws HISTORY_OF_OTHER_STORE when the history belongs to another online store.
   * @throws SOURCE_MISMATCH when most of the first rows of a new source cannot be used.
   * @throws OPTION_INVALID when `mismatch` is no share from 0 to 1, and not "ignore".
   * @example
   * await store.run(recordedTopic("transactions.jsonl"));
   */
  run(changes: ChangeSource, options?: RunOptions): Promise<RunResult>;
  /**
   * Decodes the messages that could not be read once more, and writes their changes. The history
   * keeps the bytes of such messages. Call it after a setting was corrected, with the change source
   * that has the new setting. A retry may be killed and called again.
   *
   * @throws RETRY_UNSUPPORTED when the change source cannot decode kept messages.
   * @example
   * const { taken, notTaken } = await store.retry(kafkaChanges({ brokers, topics }));
   */
  retry(changes: ChangeSource, options?: RetryOptions): Promise<RetryResult>;
  /**
   * Fills the online store from the history, up to the history's positions. Use it for an empty
   * online store, or for one that needs changes that the topic no longer holds. `run` then
   * continues from there. An empty store answers `NOT_READY` or `NEEDS_BACKFILL` until then.
   * Rows that lack something of the definitions are stored anew in place, while the rows of before
   * are served and written. A backfill may be killed and called again.
   *
   * @throws HISTORY_BEHIND when the history does not reach what the online store has taken.
   * @throws BACKFILL_OVERTAKEN when a backfill of other definitions began meanwhile.
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
   * source ends. Versions of another definition are rewritten where these definitions were applied,
   * or no registry is used; `onProgress` says how far that is.
   */
  compact(options?: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
  }): Promise<void>;
  /**
   * Erases an entity: its rows in the online store, in the change logs, versions and features
   * tables, and its materialized answers. Changes of the entity that were committed up to now are
   * refused from then on, so that a replay does not bring them back. A later change is taken: the
   * database decides whether the entity comes back. The receipt holds no value of the entity. With
   * `keys` many entities are erased together.
   *
   * An erasure may be killed and called again.
   *
   * @throws ENTITY_UNKNOWN when no view is of the entity.
   * @throws OPTION_INVALID when neither or both of `key` and `keys` are given, or too many keys.
   * @throws KEY_INVALID when a key is missing, superfluous or of another type.
   * @example
   * const receipt = await store.erase({ entity: "user", key: { user_id: "4711" } });
   */
  erase(options: EraseOptions): Promise<ErasureReceipt>;
  /**
   * Reads the receipts of erasures that the history keeps, newest first.
   *
   * @example
   * const [newest] = await store.erasures();
   */
  erasures(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly ErasureReceipt[]>;
  /**
   * Compares these definitions with the applied ones. The plan says what is served at once, what
   * needs a backfill, and who uses what is removed. Nothing is changed.
   *
   * @example
   * const { changes } = await store.plan();
   */
  plan(options?: { readonly signal?: AbortSignal | undefined }): Promise<RegistryPlan>;
  /**
   * Applies these definitions. Then it rewrites the versions of rows that were derived under
   * another definition, each source in one commit. Other processes read and write meanwhile.
   * Without a difference nothing is written. An apply may be killed and called again: a rewrite
   * then goes on from what it had done.
   *
   * @throws REGISTRY_DESTRUCTIVE when an answer is removed or gets another meaning, without
   * `allowDestructive`.
   * @throws REGISTRY_CONFLICT when another process applied definitions meanwhile.
   * @example
   * await store.apply({ by: "release 42" });
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>;
  /**
   * Lists the applies of the registry, newest first: who applied what, when, and from where. The
   * registry keeps the newest 500.
   *
   * @example
   * const [newest] = await store.applies();
   */
  applies(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly AppliedVersion[]>;
  /**
   * Checks the expectations of the definitions over the history, as of a time. A row counts if it
   * was committed before that time, and neither replaced nor deleted before it. The results are
   * added to the table `quality/results` of the history.
   *
   * @throws QUALITY_UNKNOWN when there is no quality of a name.
   * @example
   * const { failed, results } = await store.quality({ names: ["transactions_quality"] });
   */
  quality(options?: QualityOptions): Promise<QualityReport>;
  /**
   * Counts what this store object has answered from its online store since it was opened: statuses
   * by feature, hits of the answer cache, stored rows behind an answer. `/metrics` of the server
   * shows the counts.
   *
   * @example
   * const { hits, misses } = store.answerCounts().answerCache;
   */
  answerCounts(): AnswerCounts;
  /**
   * Computes the logged answers again, from the history as known when each was answered, and counts
   * the bits that differ. `wrong` counts what nothing explains, and should be 0. A value that lacks
   * changes which the online store had not taken yet is `late`. Rows that wait are committed first.
   *
   * @throws SERVING_LOG_MISSING when nothing was logged yet.
   * @throws FEATURE_UNKNOWN when there is no such feature, and none was logged.
   * @throws SERVICE_UNKNOWN when there is no such service, and none was logged.
   * @example
   * const { wrong, late, examples } = await store.skew({ from: "2026-03-01T00:00:00Z" });
   */
  skew(options?: SkewOptions): Promise<SkewReport>;
  /** The audit of this process. null: `openStore` has no `audit`. */
  readonly audit: StoreAudit | null;
  /**
   * Reads the audit table of this namespace, newest first: who applied, pushed, erased, backfilled
   * and materialized, when, and how it ended. Other processes may have written it. Rows of this
   * process that wait are committed first. Before the first row the list is empty.
   *
   * @throws STORE_MISSING when the store has no offline store.
   * @throws OPTION_INVALID when the action is none, or the limit is no number of rows.
   * @throws TIME_INVALID when `from` or `to` is no time.
   * @example
   * const [newest] = await store.audits({ action: "erase", from: "2026-03-01T00:00:00Z" });
   */
  audits(options?: AuditsOptions): Promise<readonly AuditEntry[]>;
  /** The log of what this process served. null: `openStore` has no `servingLog`. */
  readonly servingLog: StoreServingLog | null;
  /**
   * Profiles each column of a source, each feature of a materialized view or of a service in the
   * serving log, or rows such as a training set: by event day, and over all days. Profiles are
   * stored as a table, but those of rows. A later call reads only the days whose rows changed, be
   * it by updates, deletes or late rows. A call may be killed and made again.
   *
   * @throws PROFILE_INVALID when not exactly one of `source`, `view`, `service`, `rows` is given.
   * @throws PROFILE_CONTENDED when other calls keep writing the table.
   * @example
   * const { days, all } = await store.profile({ source: "transactions", from: "2025-06-01" });
   */
  profile(options: ProfileOptions): Promise<ProfileReport>;
  /**
   * Explains the answer to one feature of one entity: the window's edges, each row inside with what
   * it brings, and the rows outside with the reason. Each row has its versions with their times and
   * their places in the log. The answer is computed again from these rows. Print it with
   * `String(explanation)`; `explanation.toTest()` is a test for `mockStore`.
   *
   * @throws SELECTION_INVALID when the selection has several features.
   * @throws KEY_INVALID when a key is missing, superfluous or of another type.
   * @throws EXPLAIN_TOO_LARGE when the entity has more rows than an explanation lists.
   * @throws ASOF_BEFORE_HORIZON when `asOf` is before what the online store keeps.
   * @example
   * const entity = { user_id: "4711" };
   * console.log(String(await store.explain({ feature: weekly.amount_l1w, entity, asOf })));
   */
  explain<Row, Needs>(request: ExplainRequest<Row, Needs>): Promise<Explanation>;
  /**
   * Says how every feature of one entity moves while the time of the request moves from `from` to
   * `to`, as the history has it. The points of an exact feature are all changes of its answer: each
   * holds until the next one. A feature that moves with the clock has samples.
   *
   * @throws KEY_INVALID when a key is missing, superfluous or of another type.
   * @throws OPTION_INVALID when `from` is after `to`, or `maxPoints` is not from 2 to 10,000.
   * @example
   * const { features } = await store.timeline({
   *   features: weekly,
   *   entity: { user_id: "4711" },
   *   from: "2026-03-01T00:00:00Z",
   *   to: "2026-03-08T00:00:00Z",
   * });
   */
  timeline<Row, Needs, const L extends SelectionList>(
    request: TimelineRequest<Row, Needs, L>,
  ): Promise<Timeline>;
  /**
   * Measures how far the columns of a source, the features of a materialized view, or rows are from
   * a reference: a training set, a window of days, or a fixed profile. The result of a source or a
   * view is also added to a table. Up to 1,000,000 different values of a column are compared
   * exactly.
   *
   * @throws DRIFT_INVALID when the reference or a threshold is missing or wrong.
   * @throws DRIFT_EMPTY when the data or its reference has no rows in these days.
   * @throws PROFILE_INVALID when not exactly one of `source`, `view`, `service`, `rows` is given.
   * @example
   * const { drifted, columns } = await store.drift({
   *   source: "transactions",
   *   from: "2025-06-01",
   *   reference: { from: "2025-05-01", to: "2025-06-01" },
   *   thresholds: { psi: 0.2, ks: 0.1 },
   * });
   */
  drift(options: DriftOptions): Promise<DriftReport>;
  /**
   * Reads what `drift` measured of a source, a view or a service, newest first. Other processes may
   * have measured it. Before the first comparison the list is empty.
   *
   * @throws STORE_MISSING when the store has no offline store.
   * @throws PROFILE_INVALID when not exactly one of `source`, `view`, `service` is given.
   * @throws COLUMN_UNKNOWN when there is no such column.
   * @throws OPTION_INVALID when the limit is no number of results.
   * @example
   * const history = await store.driftHistory({ source: "transactions", columns: ["amount"] });
   * console.log(history.map(({ measuredAt, measures }) => [measuredAt, measures.psi]));
   */
  driftHistory(options: DriftHistoryOptions): Promise<readonly MeasuredDrift[]>;
  /**
   * Reads what the last `drift` and `quality` found, in any process. The online store keeps it.
   *
   * @example
   * const failing = (await store.checkResults()).expectations.filter(({ holds }) => !holds);
   */
  checkResults(): Promise<CheckResults>;
  /**
   * Returns the store's time: `clock` of `openStore`, or the machine's. Windows of requests without
   * `asOf` end at it.
   *
   * @example
   * const age = store.now().getTime() - Date.parse("2026-03-01T00:00:00Z");
   */
  now(): Date;
  /** Lists the tables of the history, whether they exist yet or not. */
  tables(): readonly StoreTable[];
  /**
   * Measures what the stores hold, without reading rows of the history: its tables with rows, files
   * and bytes, and for each entity key of the online store the entities, their rows, and the
   * largest ones. It looks at up to 20,000 entities of each key.
   *
   * @throws OPTION_INVALID when `tables` names a table that the store does not have.
   * @example
   * const { history, online, advice } = await store.storage();
   */
  storage(options?: StorageOptions): Promise<StoreStorage>;
  /**
   * Says for each source whether requests for its features are answered, and why not. A store that
   * does not answer is a reason, and no error.
   *
   * @example
   * const refused = (await store.readiness()).filter(({ reason }) => reason !== null);
   */
  readiness(): Promise<readonly SourceReadiness[]>;
  /**
   * Reads what each source has taken, and what went wrong in it. With a change source it also says
   * how far the stores are behind the log.
   *
   * @example
   * const [payments] = await store.status({ changes: kafkaChanges({ brokers, topics }) });
   * console.log(payments?.lag?.messages);
   */
  status(options?: StatusOptions): Promise<readonly SourceStatus[]>;
  /**
   * Counts the messages that gave no change, such as messages of a table that no source reads. The
   * online store keeps the counts of all runs.
   */
  skipped(): Promise<readonly NotTaken[]>;
  /**
   * Reads the newest changes of a source from the history, newest first: each as its message said
   * it, and as the definitions of now decode it.
   *
   * @throws SOURCE_UNKNOWN when there is no such source.
   * @throws OPTION_INVALID when `limit` is no whole number from 0 to 10,000.
   * @example
   * const [newest] = await store.changes("transactions", { limit: 10 });
   */
  changes(source: string, options?: ChangesOptions): Promise<readonly LoggedChange[]>;
  /**
   * Reads the rows of a source that are in no window, and the reason of each. With an offline store
   * it also lists the messages whose primary key cannot be read, with an empty key, and the first
   * bytes of messages that could not be decoded.
   */
  quarantine(source: string): Promise<readonly QuarantinedRow[]>;
  /**
   * Backs up the online store, the history and the registry into a directory, while runs and
   * servers write. By default the history keeps the files of its versions, and the backup names
   * them. The backup is whole once `backup.json` is there. `restoreBackup` puts it back.
   *
   * @throws BACKUP_EXISTS when the directory is not empty.
   * @throws BACKUP_CANNOT_WRITE when the directory cannot be written, or its disk is full.
   * @throws HISTORY_MISSING when a history is gone.
   * @throws HISTORY_OF_OTHER_STORE when a history belongs to another online store.
   * @throws HISTORY_OLDER when a history is an older copy.
   * @throws BACKUP_UNSUPPORTED when a store has no backup of its own.
   * @example
   * await store.backup({ to: "backups/monday" });
   */
  backup(options: BackupOptions): Promise<BackupManifest>;
  close(): Promise<void>;
}
