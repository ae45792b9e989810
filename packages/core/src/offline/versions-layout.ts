/**
 * Says where the versions of a source lie. Each row is in a time bucket, in files that are sorted
 * by entity and time. Versions of rows that changed after they were written wait in corrections,
 * until a merge puts them in their time buckets. The metadata of the versions table holds the
 * layout.
 */
import type { MetadataStep, TableState } from "../spi.ts";

/** The key of the layout in the metadata of the versions table. */
const LAYOUT = "layout";

/** A time bucket: the rows of one value of `_bucket`. */
export interface TimeBucket {
  readonly id: number;
  /** The least event time of its rows, µs. It ends where the next bucket begins. */
  readonly from: number;
  /**
   * The latest event time of its rows, µs; −Infinity: none of them has one. Infinity: it is not
   * known, and the bucket is not closed.
   */
  readonly latest: number;
  readonly rows: number;
  /** The number of sorted runs. */
  readonly runs: number;
  /** The number of its rows that corrections replace. */
  readonly stale: number;
}

/** Corrections: all versions of rows that changed, in place of what is in the time buckets. */
export interface CorrectionRun {
  /** Their `_bucket`: negative, and lower than that of older corrections. */
  readonly id: number;
  readonly rows: number;
}

/** Where the versions of a source lie. */
export interface VersionsLayout {
  /** In the order of their times. The first one begins at −Infinity. */
  readonly buckets: readonly TimeBucket[];
  /** Oldest first. */
  readonly corrections: readonly CorrectionRun[];
  /** The changes that were taken from the log since the last merge of corrections. */
  readonly unmerged: number;
  /** When the oldest corrections were written, µs. null: there are none, or it is not known. */
  readonly waitingSince: number | null;
  /** The id of the next new time bucket. */
  readonly nextId: number;
}

/** The text of a layout. −Infinity is null, and Infinity is "unknown". */
interface StoredLayout extends Omit<VersionsLayout, "buckets" | "waitingSince"> {
  readonly format: 2;
  readonly waitingSince?: number | null;
  readonly buckets: readonly (Omit<TimeBucket, "from" | "latest"> & {
    readonly from: number | null;
    readonly latest: number | "unknown" | null;
  })[];
}

/** The layout of a table without rows. */
export const EMPTY_LAYOUT: VersionsLayout = {
  buckets: [emptyBucket(0, -Infinity)],
  corrections: [],
  unmerged: 0,
  waitingSince: null,
  nextId: 1,
};

/** A time bucket without rows. */
export function emptyBucket(id: number, from: number): TimeBucket {
  return { id, from, latest: -Infinity, rows: 0, runs: 0, stale: 0 };
}

/** The layout of a versions table. null: an older Tidemark wrote it, in buckets by primary key. */
export function layoutOf(versions: TableState): VersionsLayout | null {
  const text = versions.metadata.get(LAYOUT);
  if (text === undefined) return null;
  const stored = JSON.parse(text) as StoredLayout;
  const { buckets, corrections, unmerged, waitingSince = null, nextId } = stored;
  return {
    buckets: buckets.map((bucket) => ({
      ...bucket,
      from: bucket.from ?? -Infinity,
      latest: bucket.latest === "unknown" ? Infinity : (bucket.latest ?? -Infinity),
    })),
    corrections,
    unmerged,
    waitingSince,
    nextId,
  };
}

/** The step of the metadata to another layout. */
export function layoutStep(versions: TableState | null, layout: VersionsLayout): MetadataStep {
  const finite = (time: number): number | null => (time === -Infinity ? null : time);
  const stored: StoredLayout = {
    format: 2,
    ...layout,
    buckets: layout.buckets.map((bucket) => ({
      ...bucket,
      from: finite(bucket.from),
      latest: bucket.latest === Infinity ? "unknown" : finite(bucket.latest),
    })),
  };
  const expected = versions?.metadata.get(LAYOUT) ?? null;
  return { key: LAYOUT, expected, next: JSON.stringify(stored) };
}

/** The id of corrections that come after all others. */
export function nextCorrections({ corrections }: VersionsLayout): number {
  return (corrections.at(-1)?.id ?? 0) - 1;
}

/** The index of the bucket that holds a time. NaN is in the first one. */
export function bucketIndex(buckets: readonly Pick<TimeBucket, "from">[], time: number): number {
  let [low, high] = [0, buckets.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (buckets[middle]!.from <= time) low = middle;
    else high = middle;
  }
  return low;
}
