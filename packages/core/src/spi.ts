/**
 * The interfaces that adapters implement, and the functions that adapters need. Semantics, encoding,
 * batching and retries live in core: an adapter translates and does I/O.
 */
import type { Batch } from "./columns/batch.ts";
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

/** How far one partition of one log has been taken. */
export interface Position {
  /** `topic:partition`; or another name that is unique within the source. */
  readonly partition: string;
  /**
   * The snapshot generation of the partition; 0 if omitted. Offsets of another generation are of
   * another log, so a store keeps a position for each generation and partition.
   */
  readonly generation?: number | undefined;
  /** The offset of the last message whose effect is stored. */
  readonly offset: number;
  /** What a reader must know to go on after the offset. */
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * The state of a reader at a position. It is plain JSON: a store keeps it as it is, and gives it
 * back. Each member has one writer, which leaves the others alone.
 */
export interface Checkpoint {
  /** The last message of the partition. The change source writes and compares it. */
  readonly message?: MessageFingerprint | undefined;
  /**
   * The highest order in the partition, in decimal digits. A change without an order inherits it.
   * The runner writes it.
   */
  readonly highestOrder?: string | undefined;
  /** What was seen of the snapshot that begins a generation. It is there while one is awaited. */
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
  /** The message's offset. It may lie before the position's, where no message follows it. */
  readonly offset: number;
  /** Of the message's content, such as its time and a hash of its key. */
  readonly fingerprint: string;
}

/** The snapshot rows of one partition, up to a position. Orders are decimal digits, times µs. */
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
 * A compare-and-set of a position: moves from `expected` (null: there is none yet) to `next`, or
 * the whole step is a conflict.
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
 * What a store remembers beside its rows and positions: a text by key. Core writes JSON, and reads
 * it back; to a store it is text.
 */
export type Metadata = ReadonlyMap<string, string>;

/**
 * A compare-and-set of one text of the metadata: replaces `expected` (null: there is none yet) by
 * `next`, or the whole step is a conflict.
 */
export interface MetadataStep {
  readonly key: string;
  readonly expected: string | null;
  readonly next: string;
}

// ---- changes ----

/**
 * A column of a row that could not be read. The row stays, and the column is missing in it (law 9:
 * missing is missing).
 */
export interface InvalidColumn {
  /** The column's name in the definitions. */
  readonly column: string;
  /** A stable code such as `NOT_A_TIME`, `NULL_NOT_ALLOWED`, `DECIMAL_TOO_PRECISE`. */
  readonly reason: string;
}

/** What one message of a change log says of one row. */
export interface Change {
  /** Name of the source in the definitions. */
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /**
   * What happens to the row.
   * - upsert: the row is now `values`.
   * - delete: the row with the primary key in `values` is gone.
   * - truncate: the table is empty.
   * - none: no row changes. The message is a tombstone or a logical message, or its key is
   *   unreadable; then `undecodable` says why.
   */
  readonly kind: "upsert" | "delete" | "truncate" | "none";
  /**
   * By the index of the source's columns; on a delete only the primary key is filled; null for
   * truncate and none.
   */
  readonly values: readonly Value[] | null;
  /**
   * The primary key the row had before this change, in the order of `primaryKey`: that row is gone
   * (law 5).
   */
  readonly oldKey: readonly Value[] | null;
  /**
   * Indexes of columns the log left out because they did not change (TOAST); their values are those
   * of the stored row.
   */
  readonly unavailable: readonly number[];
  readonly invalidColumns: readonly InvalidColumn[];
  /**
   * Why the key or the content could not be read. An upsert has a readable key and no readable
   * content: its row is in no window until the next readable change.
   */
  readonly undecodable: { readonly reason: string; readonly message: string } | null;
  /** How many float64 values were NaN or infinite, and are missing. */
  readonly nonFinite: number;
  /**
   * The log order of the change. Null: the message has none, and the offset orders it within its
   * partition.
   */
  readonly order: bigint | null;
  /**
   * Where `order` is null: the highest log order that the partition held before. The runner sets
   * it; a change source leaves it out.
   */
  readonly inheritedOrder?: bigint | undefined;
  /**
   * The snapshot generation of the change; 0 if omitted. A change source leaves it out.
   */
  readonly generation?: number | undefined;
  /**
   * Commit time in µs (law 6: `ts_us`, or ts_ms·1000 + 999); null where the message has none (a
   * Kafka tombstone).
   */
  readonly committed: number | null;
  /** The row was read by a snapshot, not from the log. */
  readonly snapshot: boolean;
  /**
   * Of a snapshot's row: the first or the last that it has of its table, or of a snapshot that runs
   * beside the log.
   */
  readonly snapshotMarker?: "first" | "last" | "incremental" | undefined;
  /**
   * Kept for history: the log's own letter (c u d r t m), the broker's time in ms, the transaction.
   */
  readonly op: string | null;
  readonly timestamp: number | null;
  readonly transaction: string | null;
  /**
   * JSON text of the fields that no declared column took, and of declared ones that were
   * unreadable, digits exact; null when there are none.
   */
  readonly extra: string | null;
}

export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** The positions of the partitions once these changes are stored. */
  readonly positions: readonly Position[];
}

