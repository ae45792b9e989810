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
import { layoutOf } from "./versions-layout.ts";

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

/** What the versions have of the log; in an older layout: those of one bucket. */
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

/** The number of buckets by primary key in which a rewrite derives versions. */
export const DEFAULT_BUCKETS = 8;

/** The key of the number of buckets by primary key, in a table of an older layout. */
const BUCKETS = "buckets";
/** What an older Tidemark finds in place of that number, so that it does not misread the table. */
const NO_BUCKETS = "by time";
/** The key of what the versions have of the log. */
const LOG = "log";

/** In an older layout each bucket by primary key has a state of its own. */
function stateKey(versions: TableState | null, bucket: number): string {
  return isOlderLayout(versions) ? `bucket/${bucket}` : LOG;
}

/** Whether an older Tidemark wrote the table, in buckets by primary key. */
export function isOlderLayout(versions: TableState | null): boolean {
  return versions !== null && layoutOf(versions) === null;
}

/**
 * The number of buckets by primary key that have a state of their own: one, unless the table has an
 * older layout.
 *
 * @throws HISTORY_OLDER_FORMAT when a much older version of Tidemark wrote the table.
 */
export function bucketsOf(
  { offline, tables }: { readonly offline: OfflineStore; readonly tables: HistoryTables },
  state: TableState | null,
): number {
  if (state === null || !isOlderLayout(state)) return 1;
  const text = state.metadata.get(BUCKETS);
  if (text === undefined) throw olderFormat(offline.name, tables.versions.name);
  return JSON.parse(text) as number;
}

/** The steps of the metadata to what the versions have of the log. */
export function logSteps(versions: TableState | null, state: BucketState): MetadataStep[] {
  const older = versions?.metadata.get(BUCKETS);
  const steps = [
    ...(older === undefined ? [] : [{ key: BUCKETS, expected: older, next: NO_BUCKETS }]),
    { key: LOG, expected: versions?.metadata.get(LOG) ?? null, next: stateText(state) },
  ];
  return steps.filter(({ expected, next }) => expected !== next);
}

export function bucketState(versions: TableState | null, bucket: number): BucketState {
  const text = versions?.metadata.get(stateKey(versions, bucket));
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

function stateText({ reached, truncates }: BucketState): string {
  const stored: StoredBucket = {
    reached: withoutCheckpoints(reached),
    truncates: truncates.map(({ order, offset, committed, end }) => ({
      order: String(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: String(end) }),
    })),
  };
  return JSON.stringify(stored);
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
