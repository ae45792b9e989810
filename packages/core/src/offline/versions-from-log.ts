/**
 * Derives all versions of a source from its change log. The log is read once. Changes that do not
 * fit in memory are staged by bucket meanwhile. A store without staging reads the log once for each
 * group of buckets that fits in memory.
 */
import type { HistoryContext } from "./history-context.ts";
import type { Batch } from "../columns/batch.ts";
import { rowChangesOf, type KeyedRowChange } from "../rows/row-change.ts";
import type { Truncate } from "../rows/row-versions.ts";
import type { OfflineStaging, TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { addChange, emptyBucket, versionBatches, type BucketChanges } from "./bucket-changes.ts";
import { changesReader, READ_COLUMNS } from "./change-log.ts";
import { readStagedChanges, stageChanges, type StagedChanges } from "./staged-changes.ts";
import { newChangesName, partName } from "./staged-names.ts";

/** Estimated bytes of changes in memory at once, unless one bucket has more. */
const MAX_BYTES = 192 * 2 ** 20;
/** The part of the work that is done when the changes are staged, as measured. */
const STAGING_SHARE = 0.6;

/** Buckets from `first` to before `end`. */
export interface BucketRange {
  readonly first: number;
  readonly end: number;
}

/** The versions of some buckets. */
export interface BucketVersions extends BucketRange {
  /** The part of the whole work that is done when they are written, from 0 to 1. */
  readonly workDone: number;
  /** Yields the versions once, bucket by bucket. */
  batches(): AsyncIterable<Batch>;
}

/** What the versions are derived from, and which of them. */
export interface DerivedFrom {
  readonly log: TableState;
  /** The name of the rewrite. */
  readonly name: string;
  /** The number of buckets of the table. */
  readonly buckets: number;
  /** All truncates of the log. */
  readonly truncates: readonly Truncate[];
  /** The buckets that are not wanted. */
  readonly done: readonly BucketRange[];
  /** The changes of the log, if an earlier rewrite has staged them all. */
  readonly staged: StagedChanges | null;
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then while the log is read, with the part of the work that is done. */
  readonly onRead?: ((workDone: number) => void) | undefined;
}

/** Yields the wanted buckets, group by group. Take the versions of a group before the next one. */
export async function* versionsFromLog(
  context: HistoryContext,
  from: DerivedFrom,
): AsyncGenerator<BucketVersions> {
  const { staging } = context.offline;
  if (staging === undefined) return yield* readInGroups(context, from);
  const changes = from.staged ?? (await readOnce(context, staging, from));
  if ("names" in changes) return yield* fromStaged(context, staging, from, changes);
  for (const { first, end } of rangesOf(wantedBuckets(from))) {
    const group = changes.slice(first, end);
    yield { first, end, workDone: 1, batches: () => batchesOf(context, from, first, group) };
  }
}

/** Derives the versions of one bucket after the other from staged changes. */
function* fromStaged(
  context: HistoryContext,
  staging: OfflineStaging,
  from: DerivedFrom,
  changes: StagedChanges,
): Generator<BucketVersions> {
  const before = from.staged === null ? STAGING_SHARE : 0;
  const wanted = wantedBuckets(from);
  async function* batches(bucket: number): AsyncIterable<Batch> {
    const own = await readStagedChanges(context, staging, changes, bucket, from.signal);
    yield* versionBatches(context, bucket, own, from);
  }
  for (const [i, bucket] of wanted.entries())
    yield {
      first: bucket,
      end: bucket + 1,
      workDone: before + ((1 - before) * (i + 1)) / wanted.length,
      batches: () => batches(bucket),
    };
}

/** Reads the log once. Returns the changes by bucket, or their names if they had to be staged. */
async function readOnce(
  context: HistoryContext,
  staging: OfflineStaging,
  from: DerivedFrom,
): Promise<readonly BucketChanges[] | StagedChanges> {
  const { name, log, maxBytes = MAX_BYTES, signal, onRead } = from;
  const buckets = Array.from({ length: from.buckets }, emptyBucket);
  const rewrite = newChangesName(name);
  const names: string[] = [];
  let bytes = 0;
  const stage = async (isLast: boolean): Promise<void> => {
    const part = partName(names.length, isLast);
    await stageChanges(context, staging, buckets, { rewrite, name: part, signal });
    names.push(part);
    bytes = 0;
  };
  await readRowChanges(context, from, {
    take(bucket, text, row) {
      bytes += addChange(buckets[bucket]!, text, row);
      return bytes > maxBytes ? stage(false) : undefined;
    },
    onRead: (read) => onRead?.((STAGING_SHARE * read) / log.rows),
  });
  if (names.length === 0) return buckets;
  await stage(true);
  return { rewrite, names };
}

/** Reads the log for as many buckets as fit in memory, and again for the next ones. */
async function* readInGroups(
  context: HistoryContext,
  from: DerivedFrom,
): AsyncGenerator<BucketVersions> {
  const { log, maxBytes = MAX_BYTES } = from;
  let wanted = wantedBuckets(from);
  const all = wanted.length;
  while (wanted.length > 0) {
    const { first, end } = rangesOf(wanted)[0]!;
    const group = Array.from({ length: end - first }, emptyBucket);
    let bytes = 0;
    await readRowChanges(context, from, {
      take(bucket, text, row) {
        const own = group[bucket - first];
        if (own !== undefined) bytes += addChange(own, text, row);
        // the last buckets are read another time
        while (bytes > maxBytes && group.length > 1) bytes -= group.pop()!.bytes;
        return undefined;
      },
      onRead(read) {
        const before = all - wanted.length;
        from.onRead?.((before + (group.length * read) / log.rows) / all);
      },
    });
    wanted = wanted.slice(group.length);
    yield {
      first,
      end: first + group.length,
      workDone: (all - wanted.length) / all,
      batches: () => batchesOf(context, from, first, group),
    };
  }
}

/** Reads every change of a row from the log, with the row's bucket and the text of its key. */
async function readRowChanges(
  { offline, source, tables, rows }: HistoryContext,
  { log, buckets, signal }: DerivedFrom,
  {
    take,
    onRead,
  }: {
    readonly take: (bucket: number, text: string, row: KeyedRowChange) => Promise<void> | undefined;
    /** Called now and then with the number of changes that were read. */
    readonly onRead: (changes: number) => void;
  },
): Promise<void> {
  const changesIn = changesReader(source);
  const rowChanges = rowChangesOf(source);
  const yieldToEventLoop = eventLoopYielder();
  const scan = { columns: READ_COLUMNS, version: log.version, signal };
  let read = 0;
  for await (const batch of offline.scan(tables.changes.name, scan))
    for (const change of changesIn(batch)) {
      for (const row of rowChanges(change)) {
        const text = rows.textOf(row.key);
        const staged = take(rows.bucketOf(text, buckets), text, row);
        if (staged !== undefined) await staged;
      }
      if (++read % 500 !== 0) continue;
      signal?.throwIfAborted();
      await yieldToEventLoop();
      if (read % 10_000 === 0) onRead(read);
    }
}

/** The buckets that are not done, in order. */
function wantedBuckets({ buckets, done }: DerivedFrom): readonly number[] {
  const isDone = (bucket: number): boolean =>
    done.some(({ first, end }) => bucket >= first && bucket < end);
  return Array.from({ length: buckets }, (_, bucket) => bucket).filter((one) => !isDone(one));
}

/** The ranges of consecutive buckets. */
function rangesOf(buckets: readonly number[]): readonly BucketRange[] {
  const ranges: { first: number; end: number }[] = [];
  for (const bucket of buckets) {
    const last = ranges.at(-1);
    if (last?.end === bucket) last.end++;
    else ranges.push({ first: bucket, end: bucket + 1 });
  }
  return ranges;
}

async function* batchesOf(
  context: HistoryContext,
  from: DerivedFrom,
  first: number,
  group: readonly BucketChanges[],
): AsyncIterable<Batch> {
  for (const [i, changes] of group.entries())
    yield* versionBatches(context, first + i, changes, from);
}
