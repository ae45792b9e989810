/**
 * The interfaces that adapters implement, and the functions that adapters need. Core holds
 * semantics, encoding, batching and retries. An adapter translates and does I/O.
 */
import type { Batch } from "./columns/batch.ts";
import type { Duration } from "./define/duration.ts";
import type { ColumnSpec, FeatureSpec, SourceSpec, Value } from "./specs.ts";

export { batchOf, valueAt, type Batch, type Vector } from "./columns/batch.ts";
export { specOfSource } from "./define/spec-of.ts";
export { formatDate, formatTime, parseDate, parseTime } from "./time/parse-time.ts";
export type {
  ColumnSpec,
  EntitySpec,
  FeatureSpec,
  ValueType,
  SelectedFeature,
  ServiceSpec,
  SourceSpec,
  Value,
  ViewSpec,
} from "./specs.ts";

// ---- log positions ----

/** How far one partition of a log was taken. */
export interface Position {
  /** `topic:partition`, or another name that is unique within the source. */
  readonly partition: string;
  /**
   * The snapshot generation of the partition; 0 if omitted. Offsets of another generation are of
   * another log. So a store keeps a position for each generation and partition.
   */
  readonly generation?: number | undefined;
  /** The offset of the last message whose effect is stored. */
  readonly offset: number;
  /** What a reader must know to go on after the offset. */
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * The state of a reader at a position. A checkpoint is plain JSON, which a store keeps unchanged.
 * Each member has one writer, which leaves the other members alone.
 */
export interface Checkpoint {
  /** The last message of the partition. The change source writes and compares it. */
  readonly message?: MessageFingerprint | undefined;
  /**
   * The highest order in the partition, in decimal digits. A change without an order inherits it.
   * The runner writes it.
   */
  readonly highestOrder?: string | undefined;
  /**
   * What the reader saw of the snapshot that begins a generation. It is set until that snapshot is
   * complete.
   */
  readonly snapshot?: SnapshotProgress | undefined;
  /** Of a push source: the last push. */
  readonly push?:
    | {
        /** Commit time of the last push, µs. The next push is committed no sooner. */
        readonly committed: number;
        /** The online store was filled without an offline store. */
        readonly withoutHistory: boolean;
      }
    | undefined;
}

/** Identifies a message, so that a recreated topic is noticed. */
export interface MessageFingerprint {
  /** The message's offset. It may be lower than the position's offset. */
  readonly offset: number;
  /** A digest of the content, such as the message's time and a hash of its key. */
  readonly fingerprint: string;
}

/**
 * The snapshot rows of one partition, up to a position. Orders are decimal digits. Times are µs.
 */
export interface SnapshotProgress {
  readonly source: string;
  /** The newest snapshot of the whole table; null: none yet. */
  readonly newest: {
    readonly start: string;
    readonly end: string;
    readonly committed: number;
    readonly ended: boolean;
  } | null;
  /** The last of all snapshot rows, those of incremental snapshots included. */
  readonly lastRow: { readonly end: string; readonly committed: number } | null;
  /** The change with the highest order. */
  readonly highest: { readonly order: string; readonly committed: number } | null;
}

/**
 * A compare-and-set of a position from `expected` to `next`. `expected` is null where the position
 * does not exist yet. If another offset is stored, the whole write is a conflict.
 */
export interface PositionStep {
  readonly partition: string;
  /** 0 if omitted. */
  readonly generation?: number | undefined;
  readonly expected: number | null;
  readonly next: number;
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * Texts by key, which a store keeps beside rows and positions. Core writes JSON, so no text is
 * empty. A store compares texts and returns them unchanged.
 */
export type Metadata = ReadonlyMap<string, string>;

/**
 * A compare-and-set of one text of the metadata from `expected` to `next`. `expected` is null where
 * the key does not exist yet. If another text is stored, the whole write is a conflict.
 */
export interface MetadataStep {
  readonly key: string;
  readonly expected: string | null;
  readonly next: string;
}

// ---- changes ----

/**
 * A column whose value could not be read. The row stays, and the column is missing in it (law 9:
 * missing is missing).
 */
export interface InvalidColumn {
  /** The column's name in the definitions. */
  readonly column: string;
  /** A stable code such as `NOT_A_TIME`, `NULL_NOT_ALLOWED`, `DECIMAL_TOO_PRECISE`. */
  readonly reason: string;
}

/** What one message of a change log says about one row. */
export interface Change {
  /** Name of the source in the definitions. */
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /**
   * What happens to the row.
   * - upsert: the row is now `values`.
   * - delete: the row with the primary key in `values` is deleted.
   * - truncate: the table is emptied.
   * - none: no row changes. The message is a tombstone, or a logical message, or its key cannot be
   *   read. In the last case `undecodable` says why.
   */
  readonly kind: "upsert" | "delete" | "truncate" | "none";
  /**
   * The values by the index of the source's columns. A delete has only the primary key. Null for
   * truncate and none.
   */
  readonly values: readonly Value[] | null;
  /**
   * The primary key that the row had before this change, in the order of `primaryKey`. The row of
   * that key is deleted (law 5: the old key is deleted at once). Null: the key did not change.
   */
  readonly oldKey: readonly Value[] | null;
  /**
   * Indexes of the columns that the log left out because they did not change (TOAST). The stored
   * row supplies their values.
   */
  readonly unavailable: readonly number[];
  readonly invalidColumns: readonly InvalidColumn[];
  /**
   * Why the key or the content could not be read. An upsert with this set has only a readable key.
   * Its row is in no window until the next readable change.
   */
  readonly undecodable: { readonly reason: string; readonly message: string } | null;
  /** The number of float64 values that were NaN or infinite. Such a value is missing. */
  readonly nonFinite: number;
  /**
   * The log order of the change. Null: the message has none. The offset then orders the change
   * within its partition.
   */
  readonly order: bigint | null;
  /**
   * The highest log order before this change in its partition, where `order` is null. The runner
   * sets it. A change source leaves it out.
   */
  readonly inheritedOrder?: bigint | undefined;
  /** The snapshot generation of the change; 0 if omitted. A change source leaves it out. */
  readonly generation?: number | undefined;
  /**
   * The commit time, µs (law 6: `ts_us`, or `ts_ms`·1000 + 999). Null where the message has none,
   * as a Kafka tombstone.
   */
  readonly committed: number | null;
  /** Whether a snapshot read the row, instead of the log. */
  readonly snapshot: boolean;
  /**
   * The place of a snapshot's row: the first or the last row of its table. "incremental": the
   * snapshot runs while the log goes on.
   */
  readonly snapshotMarker?: "first" | "last" | "incremental" | undefined;
  /** The log's letter for the operation: c u d r t m. Kept for the history. */
  readonly op: string | null;
  /** The broker's time of the message, ms. Kept for the history. */
  readonly timestamp: number | null;
  /** The transaction's id. Kept for the history. */
  readonly transaction: string | null;
  /**
   * JSON text of the fields that no declared column holds, and of the unreadable ones. Digits are
   * exact. Null: there are none.
   */
  readonly extra: string | null;
}

/** Changes of a log, and where they lead. */
export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** The positions of the partitions once these changes are stored. */
  readonly positions: readonly Position[];
}

/** A log of changes that a run reads. */
export interface ChangeSource {
  /** Names the source in messages and errors, such as `recorded topic payments.jsonl`. */
  readonly name: string;
  /**
   * Reads the changes of these sources after these positions, in batches of bounded size. A
   * partition without a position starts at its beginning. Both errors come before any change of the
   * topic. So partitions without a position wait until those with one were verified.
   *
   * @throws LOG_LOST when the log no longer holds the changes after a position.
   * @throws TOPIC_RECREATED when the position's checkpoint is of another log.
   */
  changes(options: {
    readonly sources: readonly SourceSpec[];
    readonly after: readonly Position[];
    readonly signal?: AbortSignal | undefined;
    /**
     * Reads the current positions of partitions that the source gains while it reads. Another run
     * may have taken them further. The source then gives their changes after these positions.
     */
    readonly positions?:
      | ((partitions: readonly string[]) => Promise<readonly Position[]>)
      | undefined;
    /**
     * Whether this is an independent reader, for a store that fell behind the run's first reader.
     * An independent reader takes no partition from another run. It may read only the partitions
     * that the first reader owns.
     */
    readonly independent?: boolean | undefined;
  }): AsyncIterable<ChangeBatch>;
  /**
   * Whether partitions move between runs while they read. A run then goes on after the positions of
   * another run. Otherwise a moved position ends the run (`ONLINE_STORE_FENCED`, `HISTORY_FENCED`).
   */
  readonly shared?: boolean | undefined;
  /**
   * Whether the first reader of the run currently owns the partition. For each partition that the
   * reader gains, it asks `positions`. Omit this if the source never loses partitions.
   */
  owns?(partition: string): boolean;
  /** Whether the changes end by themselves. */
  readonly bounded?: boolean | undefined;
  /** Acknowledges positions: every store holds everything up to them durably. */
  ack?(positions: readonly Position[]): Promise<void>;
  /** Returns the number of messages, for progress. Null: it is not known before reading. */
  size?(options: {
    readonly sources: readonly SourceSpec[];
    readonly signal?: AbortSignal | undefined;
  }): Promise<number | null>;
}

// ---- online store ----

/** A value in the online store. */
export interface Cell {
  readonly value: Uint8Array;
  /** A number that changes with every write of the cell, and never repeats for a key. */
  readonly version: number;
}

/** A compare-and-set of a cell. */
export interface CellWrite {
  readonly key: Uint8Array;
  /** null removes the cell. */
  readonly value: Uint8Array | null;
  /** The version that was read. null: there was no cell. undefined: any version. */
  readonly expected: number | null | undefined;
  /**
   * The expiry time, µs; null: never. `deleteExpired` may remove the cell if its `before` is later
   * (law 1: the horizon decides, not the clock).
   */
  readonly expires: number | null;
}

/**
 * Cells by key, with compare-and-set. Several processes may make any call at once. A call throws a
 * `retryable` error if the store is unavailable, busy or full. A run then makes the call again.
 */
export interface OnlineStore {
  readonly name: string;
  /**
   * Makes what is missing, and checks the format of what is there. Core calls it first. A second
   * call does nothing.
   *
   * @throws STATE_OLDER_FORMAT when an older version of the adapter wrote the store.
   * @throws STATE_NEWER_FORMAT when a newer version of the adapter wrote the store.
   * @throws STATE_NOT_TIDEMARK when another program wrote what is there.
   */
  open(options: {
    readonly namespace: string;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  /** Reads the cells of one consistent snapshot, cell i for key i. A key may occur twice. */
  read(keys: readonly Uint8Array[]): Promise<readonly (Cell | null)[]>;
  /**
   * Returns a counter that changes whenever any process writes any cell. If the counter is equal
   * before and after a read, nothing was written in between. Omit it if reading the counter is not
   * much faster than reading cells.
   */
  changeCounter?(): number;
  /**
   * As `read`, but the result is "same" where cell i still has the version `known[i]`. The value
   * then need not travel. Omit it if that saves nothing.
   */
  readIfChanged?(
    keys: readonly Uint8Array[],
    known: readonly (number | null)[],
  ): Promise<readonly (Cell | "same" | null)[]>;
  /**
   * Writes one durable step: everything, or nothing and `conflict`.
   *
   * @throws ONLINE_STORE_TWICE when the step writes a cell, a position or a text twice.
   */
  write(step: {
    readonly source: string;
    readonly cells: readonly CellWrite[];
    readonly positions: readonly PositionStep[];
    readonly metadata?: readonly MetadataStep[] | undefined;
  }): Promise<"done" | "conflict">;
  /** Reads the positions of a source, ordered by partition. */
  positions(source: string): Promise<readonly Position[]>;
  /** Reads the metadata of a source. */
  metadata(source: string): Promise<Metadata>;
  /**
   * Looks at up to `limit` cells, and removes those that expired before `before` (µs). The returned
   * `cursor` continues the work; null: all cells were seen.
   */
  deleteExpired(options: {
    readonly before: number;
    readonly limit: number;
    readonly cursor: Uint8Array | null;
  }): Promise<{ readonly removed: number; readonly cursor: Uint8Array | null }>;
  /**
   * Counts the cells of the namespace, and the bytes of the whole store. It may look at every cell.
   */
  size?(): Promise<{ readonly cells: number; readonly bytes: number }>;
  close(): Promise<void>;
}

// ---- offline store ----

/** A table of the offline store. */
export interface TableSpec {
  /** A path, such as `transactions/changes`. */
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** Names of int32 or string columns. Files are split by their values. */
  readonly partitionBy: readonly string[];
}

/** A table as it was at one version. */
export interface TableState {
  readonly version: number;
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
  readonly rows: number;
  /** The positions of the log whose effect the table holds (Delta's `txn`). */
  readonly positions: readonly Position[];
  readonly metadata: Metadata;
}

/** The size of a table, and what its log says of it. Times are µs. */
export interface TableDescription {
  readonly version: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly positions: readonly Position[];
  /** When the version was committed. null: its log does not say. */
  readonly committedAt: number | null;
  /**
   * The least and the greatest value of the requested column of times. null: there is none, or the
   * statistics of a file lack it.
   */
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** Selects partitions of a table: every listed column has one of the listed values. */
export type PartitionFilter = Readonly<Record<string, readonly (string | number | null)[]>>;

/**
 * Keeps the applied definitions: a text for each namespace, replaced by compare-and-set. Several
 * processes may make any call at once.
 */
export interface RegistryStore {
  /** Reads the text. null: none was ever saved. */
  load(options: {
    readonly namespace: string;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly snapshot: string; readonly etag: string } | null>;
  /**
   * Replaces the text durably, if it still has the etag `expected` (null: there was none).
   * Otherwise the result is `conflict`, and nothing is written.
   */
  save(
    snapshot: string,
    options: {
      readonly namespace: string;
      readonly expected: string | null;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<"done" | "conflict">;
}

/**
 * Tables of columns with atomic commits. Several processes may make any call at once. A call throws
 * a `retryable` error if the store is unavailable or full.
 */
export interface OfflineStore {
  readonly name: string;
  /**
   * Reads the state of a table, at its newest or the given version. null: there is no such table.
   *
   * @throws VERSION_MISSING when the table has no such version.
   */
  state(
    table: string,
    options?: { readonly version?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<TableState | null>;
  /**
   * Adds rows in one commit, and makes the table if it is missing. Positions and metadata move with
   * the rows. If one of them is not as expected, nothing is written and the result is `conflict`. A
   * column that the table lacks is added.
   *
   * @throws COLUMN_TYPE_CONFLICT when a column has another type in the table.
   * @throws PARTITION_CONFLICT when the table is split by other columns.
   * @throws NULL_NOT_ALLOWED when a value is missing in a column that is not nullable.
   */
  append(
    table: TableSpec,
    rows: readonly Batch[],
    options: {
      readonly positions: readonly PositionStep[];
      readonly metadata?: readonly MetadataStep[] | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<"done" | "conflict">;
  /**
   * As `append`, but the same commit removes the rows of the `replaced` partitions. The result is
   * also `conflict` if a commit after `expectedVersion` changed those partitions, positions or keys
   * of the metadata. `expectedVersion` is null for a missing table. Rows in an iterable are read
   * once, and written as they come. An error in them ends the call, and nothing is committed.
   */
  rewrite(
    table: TableSpec,
    rows: readonly Batch[] | AsyncIterable<Batch>,
    options: {
      readonly replaced: PartitionFilter;
      readonly expectedVersion: number | null;
      readonly positions: readonly PositionStep[];
      readonly metadata?: readonly MetadataStep[] | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<"done" | "conflict">;
  /**
   * Reads the rows of one version, in batches of bounded size. Columns come in the requested order.
   * Within a file, rows come in written order. A column that was added after a file was written is
   * null in its rows.
   *
   * @throws TABLE_MISSING when there is no such table.
   * @throws COLUMN_MISSING when the version has no such column.
   */
  scan(
    table: string,
    options: {
      readonly columns: readonly string[];
      readonly version?: number | undefined;
      readonly partitions?: PartitionFilter | undefined;
      /**
       * Skips files without a row whose column is in [min, max]. Other rows may still come, so the
       * caller filters.
       */
      readonly range?:
        | { readonly column: string; readonly min: number; readonly max: number }
        | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): AsyncIterable<Batch>;
  /** Keeps the applied definitions. Without it there is no plan and no apply. */
  readonly registry?: RegistryStore | undefined;
  /**
   * Joins small files of a table. Rows and their order stay. A store without files omits this
   * member and the three after it.
   *
   * @throws TABLE_MISSING when there is no such table.
   */
  optimize?(
    table: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly filesRemoved: number; readonly filesAdded: number }>;
  /**
   * Removes the files that no version within `retention` needs. Default: the store's `retention`.
   *
   * @throws TABLE_MISSING when there is no such table.
   */
  vacuum?(
    table: string,
    options?: {
      readonly retention?: Duration | "0s" | undefined;
      readonly dryRun?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ readonly removed: readonly string[] }>;
  /** Describes a table without reading a row. null: there is no such table. */
  describe?(
    table: string,
    options?: {
      readonly timeColumn?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<TableDescription | null>;
  /** How long a file that left a table is kept for readers of older versions. */
  readonly retention?: Duration | undefined;
  close(): Promise<void>;
}

// ---- compute engine ----

/**
 * Rows of a source, as columns.
 *
 * In a window, a row counts at `t` while `max(time, from) < t ≤ min(time + window, to)`. In a
 * latest view, a row counts while `time ≤ t ≤ time + ttl` and `from < t ≤ to`.
 */
export interface Events {
  readonly length: number;
  /** The number of the entity's key in `EntityRows`. −1: no entity row has it. */
  readonly entity: Int32Array;
  /** Event time, µs. */
  readonly time: Float64Array;
  /** Known from and known to, µs. −Infinity and Infinity: the row is known at every time. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** The plan's columns, in its order. */
  readonly columns: Batch;
}

/** The entity rows of a request, as columns. */
export interface EntityRows {
  readonly length: number;
  /** The number of different keys. */
  readonly keyCount: number;
  /** The number of the row's key, below `keyCount`. Equal keys have equal numbers. */
  readonly entity: Int32Array;
  /** µs */
  readonly time: Float64Array;
}

/** The value, status and event time of one feature for every entity row. */
export interface ResultColumns {
  readonly values: readonly Value[];
  readonly statuses: readonly Status[];
  /** µs; NaN: none. */
  readonly times: Float64Array;
}

/** Why a value is what it is. */
export type Status = "PRESENT" | "NULL_VALUE" | "NOT_FOUND" | "OUTSIDE_MAX_AGE";

/** The window features of one view, and the columns that they read. */
export interface AggregatePlan {
  readonly source: SourceSpec;
  /** The columns of the events, in order: those that the features and their conditions read. */
  readonly columns: readonly ColumnSpec[];
  readonly features: readonly FeatureSpec[];
  /** The view's longest window, µs. It decides NOT_FOUND (law 7: no history dependence). */
  readonly longestWindow: number;
}

/** The latest features of one view, and the columns that they read. */
export interface JoinPlan {
  readonly source: SourceSpec;
  /**
   * The columns of the events: those that the features read, then `createdAt` if there is one, then
   * the primary key.
   */
  readonly columns: readonly ColumnSpec[];
  readonly features: readonly FeatureSpec[];
  readonly ttl: number | null;
}

/** Computes features from events. Every engine gives the same bits (law 3: one answer). */
export interface ComputeEngine {
  readonly name: string;
  /**
   * Computes window features, one result for each feature of the plan.
   *
   * @throws ENGINE_CANNOT when the engine cannot compute the plan with the same bits.
   */
  aggregate(
    plan: AggregatePlan,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly ResultColumns[]>;
  /**
   * Computes latest features, one result for each feature of the plan.
   *
   * @throws ENGINE_CANNOT when the engine cannot compute the plan with the same bits.
   */
  joinAsOf(
    plan: JoinPlan,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly ResultColumns[]>;
}
