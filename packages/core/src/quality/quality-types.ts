/** The report of a check of expectations. */
import type { TimeInput } from "../define/time-input.ts";

/** Settings of `store.quality`. */
export interface QualityOptions {
  /** Names of qualities, and of sources that expect something. Default: all. */
  readonly names?: readonly string[] | undefined;
  /** The time of the check: what was committed before it counts. Default: now. */
  readonly asOf?: TimeInput | undefined;
  /** "mask": examples show no personal keys. Default: "show". */
  readonly personal?: "show" | "mask" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a check of expectations found. */
export interface QualityReport {
  /** The time of the check, as an ISO string with six decimals of a second. */
  readonly asOf: string;
  /** How many expectations do not hold, by severity. */
  readonly failed: { readonly error: number; readonly warning: number };
  readonly results: readonly ExpectationResult[];
}

/** What a check found for one expectation. */
export interface ExpectationResult {
  /** The name of the quality, or of the source that expects it of its rows. */
  readonly quality: string;
  /** The name of the expectation. */
  readonly expectation: string;
  /** What it is about, such as `source tickets`. */
  readonly on: string;
  readonly severity: "error" | "warning";
  /** What a source does with a row that violates it; null: it is of a quality. */
  readonly onViolation: "flag" | "quarantine" | "stop" | null;
  readonly kind: "holds" | "unique" | "fresh" | "volume";
  /** What is expected, in words: `score > 0 in every row`. */
  readonly expected: string;
  readonly holds: boolean;
  /**
   * The measured value. `holds`: the share of true; `unique`: the number of rows that repeat
   * another; `fresh`: the age of the newest row in seconds; `volume`: the number of rows. null:
   * there was nothing to measure.
   */
  readonly measured: number | null;
  /** What `measured` was compared with: the median of the windows before. null: with nothing. */
  readonly reference: number | null;
  /** The number of rows or entities that were looked at. Unknown ones are passed over. */
  readonly rows: number;
  /** The number of rows or entities that are against the expectation. */
  readonly failing: number;
  /** Primary keys of at most three of them, or the keys of entities. */
  readonly examples: readonly { readonly [column: string]: unknown }[];
}
