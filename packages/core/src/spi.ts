/**
 * The interfaces that adapters implement, and the functions that adapters need. Core holds
 * semantics, encoding, batching and retries. An adapter translates and does I/O.
 */
import type { Batch, Vector } from "./columns/batch.ts";
import type { Duration } from "./define/duration.ts";
import type { DeriveNode } from "./plan/nodes.ts";
import type { ColumnSpec, SourceSpec, Value, ViewSpec } from "./specs.ts";

export { wellFormedText } from "./bytes/utf8.ts";
export { batchOf, distinctTexts, valueAt, type Batch, type Vector } from "./columns/batch.ts";
export { specOfSource } from "./define/spec-of.ts";
export type {
  AggregateColumn,
  DerivedColumn,
  DeriveNode,
  EntityNode,
  FactColumn,
  FilterNode,
  InputNode,
  JoinNode,
  LatestNode,
  LookupNode,
  NamedType,
  ProjectNode,
  Query,
  RowNode,
  ScanNode,
  UnionNode,
  WindowNode,
} from "./plan/nodes.ts";
export { formatDate, formatTime, parseDate, parseTime } from "./time/parse-time.ts";
export type {
  CallExpression,
  ColumnSpec,
  DerivedFeatureSpec,
  DerivedViewSpec,
  EntitySpec,
  Expression,
  FeatureSpec,
  FieldSpec,
  InputFeature,
  NeededColumn,
  ScalarType,
  ScalarValue,
  TypeSpec,
  ValueType,
  SelectedBaseFeature,
  SelectedDerivedFeature,
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
   * What the decoder of the change source learned from the messages of the partition, such as how
   * they write decimals. The change source writes it.
   */
  readonly decoder?: object | undefined;
  /**
   * The highest order in the partition, in decimal digits, be it a change's own or that of a commit
   * that the change came after. A change without an order inherits it. The runner writes it.
   */
  readonly highestOrder?: string | undefined;
  /**
   * The key of the row that the message at the position deletes, as text. The tombstone of that
   * delete may follow. It is empty while the partition has brought tombstones alone. The runner
   * writes it.
   */
  readonly deletedKey?: string | undefined;
  /** What was taken of the partition up to the position. The runner writes it. */
  readonly taken?: TakenRows | undefined;
  /** The origins of the partition's rows. The runner writes them. */
  readonly origins?: readonly SourceOrigin[] | undefined;
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

/** The rows that were taken of one partition. Times are µs. */
export interface TakenRows {
  /** How many rows were set. A message that was delivered twice may count twice. */
  readonly rows: number;
  /** The nullable columns that none of these rows had. */
  readonly absent: readonly string[];
  /** The newest commit time; null: no change said one. */
  readonly committed: number | null;
  /** The newest event time; null: the source has none, or no row has one. */
  readonly event: number | null;
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
 * the key does not exist yet. If another text is stored, the whole write is a conflict. A step with
 * `next` equal to `expected` only compares. `next` is null only in such a step.
 */
export interface MetadataStep {
  readonly key: string;
  readonly expected: string | null;
  readonly next: string | null;
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
  /** What to do about it, where there is something to do. */
  readonly message?: string | undefined;
}

/** A message as it came: what `tidemark retry` decodes again. */
export interface OriginalMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/**
 * The row of a change as its message said it, before a definition reads it. The texts are JSON and
 * keep every digit. The history stores them, so that any later definition can read the change.
 */
export interface LoggedRow {
  /** The row after an upsert, or the row before a delete. null: the message has none. */
  readonly row: string | null;
  /** The key of the message. null: the row repeats it, which `format` says, or there is none. */
  readonly key: string | null;
  /** The key that the row had before. null: the key did not change. */
  readonly oldKey: string | null;
  /** How to read the texts: JSON that names the row format, the schema and the settings. */
  readonly format: string;
}

/** Where a row comes from. A part is null if its message does not say it. */
export interface SourceOrigin {
  /** The connector's type, such as `postgresql`. */
  readonly connector: string | null;
  /** The connector's name for the server: the prefix of its topics. */
  readonly server: string | null;
  readonly database: string | null;
  readonly schema: string | null;
}

/** The row that a tombstone names. */
export interface Tombstone {
  /** The values of the delete, which has only the primary key. Null: it cannot be read. */
  readonly values: readonly Value[] | null;
  /** Why the values cannot be read, and the next step. */
  readonly keyFault?: string | undefined;
  /** The offset of the partition's last message that gave no change; null: there was none. */
  readonly skippedAt: number | null;
}

/** Says that a row has a primary key that is not the table's. */
export interface KeyConflict {
  /** The columns of the declared primary key, with commas. */
  readonly column: string;
  /** `PRIMARY_KEY_NOT_UNIQUE` or `PRIMARY_KEY_CHANGES`. */
  readonly reason: string;
  /** What is wrong, with an example and the next step. */
  readonly message: string;
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
  /**
   * Names, in the database, of columns that the log left out in the same way and that the
   * definition does not declare. By default none.
   */
  readonly undeclaredUnavailable?: readonly string[] | undefined;
  readonly invalidColumns: readonly InvalidColumn[];
  /**
   * Nullable columns of the definition that the row of the message does not have. They read as
   * null. If no message has such a column, its name is likely wrong.
   */
  readonly absentColumns?: readonly InvalidColumn[] | undefined;
  /**
   * Set if the declared primary key is not that of the table, as this change shows. The runner sets
   * it. A change source leaves it out.
   */
  readonly keyConflict?: KeyConflict | undefined;
  /**
   * Why the key or the content could not be read. An upsert with this set has only a readable key.
   * Its row is in no window until the next readable change.
   */
  readonly undecodable: { readonly reason: string; readonly message: string } | null;
  /**
   * The message's bytes. A change source sets it if `undecodable` is set. The history keeps the
   * bytes, so that `retry` can decode them later.
   */
  readonly original?: OriginalMessage | undefined;
  /**
   * The row as the message said it. Without it, core stores the values in its own row format, and
   * columns that the definition does not declare are lost.
   */
  readonly logged?: LoggedRow | undefined;
  /**
   * The row of a tombstone (a key without a value), which has the kind "none". The runner makes a
   * delete of it if the log has lost the row's own delete, as a compacted topic does.
   */
  readonly tombstone?: Tombstone | undefined;
  /**
   * Where the row comes from. A run refuses the second origin of a source: rows of two origins have
   * the same keys and other log orders. Omitted if the message does not say it.
   */
  readonly origin?: SourceOrigin | undefined;
  /** The number of float64 values that were NaN or infinite. Such a value is missing. */
  readonly nonFinite: number;
  /**
   * The log order of the change. Null: the message has none. The offset then orders the change
   * within its partition.
   */
  readonly order: bigint | null;
  /**
   * The log order of the last commit before the transaction of this change committed, where the
   * change was written before that commit. Rows that an incremental snapshot had read by then are
   * older than the change, although their log order is higher. Below 2^52.
   */
  readonly committedAfter?: bigint | undefined;
  /**
   * The highest log order before this change in its partition, where `order` is null. The commits
   * of `committedAfter` count. The runner sets it. A change source leaves it out.
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
}

/** Messages of one partition that gave no change, for one reason. */
export interface SkippedMessages {
  readonly topic: string;
  /** A stable code such as `TABLE_NOT_DECLARED`. */
  readonly reason: string;
  readonly count: number;
  /** The first of them. `message` says what it is, and the next step. */
  readonly first: { readonly partition: number; readonly offset: number; readonly message: string };
  /** The offset of the last of them. */
  readonly last: number;
  /** The declared table that the table of the messages resembles, so that one may be a typo. */
  readonly near?: string | undefined;
}

/** A kept message, with the place where it came from. */
export interface KeptMessage extends OriginalMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time, ms; null: the message has none. */
  readonly timestamp: number | null;
  /** What the decoder had learned when it read the message; undefined: nothing. */
  readonly decoder?: object | undefined;
}

/** Changes of a log, and where they lead. */
export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** The messages of the batch that gave no change. */
  readonly skipped?: readonly SkippedMessages[] | undefined;
  /** The positions of the partitions once these changes are stored. */
  readonly positions: readonly Position[];
}

/** The present end of one partition of a log. */
export interface LogEnd {
  /** `topic:partition`, as positions name it. */
  readonly partition: string;
  /** The offset after the last message. */
  readonly end: number;
  /** The source whose rows the partition holds, by the name of its topic. Null: it is not known. */
  readonly source: string | null;
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
  /**
   * What a run does if no message of a source can be read. "stop" ends it with `SOURCE_UNREADABLE`
   * and is the default. "keep" goes on, and the history keeps the bytes.
   */
  readonly unreadable?: "stop" | "keep" | undefined;
  /** Whether the changes end by themselves. */
  readonly bounded?: boolean | undefined;
  /**
   * Decodes kept messages as this source decodes its own. The result has one item for each message,
   * in order: its change, or why it gives none. `retry` calls it. Omit it if the source keeps no
   * messages.
   */
  decodeKept?(
    messages: readonly KeptMessage[],
    options: { readonly sources: readonly SourceSpec[] },
  ): readonly (Change | SkippedMessages)[];
  /**
   * Returns the lag of each partition that this run owns: the number of offsets that were not yet
   * given to the run. A source is ready once it is 0. Empty: not known yet. Omit it if the changes
   * end by themselves. `highWatermark` is the offset after the last message; a run keeps it with
   * the lag, for processes that cannot ask the log.
   */
  lag?(): readonly {
    readonly partition: string;
    readonly lag: number;
    readonly highWatermark?: number | undefined;
  }[];
  /** Acknowledges positions: every store holds everything up to them durably. */
  ack?(positions: readonly Position[]): Promise<void>;
  /**
   * Returns the present end of each partition, of those of other runs too. A status computes the
   * lag of the stores from it. A run of a shared log makes a source ready once all of its
   * partitions were level. A source that no end may be of is in another log. Omit it if the log
   * cannot tell its ends without reading all of it.
   */
  ends?(options: {
    readonly sources: readonly SourceSpec[];
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly LogEnd[]>;
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
  /**
   * A number that changes with every write of the cell, and never repeats for a key. That of a cell
   * with an `expected` version is larger than it, and at least as large as that of each cell of the
   * step that is written over any version.
   */
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
   * Removes up to `limit` cells whose key begins with `prefix`. The returned `cursor` continues the
   * work; null: no such cell is left.
   */
  deleteCells(options: {
    readonly prefix: Uint8Array;
    readonly limit: number;
    readonly cursor: Uint8Array | null;
  }): Promise<{ readonly removed: number; readonly cursor: Uint8Array | null }>;
  /**
   * Reads up to `limit` cells whose key begins with `prefix`. The returned `cursor` continues the
   * work; null: all cells were read. A cell that is written meanwhile may be missed or come twice.
   */
  scan(options: {
    readonly prefix: Uint8Array;
    readonly limit: number;
    readonly cursor: Uint8Array | null;
  }): Promise<{
    readonly cells: readonly (Cell & { readonly key: Uint8Array })[];
    readonly cursor: Uint8Array | null;
  }>;
  /**
   * Removes what replaced and removed cells left behind in the store's files. Writers may wait
   * meanwhile. False: a reader kept a part of it, and a later call removes that part. Omit it if
   * nothing is left behind.
   */
  purge?(): Promise<boolean>;
  /**
   * Counts the cells of the namespace, and the bytes of the whole store. It may look at every cell.
   */
  size?(): Promise<{ readonly cells: number; readonly bytes: number }>;
  /** Copies of the store. Omit it if the store has tools of its own for that. */
  readonly backups?: OnlineBackups | undefined;
  close(): Promise<void>;
}

/** How much of a copy is done. */
export interface BackupProgress {
  readonly bytes: number;
  readonly total: number;
}

/** Copies of an online store. The store need not be open. */
export interface OnlineBackups {
  /**
   * Writes a copy of the whole store, as it is at one moment, into a new file. Other processes
   * write meanwhile. `prepare` gets the copy, which may be written to, before it is finished.
   */
  write(options: {
    readonly to: string;
    prepare(copy: OnlineStore): Promise<void>;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  }): Promise<void>;
  /** Makes a store that only reads a copy. */
  open(file: string): OnlineStore;
  /**
   * Refuses what `restore` would refuse, and changes nothing.
   *
   * @throws ONLINE_STORE_NOT_EMPTY when the store is there, and `replace` is false.
   * @throws ONLINE_STORE_BUSY when a process has the store open.
   */
  check(options: { readonly replace: boolean }): Promise<void>;
  /**
   * Replaces the whole store by a copy, in one step.
   *
   * @throws ONLINE_STORE_NOT_EMPTY when the store is there, and `replace` is false.
   * @throws ONLINE_STORE_BUSY when a process has the store open.
   */
  restore(options: {
    readonly from: string;
    readonly replace: boolean;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
}

// ---- offline store ----

/** A table of the offline store. */
export interface TableSpec {
  /** A path, such as `transactions/changes`. */
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** Names of int32 or string columns. Files are split by their values. */
  readonly partitionBy: readonly string[];
  /**
   * True: scans often ask for few keys (`keyRanges`). A store may lay the rows out for them.
   * Default: false.
   */
  readonly readByKey?: boolean | undefined;
}

/** Keys in a column that a scan asks for. */
export interface KeyRanges {
  readonly column: string;
  /**
   * Both ends are included. The ranges ascend and do not overlap. Texts are in the order of their
   * code points.
   */
  readonly ranges: readonly { readonly min: Value; readonly max: Value }[];
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

/** Finds rows that no writer may commit any more. */
export interface UncommittedRows {
  /** The columns of the batches. A column that a file lacks is null. */
  readonly columns: readonly string[];
  /** Whether a batch of a file holds such a row. */
  readonly isErased: (batch: Batch) => boolean;
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
   * As `append`, but the same commit removes the rows of the `replaced` partitions. Without a
   * column, `replaced` stands for all rows, and the table then has exactly the columns of `table`.
   * The result is also `conflict` if a commit after `expectedVersion` changed those partitions,
   * positions or keys of the metadata. `expectedVersion` is null for a missing table. Rows in an
   * iterable are read once, and written as they come. An error in them ends the call, and nothing
   * is committed. `staged` adds rows that were staged under these names, and takes them from the
   * staging.
   *
   * @throws STAGED_ROWS_MISSING when staged rows are no longer there.
   */
  rewrite(
    table: TableSpec,
    rows: readonly Batch[] | AsyncIterable<Batch>,
    options: {
      readonly replaced: PartitionFilter;
      readonly expectedVersion: number | null;
      readonly staged?: { readonly rewrite: string; readonly names: readonly string[] } | undefined;
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
      /** Skips rows whose key is in no range. Others may still come, so the caller filters. */
      readonly keyRanges?: KeyRanges | undefined;
      /** The number of threads that may read rows ahead. Default: the store decides. */
      readonly workers?: number | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): AsyncIterable<Batch>;
  /**
   * Replaces rows of a table in one commit, and leaves the files without such rows. `isAffected`
   * gets batches with `columns`, and says whether a row of the batch is to be replaced. `replace`
   * gets every batch of an affected file, with all columns of the table, and returns the rows in
   * its place. They stay in the batch's partition. The result is `conflict` if another writer
   * changed one of these files meanwhile; nothing is written then.
   *
   * @throws TABLE_MISSING when there is no such table.
   */
  replaceRows(
    table: string,
    options: {
      readonly columns: readonly string[];
      readonly isAffected: (batch: Batch) => boolean;
      readonly replace: (batch: Batch) => Batch;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<"done" | "conflict">;
  /**
   * Removes what the store still says of rows that left the table: the least and greatest values in
   * the log of its older versions. With `files` the files of older versions go too, at once, and
   * files without a commit that hold `uncommitted` rows. Other files without a commit stay, because
   * a writer may be about to commit them. With `endPins` backups no longer keep files of older
   * versions. A store without files omits this member.
   *
   * @throws TABLE_MISSING when there is no such table.
   */
  forgetReplaced?(
    table: string,
    options: {
      readonly files: boolean;
      readonly endPins?: boolean | undefined;
      readonly uncommitted?: UncommittedRows | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ readonly removed: readonly string[] }>;
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
  /** Pinned and copied versions. Omit it if the store has tools of its own for that. */
  readonly backups?: OfflineBackups | undefined;
  /**
   * Keeps rows of a rewrite that is not committed yet, so that a killed rewrite is resumed. Omit
   * it, and such a rewrite begins again.
   */
  readonly staging?: OfflineStaging | undefined;
  close(): Promise<void>;
}

/** Rows of a rewrite that were written, and are not committed yet. No scan reads them. */
export interface StagedRows {
  /** The rewrite that wrote them. Rewrites with the same text write the same rows. */
  readonly rewrite: string;
  /** The name of the rows within the rewrite. */
  readonly name: string;
}

/**
 * Keeps rows of rewrites until a commit takes them. Several processes may make any call at once.
 */
export interface OfflineStaging {
  /**
   * Lists the rows that are staged for a table. A rewrite is left out when its files may be removed
   * before it could be committed.
   */
  list(
    table: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly StagedRows[]>;
  /** Writes rows durably under a name of a rewrite, in place of those that had the name. */
  write(
    table: TableSpec,
    rows: readonly Batch[] | AsyncIterable<Batch>,
    options: StagedRows & { readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /**
   * Reads the rows of some partitions that were staged under a name, with all columns of the table.
   * The rows of a partition come in written order.
   *
   * @throws STAGED_ROWS_MISSING when the rows are no longer there.
   */
  read(
    table: TableSpec,
    options: StagedRows & {
      readonly partitions: PartitionFilter;
      readonly signal?: AbortSignal | undefined;
    },
  ): AsyncIterable<Batch>;
  /**
   * Removes everything that some rewrites staged for a table, whatever their age. `isDiscarded`
   * accepts only rewrites that are never committed from now on.
   */
  discard(
    table: string,
    options: {
      readonly isDiscarded: (rewrite: string) => boolean;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void>;
}

/** Pinned and copied versions of tables. */
export interface OfflineBackups {
  /** Keeps the files of these versions from `vacuum`, until a time (µs). */
  pin(options: {
    readonly id: string;
    readonly until: number;
    readonly tables: readonly { readonly name: string; readonly version: number }[];
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  /** Names what a version of a table needs and the store lacks. */
  missing(
    table: string,
    version: number,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly string[]>;
  /** Writes a version of a table below a directory. */
  copy(
    table: string,
    version: number,
    options: {
      readonly to: string;
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
    },
  ): Promise<void>;
  /**
   * Puts a copied table back. The table is there when it is whole.
   *
   * @throws HISTORY_NOT_EMPTY when the table is there, and `replace` is false.
   */
  restore(
    table: string,
    options: {
      readonly from: string;
      readonly replace: boolean;
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
    },
  ): Promise<void>;
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
  /** The columns of the plan's scan, in its order, and then those of its lookups, in theirs. */
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

/**
 * Why a value is what it is. `NEEDS_BACKFILL` and `NOT_READY` are of online requests with
 * `onMissing: "null"` only: the store cannot answer the feature yet, and the value is null.
 */
export type Status =
  | "PRESENT"
  | "NULL_VALUE"
  | "NOT_FOUND"
  | "OUTSIDE_MAX_AGE"
  | "NEEDS_BACKFILL"
  | "NOT_READY";

/**
 * The statuses that an engine answers. A byte of `EngineColumn.statuses` is an index of these.
 *
 * @example
 * const notFound = ENGINE_STATUSES.indexOf("NOT_FOUND"); // 2
 */
export const ENGINE_STATUSES = ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"] as const;

/** The answers of an engine to one column of a plan, for every entity row. Nothing is boxed. */
export interface EngineColumn {
  /** The type of the column's value says which vector it is. A default is in its place. */
  readonly values: Vector;
  /** Indexes of `ENGINE_STATUSES`. */
  readonly statuses: Uint8Array;
  /** Event times, µs; NaN: none. */
  readonly times: Float64Array;
}

/** The history of one source in the offline store, at the versions that are read. */
export interface TableReference {
  readonly source: SourceSpec;
  /** Every change as it arrived. */
  readonly log: TableVersion;
  /** The versions of the rows that were derived of the log so far. null: none yet. */
  readonly versions: TableVersion | null;
}

/** A table of the offline store at one version. */
export interface TableVersion {
  readonly table: string;
  readonly version: number;
}

/** What an engine computes: plain data, which may go to another thread, process or machine. */
export interface EngineTask {
  /** The features of one view. */
  readonly plan: DeriveNode;
  /** The history of each source that the plan reads or looks up, if it has one. */
  readonly tables: readonly TableReference[];
  /** Which versions of the rows count. A dimension is always read as known. */
  readonly knowledge: "as-corrected" | "as-known";
  readonly rows: EntityRows;
}

/** What the process that asks an engine does for it. */
export interface EngineHost {
  /**
   * Reads the rows of the task's tables, of any entity row and in any order. They have the columns
   * of the plan's scan and of its lookups. An engine that reads the tables itself needs no call.
   */
  events(): AsyncIterable<Events>;
  /** The different keys of the entity rows: row k has the keys of number k. */
  keys(): Batch;
  /** The bytes that the events may take in memory, about. Default: 1 GiB. */
  readonly memoryLimit?: number | undefined;
  /** The number of events, at most; undefined: it is not known. */
  readonly expectedEvents?: number | undefined;
  /** The number of threads that may compute. Default: one for each core. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Computes features from events. Every engine gives the same bits (law 3: one answer). */
export interface ComputeEngine {
  readonly name: string;
  /**
   * Computes the features of one view, one result for each column of the plan. Row i of a result
   * answers entity row i (law 8).
   *
   * @throws ENGINE_CANNOT when the engine cannot compute the plan with the same bits.
   */
  compute(task: EngineTask, host: EngineHost): Promise<readonly EngineColumn[]>;
}

// ---- engines that run whole jobs ----

/**
 * A training set as plain data, for an engine that reads the history itself, such as a cluster.
 * Each engine has members of its own beside these.
 */
export interface EngineJob {
  readonly format: number;
  /** Names the job. A job that is sent twice is done once. */
  readonly id: string;
  readonly knowledge: "as-corrected" | "as-known";
  /** The entity rows, and how many there are. */
  readonly entities: { readonly uri: string; readonly rows: number };
  /** Where the training set goes. */
  readonly output: { readonly uri: string };
}

/** What a job made. */
export interface JobReport {
  readonly rows: number;
  /** Sums outside their type (law 3: they are counted). A repeated task may count twice. */
  readonly overflows: number;
  /** False: the output was there already, of the same job. */
  readonly wrote: boolean;
}

/** Runs jobs elsewhere, and waits for them. */
export interface JobEngine<Job extends EngineJob = EngineJob> {
  readonly name: string;
  /**
   * Runs a job. The output appears when it is complete. A job with the id of an output that is
   * there does nothing.
   */
  run(
    job: Job,
    options?: {
      readonly signal?: AbortSignal | undefined;
      /** Called with the number of rows that are answered so far, about. */
      readonly onProgress?: ((rows: number) => void) | undefined;
    },
  ): Promise<JobReport>;
}

/** The rows of materialized days that an engine computes at once. */
export interface DayRows {
  readonly view: ViewSpec;
  /** The different keys of the rows: row k has the keys of number k. */
  readonly keys: Batch;
  /** The time of a row is the end of its day. */
  readonly rows: EntityRows;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Computes the rows of materialized days from the history itself, such as on a cluster. The process
 * that asks lists the entities, and writes the answers.
 */
export interface DaysEngine {
  readonly name: string;
  /**
   * The features of the view, in their order, as corrected. Row i of the result answers row i
   * (law 8).
   */
  compute(rows: DayRows): Promise<Batch>;
}
