/** Reads the log tail, which the versions table lacks, by bucket and row. */
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { storedPartitionOf } from "../rows/snapshot-generations.ts";
import { rowChangesOf, type RowChange } from "../rows/row-change.ts";
import { truncateOf, type Truncate } from "../rows/row-versions.ts";
import { offsetsOf, readChangeLog } from "./change-log.ts";
import type { HistoryTables } from "./history-tables.ts";
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

const TRUNCATE = "truncate/";
const BUCKET = "bucket/";
const BUCKETS = "buckets";

/** The name of a position of the versions table, for a bucket and a log partition. */
export function bucketPosition(bucket: number, partition: string): string {
  return `${BUCKET}${bucket}/${partition}`;
}

/**
 * The name of the position that records a truncate in the versions table. The name identifies the
 * truncate by its log order; the value is its commit time.
 */
export function truncatePosition(bucket: number, truncate: Truncate): string {
  return (
    `${TRUNCATE}${bucket}/${truncate.order}/${truncate.offset}` +
    (truncate.end === undefined ? "" : `/${truncate.end}`)
  );
}

export const bucketsPosition: string = BUCKETS;

/** The number of buckets of a versions table; null: the table does not exist yet. */
export function bucketsOf(state: TableState | null): number | null {
  return state?.positions.find(({ partition }) => partition === BUCKETS)?.offset ?? null;
}

export function knownTruncates(state: TableState | null, bucket: number): Truncate[] {
  const prefix = `${TRUNCATE}${bucket}/`;
  return (state?.positions ?? [])
    .filter(({ partition }) => partition.startsWith(prefix))
    .map(({ partition, offset: committed }) => {
      const [order, offset, end] = partition.slice(prefix.length).split("/");
      return {
        order: BigInt(order!),
        offset: Number(offset),
        committed,
        ...(end === undefined ? {} : { end: BigInt(end) }),
      };
    });
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
  const known = offsetsOf(versions?.positions ?? []);
  const reached = (bucket: number, partition: string): number =>
    known.get(bucketPosition(bucket, partition)) ?? -1;
  const least = new Map(
    log.positions.map(({ partition }) => [
      partition,
      Math.min(...Array.from({ length: buckets }, (_, bucket) => reached(bucket, partition))),
    ]),
  );
  const pending = log.positions.filter(({ partition, offset }) => offset > least.get(partition)!);
  const uncompacted: UncompactedRows[] = Array.from({ length: buckets }, () => new Map());
  const truncates: Truncate[][] = Array.from({ length: buckets }, () => []);
  let changes = 0;
  if (pending.length > 0) {
    const fromOffset = Math.min(...pending.map(({ partition }) => least.get(partition)! + 1));
    const wanted = (partition: string, offset: number): boolean =>
      offset > (least.get(partition) ?? -1);
    const rowChanges = rowChangesOf(source);
    const yieldToEventLoop = eventLoopYielder();
    for await (const change of readChangeLog(offline, tables, source, {
      version: log.version,
      fromOffset,
      signal,
      wanted,
    })) {
      const partition = storedPartitionOf(change);
      if (++changes % 500 === 0) await yieldToEventLoop();
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
        const known = uncompacted[bucket]!.get(text);
        if (known === undefined) uncompacted[bucket]!.set(text, { key, changes: [row] });
        else known.changes.push(row);
      }
    }
  }
  return { rows: uncompacted, truncates, changes };
}
