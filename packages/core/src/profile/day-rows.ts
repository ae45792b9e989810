/** Rows by day, as a profile reads them. A source, a view and a file each give them. */
import type { Vector } from "../columns/batch.ts";
import type { MeasuredColumn } from "./measured-column.ts";

/** The first and the last of some days, counted from 1970-01-01. They may be infinite. */
export interface DayRange {
  readonly from: number;
  readonly to: number;
}

/** Some rows, as columns. */
export interface DayBatch {
  readonly length: number;
  /** The vectors of the asked columns, in their order. */
  readonly vectors: readonly Vector[];
  /** The day of each row, counted from 1970-01-01; NaN: the row does not count. */
  readonly days: Float64Array;
}

/** Gives rows with their days. Each call reads the same rows, in any order. */
export interface DayRows {
  readonly columns: readonly MeasuredColumn[];
  /** Reads the rows of some days. Rows of other days may come too. */
  batches(options: {
    readonly columns: readonly MeasuredColumn[];
    readonly days: DayRange;
    readonly signal: AbortSignal | undefined;
  }): AsyncIterable<DayBatch>;
}
