/**
 * Decides where time buckets begin. The last bucket is closed when it has many rows. A bucket that
 * old rows have made too large is split.
 */
import type { HistoryContext } from "./history-context.ts";
import type { Batch } from "../columns/batch.ts";
import { numbersOf } from "./events-builder.ts";
import type { VersionsCommit } from "./commit-versions.ts";
import { timeColumn } from "./sorted-versions.ts";
import { bucketIndex, emptyBucket, type TimeBucket } from "./versions-layout.ts";

/** A time bucket, and the one that its rows come from. */
export interface PlacedBucket extends TimeBucket {
  /** The id of the bucket before the commit that has its rows. */
  readonly origin: number;
}

/** The time buckets of a commit, with the rows they have before it. */
export async function bucketsAfter(
  context: HistoryContext,
  { layout, plan, versions, limits, signal }: VersionsCommit,
  fresh: readonly Batch[],
): Promise<readonly PlacedBucket[]> {
  let { nextId } = layout;
  let added: readonly number[][] | null = null;
  const placed: PlacedBucket[] = [];
  for (const [i, bucket] of layout.buckets.entries()) {
    const own = { ...bucket, origin: bucket.id };
    if (!plan.rewritten.has(bucket.id) || versions === null) {
      placed.push(own);
      continue;
    }
    added ??= freshTimes(context, fresh, layout.buckets);
    const times = added[i]!;
    if (bucket.rows + times.length <= limits.bucketRows) {
      placed.push(own);
      continue;
    }
    const column = timeColumn(context);
    for await (const { length, vectors } of context.offline.scan(context.tables.versions.name, {
      columns: [column],
      version: versions.version,
      partitions: { _bucket: [bucket.id] },
      signal,
    }))
      for (const time of numbersOf(vectors[0]!, length, NaN)) times.push(time);
    const bounds = partBounds(times, bucket.from, Math.ceil(times.length / limits.partRows));
    const last = latestOf(times);
    bounds.forEach((from, part) => {
      const id = part === 0 ? bucket.id : nextId++;
      const latest = part === bounds.length - 1 ? last : bounds[part + 1]! - 1;
      const rows = Math.round(bucket.rows / bounds.length);
      // any part may have a stale row, and a merge leaves a bucket without one as it is
      const stale = Math.ceil(bucket.stale / bounds.length);
      placed.push({ ...own, id, from, latest, rows, stale });
    });
  }
  const last = placed.at(-1)!;
  const { rows, latest, from } = last;
  if (rows >= limits.sealedRows && latest > from && latest < Infinity) {
    const sealed = emptyBucket(nextId++, latest + 1);
    placed.push({ ...sealed, origin: sealed.id });
  }
  return placed;
}

/** The times of the new rows of each bucket. */
function freshTimes(
  context: HistoryContext,
  fresh: readonly Batch[],
  buckets: readonly TimeBucket[],
): readonly number[][] {
  const column = timeColumn(context);
  const times = buckets.map((): number[] => []);
  for (const { length, columns, vectors } of fresh) {
    const vector = vectors[columns.findIndex(({ name }) => name === column)]!;
    for (const time of numbersOf(vector, length, NaN).subarray(0, length))
      times[bucketIndex(buckets, time)]!.push(time);
  }
  return times;
}

/** The latest of these times. */
function latestOf(times: readonly number[]): number {
  let latest = -Infinity;
  for (const time of times) if (time > latest) latest = time;
  return latest;
}

/** Where the parts of a bucket begin, so that they have about equally many of these times. */
export function partBounds(
  times: readonly number[],
  from: number,
  parts: number,
): readonly number[] {
  const sorted = Float64Array.from(times.filter((time) => !Number.isNaN(time))).sort();
  const bounds = [from];
  for (let part = 1; part < parts; part++) {
    const bound = sorted[Math.floor((part * sorted.length) / parts)];
    if (bound !== undefined && bound > bounds.at(-1)!) bounds.push(bound);
  }
  return bounds;
}
