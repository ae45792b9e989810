/** Reads the log tail, which the versions table lacks, by bucket and row. */
import type { SourceSpec } from "../specs.ts";
import type { Change, MetadataStep, OfflineStore, Position, TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import {
  generationStateOf,
  offsetsOf,
  partitionKeyOf,
  withoutCheckpoints,
} from "../rows/snapshot-generations.ts";
import { rowChangesOf, type RowChange } from "../rows/row-change.ts";
import { sameTruncate, snapshotEnds, truncateOf, type Truncate } from "../rows/row-versions.ts";
import { readChangeBatches } from "./change-log.ts";
import { olderFormat, type HistoryTables } from "./history-tables.ts";
import type { VersionRows } from "./version-rows.ts";

/** Rows that the log tail changes, by the text of their key. */
export type UncompactedRows = Map<
  string,
  { readonly key: RowChangeKey; readonly changes: RowChange[] }
>;
type RowChangeKey = Parameters<VersionRows["textOf"]>[0];

export interface UncompactedLog {
  readonly rows: readonly UncompactedRows[];
  /** Truncates that a bucket does not have yet. */
  readonly truncates: readonly (readonly Truncate[])[];
  readonly changes: number;
}

/** What a bucket of the versions table has of the log. */
export interface BucketState {
  /** The positions of the log that the bucket has reached. */
  readonly reached: readonly Position[];
  /** Every truncate of the log, the ends of snapshots included. */
  readonly truncates: readonly Truncate[];
}

/** The text of a bucket in the metadata of the versions table. Orders are decimal digits. */
interface StoredBucket {
  readonly reached: readonly Position[];
  readonly truncates: readonly {
    readonly order: string;
    readonly offset: number;
    readonly committed: number;
    readonly end?: string;
  }[];
}

/** The number of buckets of a new versions table; the table stores it. */
export const DEFAULT_BUCKETS = 8;

/** The key of the number of buckets. The table keeps the number it was made with. */
const BUCKETS = "buckets";

function bucketKey(bucket: number): string {
  return `bucket/${bucket}`;
}

/**
 * The number of buckets of a versions table; null: the table does not exist yet.
 *
 * @throws HISTORY_OLDER_FORMAT when an older version of Tidemark wrote the table.
 */
export function bucketsOf(
  { offline, tables }: { readonly offline: OfflineStore; readonly tables: HistoryTables },
  state: TableState | null,
): number | null {
  if (state === null) return null;
  const text = state.metadata.get(BUCKETS);
  if (text === undefined) throw olderFormat(offline.name, tables.versions.name);
  return JSON.parse(text) as number;
}

/** The step of the metadata that makes a versions table of so many buckets. */
export function bucketCountStep(versions: TableState | null, buckets: number): MetadataStep {
  const expected = versions?.metadata.get(BUCKETS) ?? null;
  return { key: BUCKETS, expected, next: JSON.stringify(buckets) };
}

export function bucketState(versions: TableState | null, bucket: number): BucketState {
  const text = versions?.metadata.get(bucketKey(bucket));
  if (text === undefined) return { reached: [], truncates: [] };
  const { reached, truncates } = JSON.parse(text) as StoredBucket;
  return {
    reached,
    truncates: truncates.map(({ order, offset, committed, end }) => ({
      order: BigInt(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: BigInt(end) }),
    })),
  };
}

/** The step of the metadata to a bucket's next state. */
export function bucketStep(
  versions: TableState | null,
  bucket: number,
  { reached, truncates }: BucketState,
): MetadataStep {
  const key = bucketKey(bucket);
  const next: StoredBucket = {
    reached: withoutCheckpoints(reached),
    truncates: truncates.map(({ order, offset, committed, end }) => ({
      order: String(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: String(end) }),
    })),
  };
  return { key, expected: versions?.metadata.get(key) ?? null, next: JSON.stringify(next) };
}

export async function readUncompacted(
  offline: OfflineStore,
  source: SourceSpec,
  tables: HistoryTables,
  rows: VersionRows,
  state: {
    readonly log: TableState;
    readonly versions: TableState | null;
    readonly buckets: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<UncompactedLog> {
  const { log, versions, buckets, signal } = state;
  const known = Array.from({ length: buckets }, (_, bucket) => bucketState(versions, bucket));
  const offsets = known.map(({ reached }) => offsetsOf(reached));
  const reached = (bucket: number, partition: string): number =>
    offsets[bucket]!.get(partition) ?? -1;
  const ends = offsetsOf(log.positions);
  const least = new Map(
    [...ends.keys()].map((partition) => [
      partition,
      Math.min(...offsets.map((_, bucket) => reached(bucket, partition))),
    ]),
  );
  const pending = [...ends].filter(([partition, offset]) => offset > least.get(partition)!);
  const uncompacted: UncompactedRows[] = Array.from({ length: buckets }, () => new Map());
  const truncates: Truncate[][] = Array.from({ length: buckets }, () => []);
  for (const end of snapshotEnds(generationStateOf(log.metadata)))
    truncates.forEach((list, bucket) => {
      if (!known[bucket]!.truncates.some((one) => sameTruncate(one, end))) list.push(end);
    });
  let changes = 0;
  if (pending.length > 0) {
    const fromOffset = Math.min(...pending.map(([partition]) => least.get(partition)! + 1));
    const wanted = (partition: string, offset: number): boolean =>
      offset > (least.get(partition) ?? -1);
    const rowChanges = rowChangesOf(source);
    const yieldToEventLoop = eventLoopYielder();
    const add = (change: Change): void => {
      const partition = partitionKeyOf(change);
      const truncate = truncateOf(change);
      if (truncate !== null) {
        truncates.forEach((list, bucket) => {
          if (change.offset > reached(bucket, partition)) list.push(truncate);
        });
      }
      for (const { key, change: row } of rowChanges(change)) {
        const text = rows.textOf(key);
        const bucket = rows.bucketOf(text, buckets);
        if (change.offset <= reached(bucket, partition)) continue;
        const found = uncompacted[bucket]!.get(text);
        if (found === undefined) uncompacted[bucket]!.set(text, { key, changes: [row] });
        else found.changes.push(row);
      }
    };
    for await (const batch of readChangeBatches(offline, tables, source, {
      version: log.version,
      fromOffset,
      signal,
      wanted,
    }))
      for (const change of batch) {
        if (++changes % 500 === 0) await yieldToEventLoop();
        add(change);
      }
  }
  return { rows: uncompacted, truncates, changes };
}
