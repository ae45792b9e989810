/** The types of a timeline. All of it is plain data, so that JSON holds it without loss. */
import type { CheckList, Selection, SelectionList } from "../define/selection.ts";
import type { TimeInput } from "../define/time-input.ts";
import type { JsonRow, JsonValue } from "../explain/exact-json.ts";
import type { Asked, Knowledge } from "../request/request-types.ts";
import type { Status } from "../spi.ts";

/** What `store.timeline` is asked. */
export interface TimelineRequest<Row, Needs, L extends SelectionList = SelectionList> {
  /** A feature, a view, a service, or a list of them. */
  readonly features: Selection<Row, Needs> | CheckList<L>;
  /** The entity keys, and the request data that the features read. It stays the same. */
  readonly entity: NoInfer<Asked<L, Needs>>;
  /** The first time of a request. */
  readonly from: TimeInput;
  /** The last time of a request, included. Default: now. */
  readonly to?: TimeInput | undefined;
  /**
   * Which changes count. "as-known": at each time those that were committed before it, which
   * serving without lag saw. "as-corrected": all that are known now. Default: "as-known".
   */
  readonly knowledge?: Knowledge | undefined;
  /** The most points of each feature. Default: 1,000. */
  readonly maxPoints?: number | undefined;
  /** "mask": values of features with the sensitivity "pii" are `***`. Default: "show". */
  readonly personal?: "show" | "mask" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the features of an entity move while the time of the request moves. */
export interface Timeline {
  /** The entity keys and request data. */
  readonly entity: JsonRow;
  readonly from: string;
  readonly to: string;
  readonly knowledge: Knowledge;
  /** In the order of the selection. */
  readonly features: readonly FeatureTimeline[];
}

/** How one feature moves. */
export interface FeatureTimeline {
  /** The name in an answer. */
  readonly name: string;
  /** The view and the feature: `weekly.total_amount`. */
  readonly feature: string;
  /** The type of its values. */
  readonly type: string;
  /**
   * True: each point holds until the next one, and the points are all changes. False: the points
   * are samples, and `reason` says why.
   */
  readonly isExact: boolean;
  /**
   * clock: the value changes with the time of the request, without a row that enters or leaves.
   * points: it may change more often than `maxPoints`. rows: the entity has too many rows. null: it
   * is exact.
   */
  readonly reason: "clock" | "points" | "rows" | null;
  /** The first is at `from`. */
  readonly points: readonly TimelinePoint[];
}

/** The answer from a time on. */
export interface TimelinePoint {
  readonly at: string;
  readonly value: JsonValue;
  readonly status: Status;
}
