/**
 * Writes what a compaction planned, in one commit: sorted runs of new rows, corrections, and the
 * time buckets that are written anew.
 */
import type { HistoryContext } from "./history-context.ts";
import type { Batch } from "../columns/batch.ts";
import type { Value } from "../specs.ts";
import type { MetadataStep, TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { keyFinder, withoutKeys, type KeySet } from "./key-filter.ts";
import type { LayoutLimits, MergePlan } from "./merge-plan.ts";
import type { MergedVersions } from "./merge-versions.ts";
import { sortedVersions, type BucketRows, type VersionsOrder } from "./sorted-versions.ts";
import { asCorrections, readCorrections } from "./stored-versions.ts";
import { bucketsAfter, type PlacedBucket } from "./time-bucket-bounds.ts";
import type { KeyedVersion } from "./version-rows.ts";
import { layoutStep, type VersionsLayout } from "./versions-layout.ts";

/** The rows of a batch of new versions. */
const BATCH_ROWS = 50_000;

/** What is committed. */
export interface VersionsCommit {
  readonly versions: TableState | null;
  readonly layout: VersionsLayout;
  readonly plan: MergePlan;
  readonly merged: MergedVersions;
  /** For each `_bucket`: the number of its versions of rows that the log tail changes. */
  readonly touched: ReadonlyMap<number, number>;
  /** The changes that are taken from the log. */
  readonly changes: number;
  /** The keys of the rows that the log tail changes. */
  readonly changedKeys: KeySet;
  /** Whether the log tail changes every row. */
  readonly isEachChanged: boolean;
  readonly clusterBy: readonly string[];
  readonly limits: LayoutLimits;
  /** The time of the clock, µs. */
  readonly now: number | null;
  /** The other steps of the metadata. */
  readonly metadata: readonly MetadataStep[];
  readonly signal: AbortSignal | undefined;
}

export async function commitVersions(
  context: HistoryContext,
  commit: VersionsCommit,
): Promise<"done" | "conflict"> {
  const { offline, tables } = context;
  const { versions, layout, plan, merged, metadata, signal } = commit;
  const order: VersionsOrder = { ...context, clusterBy: commit.clusterBy };
  const isMerged = plan.corrections === null;
  const { batches: fresh, superseded } = await freshVersions(context, commit);
  const corrections = isMerged ? [] : await batchesOf(context, merged.changed);
  const buckets = await bucketsAfter(context, commit, fresh);
  const runs = new Map(sortedVersions(fresh, order, buckets).map((run) => [run.bucket, run]));
  const next: VersionsLayout = {
    buckets: buckets.map((bucket, i) => bucketAfter(bucket, runs.get(i), commit)),
    corrections: isMerged
      ? []
      : corrections.length === 0
        ? layout.corrections
        : [...layout.corrections, { id: plan.corrections, rows: merged.changed.length }],
    unmerged: isMerged ? 0 : layout.unmerged + commit.changes,
    waitingSince: isMerged ? null : (layout.waitingSince ?? commit.now),
    nextId: Math.max(...buckets.map(({ id }) => id)) + 1,
  };
  const steps = [...metadata, layoutStep(versions, next)];
  const replaced = [...plan.rewritten, ...(isMerged ? layout.corrections.map(({ id }) => id) : [])];
  if (replaced.length === 0) {
    const rows = [...runs].flatMap(([i, run]) => [...run.batches(buckets[i]!.id)]);
    for (const batch of corrections) rows.push(asCorrections(inBucket(batch, plan.corrections!)));
    return offline.append(tables.versions, rows, { positions: [], metadata: steps, signal });
  }
  async function* rows(): AsyncGenerator<Batch> {
    for (const id of plan.rewritten) {
      const own = [...runs].filter(([i]) => buckets[i]!.origin === id);
      const kept = await keptVersions(context, commit, superseded, id);
      const parts = [...kept, ...own.flatMap(([i, run]) => [...run.batches(buckets[i]!.id)])];
      for (const run of sortedVersions(parts, order, buckets))
        yield* run.batches(buckets[run.bucket]!.id);
    }
    for (const [i, run] of runs)
      if (!plan.rewritten.has(buckets[i]!.origin)) yield* run.batches(buckets[i]!.id);
    for (const batch of corrections) yield asCorrections(inBucket(batch, plan.corrections!));
  }
  return offline.rewrite(tables.versions, rows(), {
    replaced: { _bucket: replaced },
    expectedVersion: versions!.version,
    positions: [],
    metadata: steps,
    signal,
  });
}

/** The versions that go to time buckets, and the keys whose older versions leave them. */
async function freshVersions(
  context: HistoryContext,
  { versions, layout, plan, merged, changedKeys, isEachChanged, signal }: VersionsCommit,
): Promise<{ readonly batches: readonly Batch[]; readonly superseded: KeySet }> {
  if (plan.corrections !== null)
    return { batches: await batchesOf(context, merged.added), superseded: new Map() };
  const batches = await batchesOf(context, [...merged.changed, ...merged.added]);
  const superseded = new Map<string, { readonly key: readonly Value[] }>();
  if (versions === null || layout.corrections.length === 0) return { batches, superseded };
  const names = context.tables.versions.columns.map(({ name }) => name);
  const stored = await readCorrections(context, versions, names, signal);
  for (const [text, key] of stored.keys) superseded.set(text, key);
  if (!isEachChanged) {
    const find = keyFinder(context, changedKeys, names);
    for (const batch of stored.batches) batches.push(withoutKeys(batch, [find(batch)]));
  }
  return { batches, superseded };
}

/** The rows of a time bucket that stay. */
async function keptVersions(
  context: HistoryContext,
  { versions, plan, changedKeys, isEachChanged, signal }: VersionsCommit,
  superseded: KeySet,
  bucket: number,
): Promise<readonly Batch[]> {
  if (isEachChanged || versions === null) return [];
  const { offline, tables } = context;
  const columns = tables.versions.columns.map(({ name }) => name);
  // without a merge, the versions of changed rows stay until there is one
  const leaving = plan.corrections === null ? [superseded, changedKeys] : [];
  const finders = leaving
    .filter(({ size }) => size > 0)
    .map((keys) => keyFinder(context, keys, columns));
  const yieldToEventLoop = eventLoopYielder();
  const kept: Batch[] = [];
  for await (const batch of offline.scan(tables.versions.name, {
    columns,
    version: versions.version,
    partitions: { _bucket: [bucket] },
    signal,
  })) {
    const own = withoutKeys(
      batch,
      finders.map((find) => find(batch)),
    );
    if (own.length > 0) kept.push(own);
    await yieldToEventLoop();
  }
  return kept;
}

async function batchesOf(
  { rows }: HistoryContext,
  versions: readonly KeyedVersion[],
): Promise<Batch[]> {
  const yieldToEventLoop = eventLoopYielder();
  const batches: Batch[] = [];
  for (let from = 0; from < versions.length; from += BATCH_ROWS) {
    batches.push(rows.toBatch(versions.slice(from, from + BATCH_ROWS), 0));
    await yieldToEventLoop();
  }
  return batches;
}

/** The batch with another `_bucket`. */
function inBucket({ length, columns, vectors }: Batch, bucket: number): Batch {
  const at = columns.findIndex(({ name }) => name === "_bucket");
  const values = new Int32Array(length).fill(bucket);
  return { length, columns, vectors: vectors.with(at, { kind: "int32", values, valid: null }) };
}

/** A time bucket after the commit. */
function bucketAfter(
  { origin, ...bucket }: PlacedBucket,
  run: BucketRows | undefined,
  { plan, touched }: VersionsCommit,
): VersionsLayout["buckets"][number] {
  const rows = bucket.rows + (run?.rows ?? 0);
  const latest = Math.max(bucket.latest, run?.latest ?? -Infinity);
  const stale = bucket.stale + (touched.get(origin) ?? 0);
  if (!plan.rewritten.has(origin))
    return { ...bucket, rows, latest, stale, runs: bucket.runs + (run === undefined ? 0 : 1) };
  return plan.corrections === null
    ? { ...bucket, rows: Math.max(0, rows - stale), latest, runs: 1, stale: 0 }
    : { ...bucket, rows, latest, runs: 1, stale };
}
