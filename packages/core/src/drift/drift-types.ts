/** How data drifted. Types only. */
import type { TimeInput } from "../define/time-input.ts";
import type {
  ColumnProfile,
  ProfiledRows,
  ProfileOptions,
  ProfileReference,
} from "../profile/profile-types.ts";

/** What is measured of a column. */
export type DriftMeasure = "psi" | "ks" | "jensenShannon" | "wasserstein" | "nullRate";

/** What data is compared with: one of them. */
export interface DriftReference {
  /** The first day of a window of the same source, view or rows. */
  readonly from?: string | undefined;
  /** The day after the last day of that window. */
  readonly to?: string | undefined;
  /** Rows, such as a training set. */
  readonly rows?: ProfiledRows | undefined;
  /** What `reference()` of a profile gave. */
  readonly profile?: ProfileReference | undefined;
}

/** The options of `store.drift`. */
export interface DriftOptions extends Omit<ProfileOptions, "onProgress"> {
  readonly reference: DriftReference;
  /** A measure beyond its threshold is drift. Default: `{ psi: 0.2 }`. */
  readonly thresholds?: DriftThresholds | undefined;
  /** Whether each column has the profiles of both sides. Default: false. */
  readonly profiles?: boolean | undefined;
  /**
   * False: the result is added to no table, and `checkResults` and `driftHistory` do not have it.
   * Default: true.
   */
  readonly record?: boolean | undefined;
}

/** The greatest distance of each measure that is no drift. */
export type DriftThresholds = { readonly [measure in DriftMeasure]?: number | undefined };

/** How far data is from its reference. */
export interface DriftReport {
  readonly of: { readonly kind: "source" | "view" | "service" | "rows"; readonly name: string };
  /** The reference in words. */
  readonly reference: string;
  /** The days that were compared, both included. null: all of them. */
  readonly from: string | null;
  readonly to: string | null;
  readonly measuredAt: string;
  readonly thresholds: DriftThresholds;
  /** The table in the offline store to which the result was added. null: none. */
  readonly table: string | null;
  readonly columns: readonly ColumnDrift[];
  /** Columns that only one side has, or that have values of different kinds. */
  readonly notCompared: readonly string[];
  /** The number of columns that drifted. */
  readonly drifted: number;
}

/** How far a column is from its reference. A measure is null if it has no value here. */
export interface ColumnDrift {
  readonly column: string;
  readonly rows: number;
  readonly referenceRows: number;
  /** False: one side has too many different values, and the middles of bins were compared. */
  readonly isExact: boolean;
  /** The population stability index, over deciles of the reference or over categories. */
  readonly psi: number | null;
  /** The statistic of Kolmogorov and Smirnov; numbers and times only. */
  readonly ks: number | null;
  /** The Jensen–Shannon distance over the same bins as the PSI, with natural logarithms. */
  readonly jensenShannon: number | null;
  /** The Wasserstein distance in the unit of the numbers; of times in seconds. */
  readonly wasserstein: number | null;
  /** By how much the share of missing values differs. */
  readonly nullRate: number | null;
  /** The measures beyond their thresholds. */
  readonly exceeded: readonly DriftMeasure[];
  /** The profiles of both sides, if the option `profiles` asks for them. */
  readonly profiles?: SharedProfiles;
}

/** The profiles of a column on both sides, with their values in the same bins. */
export interface SharedProfiles {
  readonly current: ColumnProfile;
  readonly reference: ColumnProfile;
  /**
   * 20 bins of equal width from the least to the greatest value of both sides; of numbers and
   * times. Bin `i` has the values from `edges[i]` to before `edges[i + 1]`, and the last bin has
   * the greatest value too.
   */
  readonly histogram: {
    readonly edges: readonly (number | string)[];
    readonly current: readonly number[];
    readonly reference: readonly number[];
  } | null;
  /** The 20 values with the greatest share of rows on either side; of texts and booleans. */
  readonly frequent:
    | readonly {
        readonly value: number | string | boolean;
        readonly rows: number;
        readonly referenceRows: number;
      }[]
    | null;
}

/** Which results `store.driftHistory` reads. */
export interface DriftHistoryOptions extends Pick<
  DriftOptions,
  "source" | "view" | "service" | "columns" | "signal"
> {
  /** What was measured at this time or later. Default: all. */
  readonly from?: TimeInput | undefined;
  /** What was measured before this time. Default: all. */
  readonly to?: TimeInput | undefined;
  /** The most results, 0 to 10,000. One is a column of one comparison. Default: 100. */
  readonly limit?: number | undefined;
}

/** How far one column was from its reference when it was measured. */
export interface MeasuredDrift {
  readonly column: string;
  readonly measuredAt: string;
  /** The days that were compared, both included. null: all of them. */
  readonly from: string | null;
  readonly to: string | null;
  /** The reference in words. */
  readonly reference: string;
  readonly rows: number;
  readonly referenceRows: number;
  readonly isExact: boolean;
  readonly measures: { readonly [measure in DriftMeasure]?: number };
  readonly thresholds: DriftThresholds;
  /** The measures beyond their thresholds. */
  readonly exceeded: readonly DriftMeasure[];
}