export interface ChangeSource {
  /** For messages and errors, such as `recorded topic payments.jsonl`. */
  readonly name: string;
  /**
   * Reads the changes of these sources after these positions, in batches of bounded size. A
   * partition without a position starts at its beginning. Both errors come before any change of the
   * topic: partitions without a position wait for those with one.
   *
   * @throws LOG_LOST when the log no longer holds the changes after a position.
   * @throws TOPIC_RECREATED when the position's checkpoint is of another log.
   */
  changes(options: {
    readonly sources: readonly SourceSpec[];
    readonly after: readonly Position[];
    readonly signal?: AbortSignal | undefined;
    /**
     * Where these partitions stand now, as `after` said it at the start: for a source that gains a
     * partition while it reads, which another run may have taken further. Nothing of them that was
     * given before counts any more; what is given next comes after these positions.
     */
    readonly positions?:
      | ((partitions: readonly string[]) => Promise<readonly Position[]>)
      | undefined;
    /**
     * A second reader, while the first of the same run goes on, for a store that fell behind it. It
     * takes no partition from anyone, and needs to give only those that the first has at the time.
     */
    readonly independent?: boolean | undefined;
  }): AsyncIterable<ChangeBatch>;
  /**
   * Partitions come from other runs and go to them while this one reads. A run that finds one moved
   * on by another then goes on behind it; without this it ends (`ONLINE_STORE_FENCED`,
   * `HISTORY_FENCED`).
   */
  readonly shared?: boolean | undefined;
  /**
   * Whether the first reader of the run currently owns the partition. For each partition that the
   * reader gains, it asks `positions`. Omit this if the source never loses partitions.
   */
  owns?(partition: string): boolean;
  /** The changes come to an end by themselves. */
  readonly bounded?: boolean | undefined;
  /** Called when everything up to these positions is durable in every store. */
  ack?(positions: readonly Position[]): Promise<void>;
  /** Messages in all, when it is known before reading; for progress. */
  size?(options: {
    readonly sources: readonly SourceSpec[];
    readonly signal?: AbortSignal | undefined;
  }): Promise<number | null>;
}

// ---- online store
// -------------------------------------------------------------------------------------------------

export interface Cell {
  readonly value: Uint8Array;
  /** Changes with every write of the cell; never repeats for a key. */
  readonly version: number;
}

export interface CellWrite {
  readonly key: Uint8Array;
  /** null removes the cell. */
  readonly value: Uint8Array | null;
  /** The version that was read; null: there was no cell; undefined: whatever is there. */
  readonly expected: number | null | undefined;
  /**
   * µs; `deleteExpired` may remove the cell when it is asked for cells that expire before a later
   * time; null: never. The horizon decides, not the clock (law 1).
   */
  readonly expires: number | null;
}

/**
 * Cells by key, with compare-and-set. A call that fails because the store is away, busy or full
 * throws a `TidemarkError` that is `retryable`: a run then makes it again, later. Every call may be
 * made from several processes at once.
 */
