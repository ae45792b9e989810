/** What `store.skew` is asked, and its report. */
import type { TimeInput } from "../define/time-input.ts";
import type { Status } from "../spi.ts";

/** Settings of `store.skew`. */
export interface SkewOptions {
  /** Answers from this time on. Default: one day before `to`. */
  readonly from?: TimeInput | undefined;
  /** Answers before this time. Default: now. */
  readonly to?: TimeInput | undefined;
  /** Features, as `view:feature`. Default: all. */
  readonly features?: readonly string[] | undefined;
  /** Feature services. Default: every request. */
  readonly services?: readonly string[] | undefined;
  /** The most examples of each feature and kind. Default: 5. */
  readonly examples?: number | undefined;
  /** "mask": examples show no personal keys and values. Default: "show". */
  readonly personal?: "show" | "mask" | undefined;
  /** Called with the number of answered rows that were read so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why an answer differs from the history as known at its time.
 *
 * - `wrong`: nothing explains it. The target is 0.
 * - `late`: the answer equals the history without the newest changes, and the online store had not
 *   taken these.
 * - `early`: the answer equals the history with changes that were committed at its time or after.
 *   The clocks of the database and of the store differ, or the commit came between.
 * - `behind`: the online store had not taken all changes of the entity, and no moment of the
 *   history has the value: the store had some of the changes of a transaction, or of other
 *   partitions.
 * - `erased`: an entity was erased since, and rows of the source with it.
 */
export type SkewKind = "wrong" | "late" | "early" | "behind" | "erased";

/** How many values differ, and in how many bits. */
export interface SkewCount {
  readonly values: number;
  readonly bits: number;
}

/** The skew of one feature. */
export interface FeatureSkew {
  /** As `view:feature`. */
  readonly feature: string;
  /** The number of values that were computed again. */
  readonly compared: number;
  readonly wrong: SkewCount;
  readonly late: SkewCount;
  readonly early: SkewCount;
  readonly behind: SkewCount;
  readonly erased: SkewCount;
  /** The longest time in seconds by which a change was late. null: none was. */
  readonly latestBy: number | null;
  /** Values that were served under another definition, or whose feature is gone. */
  readonly otherDefinition: number;
  /** Values for which the history has not taken all changes yet. */
  readonly notInHistory: number;
  /** Values that were not answered: `NEEDS_BACKFILL` or `NOT_READY`. */
  readonly unanswered: number;
}

/** A value, as JSON text, with its status. */
export interface SkewedValue {
  readonly value: string;
  readonly status: Status;
}

/** A value that differs. */
export interface SkewExample {
  readonly kind: SkewKind;
  readonly feature: string;
  readonly service: string | null;
  readonly requestId: string | null;
  readonly entity: Readonly<Record<string, string>>;
  /** The end of the windows. */
  readonly asOf: string;
  readonly answeredAt: string;
  readonly logged: SkewedValue;
  /** The value of the history, as known at the time of the answer. */
  readonly recomputed: SkewedValue;
  readonly bits: number;
  /** The commit time of the first change that the answer lacks, or has too early. */
  readonly change: string | null;
  /** The command that explains the recomputed value. */
  readonly explain: string;
}

/** The report of `store.skew`. */
export interface SkewReport {
  readonly from: string;
  readonly to: string;
  /** Rows of the serving log that were read. */
  readonly answers: number;
  /** Values that were computed again. */
  readonly compared: number;
  /** Values that nothing explains. The target is 0. */
  readonly wrong: SkewCount;
  readonly late: SkewCount;
  readonly early: SkewCount;
  readonly behind: SkewCount;
  readonly erased: SkewCount;
  readonly otherDefinition: number;
  readonly notInHistory: number;
  readonly unanswered: number;
  /** In the order of their names. */
  readonly features: readonly FeatureSkew[];
  readonly examples: readonly SkewExample[];
}
