/** The types of reads: requests, answers and training sets. */
import type { Batch } from "../columns/batch.ts";
import type {
  CheckList,
  SelectionList,
  NeedsOfList,
  RowOfList,
  Selection,
} from "../define/selection.ts";
import type { Simplify } from "../define/shape.ts";
import type { TimeInput } from "../define/time-input.ts";
import type { ColumnSpec } from "../specs.ts";
import type { TimeUnit } from "../time/time-unit.ts";
import type { ResultColumns as ColumnAnswers, Status } from "../spi.ts";

/** A value with its status and its event time. */
export interface Answer<V> {
  readonly value: V;
  readonly status: Status;
  /**
   * The time of the window's newest event, or of the latest row, floored to the millisecond. Null
   * if there is none.
   */
  readonly eventTime: Date | null;
}
type Answers<Row> = { [K in keyof Row]: Answer<Row[K]> } & {};

/** What a selection needs. A list of known length needs what its items need. */
export type Asked<L extends SelectionList, Needs> = number extends L["length"]
  ? Needs
  : NeedsOfList<L>;
/** What a selection answers. */
export type Answered<L extends SelectionList, Row> = number extends L["length"]
  ? Row
  : RowOfList<L>;
type Shown<Row, Metadata extends boolean> = Metadata extends true ? Answers<Row> : Row;

/**
 * What an online request gets for features that the store cannot answer. "error" refuses the whole
 * request. "null" answers the others, and gives these the value null and the status
 * `NEEDS_BACKFILL` or `NOT_READY`.
 */
export type OnMissing = "error" | "null";

/** The row of a request. With `onMissing: "null"` each value may be null. */
export type MissingAsNull<Row, Missing extends OnMissing> = "null" extends Missing
  ? { [K in keyof Row]: Row[K] | null } & {}
  : Row;

/**
 * The entities of an online request: one entity, or a list of them. `E` is the list's tuple, and
 * `never` for one entity.
 */
export type RequestedEntities<E extends SelectionList, Needs> =
  | {
      /** The keys of several entities, as objects or as columns that hold nothing but the keys. */
      readonly entities: { readonly [I in keyof E]: NoInfer<Needs> } | EntityColumns;
      readonly entity?: never;
    }
  | {
      /** The keys of one entity. */
      readonly entity: NoInfer<Needs>;
      readonly entities?: never;
    };

/**
 * The answer to an online request. `entity` gives a row, and `entities` give rows in their order.
 * With `metadata: true` it is `{ asOf, row }` or `{ asOf, rows }`.
 */
export type OnlineAnswer<E extends SelectionList, Row, Metadata extends boolean> = [E] extends [
  never,
]
  ? Metadata extends true
    ? {
        /** The end of the windows, as an ISO string with six decimals of a second. */
        readonly asOf: string;
        readonly row: Answers<Row>;
      }
    : Row
  : Metadata extends true
    ? {
        /** The end of the windows, as an ISO string with six decimals of a second. */
        readonly asOf: string;
        readonly rows: { -readonly [I in keyof E]: Answers<Row> };
      }
    : { -readonly [I in keyof E]: Row };

/** Online answers column by column, in the order of the selection: nothing is converted. */
export interface OnlineColumns {
  readonly columns: readonly ColumnSpec[];
  /** Of each column: its values, statuses and times; row i for request i (law 8: row for row). */
  readonly answers: readonly ColumnAnswers[];
  /** The `t` of the windows, µs. */
  readonly asOf: number;
}

/**
 * Entities that are columns already, such as those of a Parquet file (`readParquet` of
 * @tidemark/delta). For a training set they hold the keys and `event_timestamp`, and for an online
 * request nothing but the keys.
 */
