/** What a profile says. Types only. */
import type { Batch } from "../columns/batch.ts";
import type { ColumnSpec, ValueType } from "../specs.ts";

/** Statistics of one column over some rows. */
export interface ColumnProfile {
  readonly column: string;
  readonly type: ValueType;
  /**
   * What the statistics are about: the values, the lengths of bytes, lists and maps, or the JSON
   * texts of structs.
   */
  readonly measures: "value" | "length" | "json";
  readonly rows: number;
  /** Rows without a value. NaN and infinities count as missing (law 9). */
  readonly nulls: number;
  /** `nulls` ÷ `rows`; 0 without rows. */
  readonly nullRate: number;
  /** The number of different values. */
  readonly distinct: number;
  /**
   * False: `distinct` is an estimate with a standard error of 0.8 %, quantiles and the histogram
   * are of bins, and there are no frequent values. The other members are always exact.
   */
  readonly isExact: boolean;
  /** True: the column holds personal data, so no value is shown. */
  readonly isHidden: boolean;
  /** Numbers are doubles. Times and dates are texts. null: there is no value. */
  readonly min: number | string | boolean | null;
  readonly max: number | string | boolean | null;
  /** Of numbers and times. It is rounded once; that of times is floored to the microsecond. */
  readonly mean: number | string | null;
  /** The standard deviation of a sample; of times in seconds. null with fewer than two values. */
  readonly stddev: number | null;
  readonly quantiles: ProfileQuantiles | null;
  /** 20 bins of equal width from the least to the greatest value; of numbers and times. */
  readonly histogram: ProfileHistogram | null;
  /**
   * The most frequent values, at most 20: of texts and booleans, and of numbers with at most 50
   * different values.
   */
  readonly frequent: readonly FrequentValue[] | null;
}

/** Quantiles: between two values they interpolate. `p05`: 5 % of the values lie below. */
export interface ProfileQuantiles {
  readonly p01: number | string;
  readonly p05: number | string;
  readonly p25: number | string;
  readonly p50: number | string;
  readonly p75: number | string;
  readonly p95: number | string;
  readonly p99: number | string;
}

/**
 * Counts of values by bins. Bin `i` has the values from `edges[i]` to before `edges[i + 1]`. The
 * last bin has the greatest value too.
 */
export interface ProfileHistogram {
  readonly edges: readonly (number | string)[];
  readonly counts: readonly number[];
}

/** A value, and in how many rows it is. */
export interface FrequentValue {
  readonly value: number | string | boolean;
  readonly rows: number;
}

/** What is profiled: one of them. */
export interface ProfileOptions {
  /** A source, or its name. Its rows are those that are neither replaced nor deleted. */
  readonly source?: object | string | undefined;
  /** A view, or its name. Its rows are those of the materialized days. */
  readonly view?: object | string | undefined;
  /**
   * A service, or its name. Its rows are the answers in the serving log. A day is one of UTC, in
   * which they were given.
   */
  readonly service?: object | string | undefined;
  /**
   * Rows as columns, such as a training set, or a file that `readParquet` opened. They are read
   * once, or again where memory is short. Their profile is not stored.
   */
  readonly rows?: ProfiledRows | undefined;
  /** The first day, such as "2025-06-14". Default: the first that there is. */
  readonly from?: string | undefined;
  /** The day after the last. Default: all days. */
  readonly to?: string | undefined;
  /** Names of columns or features. Default: all. */
  readonly columns?: readonly string[] | undefined;
  /** Time zone of the days, an IANA name. Default: "UTC". A view has its materialized days. */
  readonly zone?: string | undefined;
  /** The bytes that counted values may take, about; at least 64 MiB. Default: 1 GiB. */
  readonly memoryLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ProfileProgress) => void) | undefined;
}

/** The progress of `store.profile`. */
export interface ProfileProgress {
  /** The number of days that were counted so far. */
  readonly days: number;
}

/** Rows that are profiled as they come. */
export interface ProfiledRows {
  /** The name that the report has. Default: "rows". */
  readonly name?: string | undefined;
  readonly columns: readonly ColumnSpec[];
  batches(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Batch>;
}

/** The profile of a source, a view or some rows. */
export interface ProfileReport {
  readonly of: { readonly kind: "source" | "view" | "service" | "rows"; readonly name: string };
  /** The table in the offline store that has the profile of each day. null: it is not stored. */
  readonly table: string | null;
  /** The time zone of the days. */
  readonly zone: string;
  /** The days with rows, in their order. */
  readonly days: readonly DayProfile[];
  /** All of these days together. */
  readonly all: Omit<DayProfile, "day">;
  /** The number of days whose rows this call has counted. The others were stored already. */
  readonly counted: number;
  /** The profile as a reference of `store.drift`. It is JSON that a file may hold. */
  reference(): ProfileReference;
}

/** The profile of the rows of one day. */
export interface DayProfile {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

/** A fixed profile, which later rows are compared with. It is plain JSON. */
export interface ProfileReference {
  readonly format: "tidemark-profile-1";
  readonly name: string;
  readonly columns: readonly {
    readonly column: ColumnSpec;
    /** base64 */
    readonly state: string;
  }[];
}
