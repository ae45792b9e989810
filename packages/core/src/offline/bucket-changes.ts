/** Holds the changes of the rows of one bucket, and derives the versions of these rows. */
import type { HistoryContext } from "./history-context.ts";
import type { Batch } from "../columns/batch.ts";
import type { KeyedRowChange, RowChange } from "../rows/row-change.ts";
import { deriveVersions, type Truncate } from "../rows/row-versions.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import type { KeyedVersion } from "./version-rows.ts";

/** Versions that become one batch. */
const ROWS_PER_BATCH = 4_000;
/** Estimated bytes of a change without its values. */
const CHANGE_BYTES = 300;

/** The changes of one row, in log order. */
interface RowChanges {
  readonly key: KeyedVersion["key"];
  readonly changes: RowChange[];
}

/** The changes of the rows of one bucket. */
export interface BucketChanges {
  /** By the text of the row's key. */
  readonly rows: Map<string, RowChanges>;
  /** An estimate of their memory. */
  bytes: number;
}

export function emptyBucket(): BucketChanges {
  return { rows: new Map(), bytes: 0 };
}

/** Adds a change after those of its row. Returns its estimated bytes. */
export function addChange(
  bucket: BucketChanges,
  text: string,
  { key, change }: KeyedRowChange,
): number {
  const known = bucket.rows.get(text);
  if (known === undefined) bucket.rows.set(text, { key, changes: [change] });
  else known.changes.push(change);
  const bytes = bytesOf(change);
  bucket.bytes += bytes;
  return bytes;
}

/** An estimate of the memory of a change. */
export function bytesOf({ values }: Pick<RowChange, "values">): number {
  let size = CHANGE_BYTES;
  for (const value of values ?? [])
    size += typeof value === "string" || value instanceof Uint8Array ? value.length + 32 : 24;
  return size;
}

/** Yields the changes row by row, and forgets them. */
export function* takeRows(bucket: BucketChanges): Generator<RowChanges> {
  for (const [text, row] of bucket.rows) {
    bucket.rows.delete(text);
    yield row;
  }
  bucket.bytes = 0;
}

/** Derives the versions of the rows of a bucket. The changes are forgotten meanwhile. */
export async function* versionBatches(
  { source, rows }: HistoryContext,
  bucket: number,
  changes: BucketChanges,
  {
    truncates,
    signal,
  }: { readonly truncates: readonly Truncate[]; readonly signal?: AbortSignal | undefined },
): AsyncIterable<Batch> {
  const yieldToEventLoop = eventLoopYielder();
  let own: KeyedVersion[] = [];
  for (const row of takeRows(changes)) {
    for (const version of deriveVersions(source, row.changes, truncates))
      own.push({ key: row.key, version });
    if (own.length < ROWS_PER_BATCH) continue;
    signal?.throwIfAborted();
    yield rows.toBatch(own, bucket);
    own = [];
    await yieldToEventLoop();
  }
  if (own.length > 0) yield rows.toBatch(own, bucket);
}