export interface OnlineStore {
  readonly name: string;
  /**
   * Makes what is missing, checks the format of what is there; throws `STATE_NEWER_FORMAT`,
   * `STATE_NOT_TIDEMARK`. Call it first; calling it again does nothing.
   */
  open(options: {
    readonly namespace: string;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  /** The cells of one consistent snapshot, cell i for key i. A key may be asked twice. */
  read(keys: readonly Uint8Array[]): Promise<readonly (Cell | null)[]>;
  /**
   * A counter that changes whenever any process writes any cell. If the counter is equal before and
   * after a read, nothing was written in between. Only for stores that read the counter much faster
   * than cells.
   */
  changeCounter?(): number;
  /**
   * As `read`, but "same" where cell i still has the version `known[i]`, so that its value need not
   * travel. A store to which that makes no difference leaves it out.
   */
  readIfChanged?(
    keys: readonly Uint8Array[],
    known: readonly (number | null)[],
  ): Promise<readonly (Cell | "same" | null)[]>;
  /** One durable step: all of it, or `conflict` and none of it. */
  write(step: {
    readonly source: string;
    readonly cells: readonly CellWrite[];
    readonly positions: readonly PositionStep[];
    readonly metadata?: readonly MetadataStep[] | undefined;
  }): Promise<"done" | "conflict">;
  /** The positions of a source, ordered by partition. */
  positions(source: string): Promise<readonly Position[]>;
  /** The metadata of a source. */
  metadata(source: string): Promise<Metadata>;
  /**
   * Removes up to `limit` cells that expired before `before` (µs); `cursor` continues, null when
   * all were seen.
   */
  deleteExpired(options: {
    readonly before: number;
    readonly limit: number;
    readonly cursor: Uint8Array | null;
  }): Promise<{ readonly removed: number; readonly cursor: Uint8Array | null }>;
  /**
   * How many cells there are in the namespace, and how many bytes the store takes in all. It may
   * look at every cell.
   */
  size?(): Promise<{ readonly cells: number; readonly bytes: number }>;
  close(): Promise<void>;
}

// ---- offline store
// ------------------------------------------------------------------------------------------------

export interface TableSpec {
  /** Path-like: `transactions/changes`. */
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** Names of int32 or string columns whose values part the files. */
  readonly partitionBy: readonly string[];
}

/** A table as it was at one version. */
export interface TableState {
  readonly version: number;
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
  readonly rows: number;
  /** Of each log partition, the offset whose effect is in (Delta's `txn`). */
  readonly positions: readonly Position[];
  readonly metadata: Metadata;
}

/** What a table is made of; times are µs. */
export interface TableDescription {
  readonly version: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly positions: readonly Position[];
  /** When the version was committed. */
  readonly committedAt: number | null;
  /**
   * The least and the greatest value of the column of times that was asked for; null: there is
   * none, or a file does not say.
   */
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** Which partitions of a table: every listed column has one of the listed values. */
export type PartitionFilter = Readonly<Record<string, readonly (string | number | null)[]>>;

/**
 * What was applied, a text for each namespace, replaced by compare-and-set. Calls may be made from
 * several processes at once.
 */
export interface RegistryStore {
  /** null: nothing was ever saved. */
  load(options: {
    readonly namespace: string;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly snapshot: string; readonly etag: string } | null>;
  /**
   * Replaces what `load` gave with the etag `expected` (null: there was nothing), durably;
   * `conflict`, and nothing, where something else is there by now.
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
 * Tables of columns with atomic commits. A call that fails because the store is away or full throws
 * a `TidemarkError` that is `retryable`. Every call may be made from several processes at once.
 */
export interface OfflineStore {
  readonly name: string;
  /** null: there is no such table. `version`: as it was then. */
  state(
    table: string,
    options?: { readonly version?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<TableState | null>;
  /**
   * Adds rows in one commit, making the table where there is none. Positions and metadata move
   * with the rows: where one is not as expected, nothing is written and the answer is `conflict`. A
   * column the table lacks is added to it.
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
   * As `append`, but in the same commit the rows of `replaced` partitions go away; `conflict` also
   * where the table is no longer at version `expectedVersion` (null: absent) and a commit since
   * then touched those partitions, positions or keys of the metadata. Rows that come one batch after the other are read once, and
   * written while they come: an error in them ends the call, and nothing is committed.
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
   * Rows of one version, in batches of bounded size; the columns in the order asked. Within one
   * file, rows come in the order they were written in. A column that a file is too old to have is
   * null there.
   */
  scan(
    table: string,
    options: {
      readonly columns: readonly string[];
      readonly version?: number | undefined;
      readonly partitions?: PartitionFilter | undefined;
      /**
       * Only files that may hold rows whose column is in [min, max]; the rows still need a filter.
       */
      readonly range?:
        | { readonly column: string; readonly min: number; readonly max: number }
        | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): AsyncIterable<Batch>;
  /** Where definitions are registered; a store without it has no plan and no apply. */
  readonly registry?: RegistryStore | undefined;
  /**
   * Joins small files of a table; the rows and their order stay. A store that has no files leaves
   * this out, and the three below with it. `TABLE_MISSING`.
   */
  optimize?(
    table: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly filesRemoved: number; readonly filesAdded: number }>;
  /**
   * Removes files that no version within the last `retain` ms needs; without it, the store's own.
   * `TABLE_MISSING`.
   */
  vacuum?(
    table: string,
    options?: {
      readonly retain?: number | undefined;
      readonly dryRun?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ readonly removed: readonly string[] }>;
  /** null: there is no such table. Reads no row. */
  describe?(
    table: string,
    options?: {
      readonly timeColumn?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<TableDescription | null>;
  /**
   * How long (ms) files that left a table are kept for readers of older versions, and remembered.
   */
  readonly retain?: number | undefined;
  close(): Promise<void>;
}

// ---- compute engine
// -----------------------------------------------------------------------------------------------

/**
 * Rows of a source as the engine takes them. `entity` is the number of the entity row's key (see
 * `EntityRows`), −1: not asked for. A row counts at `t` while `max(time, from) < t ≤ min(time +
 * window, to)` for a window, and while `time ≤ t ≤ time + ttl`, `from < t ≤ to` for a fact.
 */
export interface Events {
  readonly length: number;
  readonly entity: Int32Array;
  /** Event time, µs. */
  readonly time: Float64Array;
  /** Known from and known to, µs; −Infinity and Infinity for a row that is seen at every time. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** The columns the plan names, in its order. */
  readonly columns: Batch;
}

/** What is asked: for each row, a key (a number, equal for equal keys) and a time in µs. */
export interface EntityRows {
  readonly length: number;
  readonly keyCount: number;
  readonly entity: Int32Array;
  readonly time: Float64Array;
}

/** The value and the status of one feature for every entity row. */
export interface ResultColumns {
  readonly values: readonly Value[];
  readonly statuses: readonly Status[];
  /** µs; NaN: none. */
  readonly times: Float64Array;
}

export type Status = "PRESENT" | "NULL_VALUE" | "NOT_FOUND" | "OUTSIDE_MAX_AGE";

export interface AggregatePlan {
  readonly source: SourceSpec;
  /** Columns of the events, in order: those the features and their conditions read. */
  readonly columns: readonly ColumnSpec[];
  readonly features: readonly FeatureSpec[];
  /** The view's longest window, µs: it decides NOT_FOUND (law 7). */
  readonly longestWindow: number;
}

export interface JoinPlan {
  readonly source: SourceSpec;
  /**
   * Columns of the events: those the features read, then `createdAt` if there is one, then the
   * primary key.
   */
  readonly columns: readonly ColumnSpec[];
  readonly features: readonly FeatureSpec[];
  readonly ttl: number | null;
}

/**
 * Computes features from events. Every engine gives the same bits (law 3); one that cannot refuses
 * the plan (`ENGINE_CANNOT`).
 */
export interface ComputeEngine {
  readonly name: string;
  aggregate(
    plan: AggregatePlan,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly ResultColumns[]>;
  joinAsOf(
    plan: JoinPlan,
    events: AsyncIterable<Events>,
    rows: EntityRows,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly ResultColumns[]>;
}