export interface EntityColumns {
  readonly columns: readonly ColumnSpec[];
  /** The unit of `event_timestamp` where that column holds numbers. A bare number has none. */
  readonly timeUnit?: TimeUnit | undefined;
  /** The zone of an `event_timestamp` without a zone: an IANA name or "UTC". */
  readonly zone?: string | undefined;
  batches(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Batch>;
}

/**
 * Which changes a training set sees (law 6: history does not forget). "as-corrected" sees every
 * change known now. "as-known" sees the changes committed before the row's time.
 */
export type Knowledge = "as-corrected" | "as-known";

/**
 * What a row before a source's first commit gets. "empty" gives the answer of an entity without
 * events. "error" throws `ASKNOWN_BEFORE_HISTORY`.
 */
export type BeforeHistory = "empty" | "error";

/**
 * A training set: the entity rows in their order (law 8: row for row), each with its features. The
 * training set is computed when it is read, and can be read once.
 */
export interface TrainingSet<Row> extends AsyncIterable<Row> {
  /** The columns of the batches: those of the entity rows, then the features. */
  readonly columns: readonly ColumnSpec[];
  /**
   * By source, the commit time from which its history is complete (law 6: history does not
   * forget). Null for a source without history.
   */
  readonly coverage: { readonly [source: string]: { readonly knownSince: string | null } };
  /** Computes all rows and returns them. */
  rows(): Promise<Row[]>;
  /** Computes the rows as batches of bounded size, as a Parquet writer takes them. */
  batches(): AsyncIterable<Batch>;
}

/**
 * Reads of features, online and historical. `features` is a feature, a view, a service, or a list
 * of them.
 */
export interface FeatureReads {
  /**
   * Returns the features of one entity, or of a list of entities, at one moment. Row `i` belongs to
   * entity `i` (law 8: row for row). An entity never seen has the answer of one whose events have
   * left the windows (law 7: no history dependence).
   *
   * @throws KEY_INVALID when a key is missing, superfluous or of another type.
   * @throws OPTION_INVALID when the request has both `entity` and `entities`, or neither.
   * @throws ASOF_BEFORE_HORIZON when `asOf` is before what the online store keeps.
   * @throws NEEDS_BACKFILL when the store does not hold what a feature needs. `tidemark backfill`
   * helps; `onMissing: "null"` answers the other features.
   * @throws NOT_READY when a source was never level with its log or its history.
   *
   * @example
   * const entity = { user_id: "user_000066" };
   * const row = await store.getOnlineFeatures({ features: fraud, entity });
   * const { asOf, rows } = await store.getOnlineFeatures({
   *   features: fraud,
   *   entities: [{ user_id: "user_000066" }, { user_id: "user_000067" }],
   *   metadata: true,
   * });
   */
  getOnlineFeatures<
    Row,
    Needs,
    const L extends SelectionList,
    const E extends SelectionList = never,
    const M extends boolean = false,
    const N extends OnMissing = "error",
  >(
    request: {
      readonly features: Selection<Row, Needs> | CheckList<L>;
      /** Answers are `{ value, status, eventTime }`, and the answer says its `asOf`. */
      readonly metadata?: M | undefined;
      /** The end of the windows over all changes applied so far. Default: now. */
      readonly asOf?: TimeInput | undefined;
      /** What features get that the store cannot answer. Default: "error". */
      readonly onMissing?: N | undefined;
      /** The id of the request in the serving log. */
      readonly requestId?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    } & RequestedEntities<E, Asked<L, Needs>>,
  ): Promise<OnlineAnswer<E, MissingAsNull<Answered<L, Row>, N>, M>>;

  /**
   * Computes a training set: the entity rows, each with its features as of its `event_timestamp`.
   * `knowledge` says whether later corrections count (law 6: history does not forget).
   *
   * @throws ASKNOWN_BEFORE_HISTORY when a row is before a source's first commit and
   * `beforeHistory` is "error".
   *
   * @example
   * const training = await store.getHistoricalFeatures({
   *   features: fraud,
   *   entities: labels,
   *   knowledge: "as-known",
   * });
   * for await (const row of training) console.log(row.amount_l1w);
   */
  getHistoricalFeatures<
    Row,
    Needs,
    const L extends SelectionList,
    E extends NoInfer<Asked<L, Needs>> & { readonly event_timestamp: TimeInput },
    const M extends boolean = false,
  >(request: {
    readonly features: Selection<Row, Needs> | CheckList<L>;
    readonly entities: readonly E[] | AsyncIterable<E> | EntityColumns;
    /** Which changes count; "as-corrected" without it. */
    readonly knowledge?: Knowledge | undefined;
    /** What a row before a source's first commit gets; "empty" without it. */
    readonly beforeHistory?: BeforeHistory | undefined;
    readonly metadata?: M | undefined;
    /**
     * The bytes that the events, rows and answers may take, about; at least 64 MiB. Events beyond
     * it wait in a temporary file. The process takes up to 256 MiB more. Default: 1 GiB.
     */
    readonly memoryLimit?: number | undefined;
    /**
     * The number of threads that compute; 0: the calling thread alone. Few events need no thread.
     * There is at most one for 320 MiB of `memoryLimit`, and none below 1 GiB. Default: one for
     * each core.
     */
    readonly workers?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<TrainingSet<Simplify<E & Shown<Answered<L, Row>, M>>>>;

  /**
   * The rows of a view's newest materialized day, row `i` for entity `i`: null where that day has
   * none. `materialize` puts them into the online store; a row is as old as its `event_timestamp`
   * says.
   *
   * @throws MATERIALIZED_OF_OTHER_DEFINITION when that day was computed under another definition of
   * the view or its source.
   *
   * @example
   * const entities = [{ user_id: "user_000066" }];
   * const [row] = await store.getMaterialized({ view: weekly, entities });
   */
  getMaterialized<Row, Needs, const E extends SelectionList>(request: {
    readonly view: Selection<Row, Needs>;
    readonly entities: { readonly [I in keyof E]: NoInfer<Needs> };
    readonly signal?: AbortSignal | undefined;
  }): Promise<{
    -readonly [I in keyof E]: Simplify<Row & { readonly event_timestamp: Date }> | null;
  }>;
}
