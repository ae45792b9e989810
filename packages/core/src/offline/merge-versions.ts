/**
 * Merges the log tail into the versions of a bucket's rows. Compaction uses the merge, and so do
 * reads between compactions.
 */
import { valueAt, type Batch } from "../columns/batch.ts";
import type { TableState } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { compareChanges, rowChangesOf, type RowChange } from "../rows/row-change.ts";
import {
  asDelete,
  compareVersions,
  deriveVersions,
  snapshotEnds,
  truncateOf,
  type RowVersion,
  type Truncate,
} from "../rows/row-versions.ts";
import { isRetriedChange } from "../rows/retried.ts";
import { generationStateOf } from "../rows/snapshot-generations.ts";
import { readChangeLog } from "./change-log.ts";
import { keyFinder, keyRange } from "./key-filter.ts";
import type { HistoryContext } from "./history-context.ts";
import { storedVersions } from "./stored-versions.ts";
import { bucketState, type UncompactedRows } from "./uncompacted-log.ts";
import type { KeyedVersion } from "./version-rows.ts";

export interface BucketMerge {
  /**
   * Adds a stored batch with all columns. The result is true for each row that the log tail leaves
   * unchanged.
   */
  keep(batch: Batch): Uint8Array;
  /** After all stored batches: every version of the rows that the log tail changes. */
  merged(): Promise<MergedVersions>;
}

/** Every version of the rows that the log tail changes. */
export interface MergedVersions {
  /** Of rows that had versions. */
  readonly changed: readonly KeyedVersion[];
  /** Of rows that had none. */
  readonly added: readonly KeyedVersion[];
}

/** The state of both tables. */
interface MergeState {
  readonly log: TableState;
  readonly versions: TableState | null;
  /** Only rows of this part are merged, by the hash of their keys. Default: all rows. */
  readonly part?: { readonly index: number; readonly count: number } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Merges the log tail of one bucket with the bucket's stored versions. */
export function mergeBucket(
  context: HistoryContext,
  bucket: number,
  uncompacted: UncompactedRows,
  newTruncates: readonly Truncate[],
  state: MergeState,
): BucketMerge {
  const { source, rows } = context;
  const truncates = [...bucketState(state.versions, bucket).truncates, ...newTruncates];
  const stored = new Map<
    string,
    { readonly key: KeyedVersion["key"]; readonly versions: RowVersion[] }
  >();

  const names = context.tables.versions.columns.map(({ name }) => name);
  let find: ReturnType<typeof keyFinder> | null = null;
  const { part } = state;
  const isInPart = (text: string): boolean =>
    part === undefined || rows.bucketOf(text, part.count) === part.index;

  return {
    keep(batch) {
      const kept = new Uint8Array(batch.length);
      const isEachChanged = newTruncates.length > 0;
      const changed = (find ??= keyFinder(context, uncompacted, names))(batch);
      for (let i = 0; i < batch.length; i++) {
        const found = isEachChanged ? rows.textOf(rows.keyAt(batch, i)) : changed(i);
        if (found === null || !isInPart(found)) {
          kept[i] = 1;
          continue;
        }
        const known = stored.get(found);
        const version = rows.versionAt(batch, i);
        if (known === undefined)
          stored.set(found, { key: rows.keyAt(batch, i), versions: [version] });
        else known.versions.push(version);
      }
      return kept;
    },

    async merged() {
      const changed: KeyedVersion[] = [];
      const added: KeyedVersion[] = [];
      const outOfOrder = new Map<string, KeyedVersion["key"]>();
      const yieldToEventLoop = eventLoopYielder();
      let done = 0;
      for (const [text, { key, versions }] of stored) {
        if (++done % 500 === 0) await yieldToEventLoop();
        const before = versions.sort(compareVersions);
        const all = uncompacted.get(text)?.changes ?? [];
        const changes = all.filter((change) => !isInVersions(before, change));
        const last = before.at(-1)!;
        if (
          all.some((change) => change.orderInherited || isRetriedChange(change)) ||
          [...changes, ...newTruncates.map(asDelete)].some(
            (change) => compareChanges(change, last) < 0,
          )
        ) {
          outOfOrder.set(text, key);
          continue;
        }
        for (const version of deriveVersions(source, changes, newTruncates, before))
          changed.push({ key, version });
      }
      for (const [text, { key, changes }] of uncompacted) {
        if (++done % 500 === 0) await yieldToEventLoop();
        if (stored.has(text) || !isInPart(text)) continue;
        for (const version of deriveVersions(source, changes, truncates))
          added.push({ key, version });
      }
      if (outOfOrder.size > 0)
        for (const version of await rederiveFromLog(context, outOfOrder, state))
          changed.push(version);
      return { changed, added };
    },
  };
}

/** Merges the log tail into the stored versions of the rows that it changes. */
export async function mergedVersions(
  context: HistoryContext,
  bucket: number,
  uncompacted: UncompactedRows,
  newTruncates: readonly Truncate[],
  state: MergeState,
  onChanged?: (bucket: number) => void,
): Promise<MergedVersions> {
  const merge = mergeBucket(context, bucket, uncompacted, newTruncates, state);
  if (state.versions !== null) {
    const columns = context.tables.versions.columns.map(({ name }) => name);
    const ownBucket = columns.indexOf("_bucket");
    for await (const batch of storedVersions(context, state.versions, {
      columns,
      olderBucket: bucket,
      range: newTruncates.length > 0 ? undefined : keyRange(context, uncompacted),
      signal: state.signal,
    })) {
      const kept = merge.keep(batch);
      if (onChanged === undefined) continue;
      for (let i = 0; i < kept.length; i++)
        if (kept[i] === 0) onChanged(valueAt(batch.vectors[ownBucket]!, i) as number);
    }
  }
  return merge.merged();
}

/**
 * Whether the change is in the versions already. A redelivered change adds nothing to the one
 * version that it made. The lowest of its offsets counts, whichever partition came first. A change
 * that can be read now replaces its undecodable self.
 */
function isInVersions(versions: readonly RowVersion[], change: RowChange): boolean {
  const made = versions.filter((version) => version.order === change.order);
  return (
    made.length === 1 &&
    (made[0]!.values === null) === (change.values === null) &&
    (made[0]!.undecodable === null || change.undecodable !== null) &&
    change.offset >= made[0]!.offset
  );
}

/**
 * Derives a row's versions again from all its changes, when changes came out of order (law 5:
 * replay is free).
 */
async function rederiveFromLog(
  context: HistoryContext,
  keys: ReadonlyMap<string, KeyedVersion["key"]>,
  state: { readonly log: TableState; readonly signal?: AbortSignal | undefined },
): Promise<readonly KeyedVersion[]> {
  const { offline, source, tables, rows } = context;
  const rowChanges = rowChangesOf(source);
  const changes = new Map<string, RowChange[]>();
  const truncates = snapshotEnds(generationStateOf(state.log.metadata));
  for await (const change of readChangeLog(offline, tables, source, {
    version: state.log.version,
    signal: state.signal,
  })) {
    const truncate = truncateOf(change);
    if (truncate !== null) truncates.push(truncate);
    for (const { key, change: row } of rowChanges(change)) {
      const text = rows.textOf(key);
      if (!keys.has(text)) continue;
      const list = changes.get(text);
      if (list === undefined) changes.set(text, [row]);
      else list.push(row);
    }
  }
  return [...keys].flatMap(([text, key]) =>
    deriveVersions(source, changes.get(text) ?? [], truncates).map((version) => ({ key, version })),
  );
}
