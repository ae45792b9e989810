/** Decides which time buckets a compaction writes anew, and whether corrections are merged. */
import type { MergedVersions } from "./merge-versions.ts";
import { nextCorrections, type TimeBucket, type VersionsLayout } from "./versions-layout.ts";

/** When time buckets are written anew, closed and split. */
export interface LayoutLimits {
  /** Corrections of buckets with so few rows are always merged. */
  readonly cheapRows: number;
  /** So many rows may be written anew for each change since the last merge of corrections. */
  readonly rowsPerChange: number;
  /** So many corrections are held in memory at most. */
  readonly corrections: number;
  /** The part of all rows that corrections may be. */
  readonly corrected: number;
  /** Corrections that have waited so long are merged, however few they are, µs. */
  readonly correctionAge: number;
  /** A time bucket with so many sorted runs is written anew when it gets another one. */
  readonly runs: number;
  /** A last time bucket with so many rows is closed: later rows are in the next one. */
  readonly sealedRows: number;
  /** A time bucket with more rows is written anew, and split. */
  readonly bucketRows: number;
  /** The rows of a part of a bucket that is split, about. */
  readonly partRows: number;
}

/** As measured: a change is written to the versions about two and a half times. */
export const DEFAULT_LAYOUT_LIMITS: LayoutLimits = {
  cheapRows: 50_000,
  rowsPerChange: 1.5,
  corrections: 1_000_000,
  corrected: 0.25,
  correctionAge: 7 * 86_400_000_000,
  runs: 24,
  sealedRows: 500_000,
  bucketRows: 1_500_000,
  partRows: 500_000,
};

/** What a compaction writes. */
export interface MergePlan {
  /** The ids of the time buckets that are written anew. */
  readonly rewritten: ReadonlySet<number>;
  /** The id of the new corrections. null: all corrections are merged into the time buckets. */
  readonly corrections: number | null;
}

/** The new versions, and what they touch. */
export interface MergeInput {
  /** For each `_bucket`: the number of its versions of rows that changed. */
  readonly touched: ReadonlyMap<number, number>;
  readonly merged: MergedVersions;
  /** The changes that are taken from the log. */
  readonly changes: number;
  readonly mergesAll: boolean;
  readonly limits: LayoutLimits;
  /** The time of the clock, µs; null: there is no clock, and the age of corrections is unknown. */
  readonly now: number | null;
}

/** Plans a compaction. null: no row is written. */
export function planMerge(
  layout: VersionsLayout,
  { touched, merged: { changed, added }, changes, mergesAll, limits, now }: MergeInput,
): MergePlan | null {
  const { buckets, corrections, unmerged, waitingSince } = layout;
  const isFull = ({ runs, rows }: TimeBucket): boolean =>
    mergesAll ? runs > 1 : added.length > 0 && (runs >= limits.runs || rows > limits.bucketRows);
  const rewritten = new Set(buckets.filter(isFull).map(({ id }) => id));
  const waiting = sum(corrections.map(({ rows }) => rows));
  if (changed.length === 0 && waiting === 0) {
    if (added.length === 0 && rewritten.size === 0) return null;
    return { rewritten, corrections: null };
  }
  const stale = buckets.filter(({ id, stale: count }) => count > 0 || touched.has(id));
  const cost = sum(stale.map(({ rows }) => rows));
  const all = sum(buckets.map(({ rows }) => rows));
  const corrected = waiting + changed.length;
  const isMerged =
    mergesAll ||
    cost <= limits.cheapRows ||
    cost <= limits.rowsPerChange * (unmerged + changes) ||
    corrected > limits.corrections ||
    corrected > limits.corrected * all ||
    (now !== null && waitingSince !== null && now - waitingSince >= limits.correctionAge);
  if (isMerged) {
    for (const { id } of stale) rewritten.add(id);
    return { rewritten, corrections: null };
  }
  if (changed.length === 0 && added.length === 0 && rewritten.size === 0) return null;
  return { rewritten, corrections: nextCorrections(layout) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
