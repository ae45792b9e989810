/** The snapshot generations of a source in its stores. */
import type { HistoryContext } from "../offline/history-context.ts";
import { isRetryable, TidemarkError } from "../errors.ts";
import { compactHistory, type CompactionOptions } from "../offline/compaction.ts";
import { checkedChangeLog, historyTables } from "../offline/history-tables.ts";
import { beginOnlineGeneration } from "../online/generation.ts";
import { historyIdSteps } from "../pairing/history-link.ts";
import type { SourceSpec } from "../specs.ts";
import type { Metadata, OfflineStore, OnlineStore, Position } from "../spi.ts";
import {
  beginGenerationStep,
  completeGenerationStep,
  generationStateOf,
  isUnfinished,
  ORDER_LIMIT,
  MAX_GENERATIONS,
  type GenerationState,
  type SnapshotSpan,
} from "../rows/snapshot-generations.ts";

export interface GenerationStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The generation state of a source in each store; null where the store is absent or unavailable.
 */
export interface StoredGenerations {
  readonly online: GenerationState | null;
  readonly offline: GenerationState | null;
  /** The newest generation that was begun in any store. */
  readonly generation: number;
  /** The snapshot that begins the generation is not complete in every store. */
  readonly unfinished: boolean;
}

export async function storedGenerations(
  source: SourceSpec,
  { online, offline, signal }: GenerationStores,
): Promise<StoredGenerations> {
  const state = online === undefined ? null : generationStateOf(await online.metadata(source.name));
  const past =
    offline === undefined
      ? null
      : generationStateOf(
          (await offline.state(historyTables(source).changes.name, { signal }))?.metadata,
        );
  return combinedState(state, past);
}

/**
 * Reads the generations of the stores that answer. A run waits for an unavailable store and reads
 * its generation when the store is back.
 */
export async function reachableGenerations(
  source: SourceSpec,
  stores: GenerationStores,
): Promise<StoredGenerations> {
  const each = [
    { ...stores, offline: undefined },
    { ...stores, online: undefined },
  ].map((one) =>
    storedGenerations(source, one).catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
      return { online: null, offline: null, generation: 0, unfinished: false };
    }),
  );
  const [{ online }, { offline }] = (await Promise.all(each)) as [
    StoredGenerations,
    StoredGenerations,
  ];
  return combinedState(online, offline);
}

function combinedState(
  online: GenerationState | null,
  offline: GenerationState | null,
): StoredGenerations {
  const both = [online, offline].flatMap((one) => (one === null ? [] : [one]));
  const generation = Math.max(0, ...both.map((one) => one.generation));
  return {
    online,
    offline,
    generation,
    unfinished: both.some((one) => one.generation < generation || isUnfinished(one)),
  };
}

/**
 * Begins a generation in the online store, unless it has it.
 *
 * @throws SOURCE_BEGUN_ANEW when the store is in a later generation.
 */
export async function openOnlineGeneration(
  online: OnlineStore,
  source: SourceSpec,
  generation: number,
): Promise<void> {
  const metadata = await online.metadata(source.name);
  if (needsToBegin(source, online.name, generation, metadata)) {
    refuseExhausted(source, generation, metadata, await online.positions(source.name));
    await beginOnlineGeneration(online, source.name, generation);
  }
}

/**
 * Begins a generation in the history, unless it has it. Another process may begin the generation at
 * the same time.
 *
 * @throws SOURCE_BEGUN_ANEW when the history is in a later generation.
 */
export async function openOfflineGeneration(
  offline: OfflineStore,
  source: SourceSpec,
  generation: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { changes } = historyTables(source);
  for (;;) {
    const state = await offline.state(changes.name, { signal });
    const log = checkedChangeLog(offline.name, changes.name, state);
    if (!needsToBegin(source, offline.name, generation, log?.metadata)) return;
    refuseExhausted(source, generation, log?.metadata, log?.positions ?? []);
    const metadata = [
      beginGenerationStep(log?.metadata, generation),
      ...historyIdSteps(log?.metadata),
    ];
    await offline.append(changes, [], { positions: [], metadata, signal });
  }
}

/** Completes the snapshot of a begun generation in the history, and compacts it. */
export async function completeOfflineGeneration(
  context: HistoryContext,
  generation: number,
  snapshot: SnapshotSpan,
  options: CompactionOptions,
): Promise<void> {
  const { offline, tables } = context;
  const { signal } = options;
  for (;;) {
    const state = await offline.state(tables.changes.name, { signal });
    if (generationStateOf(state?.metadata).snapshots[generation - 1] != null) break;
    const metadata = [completeGenerationStep(state?.metadata, generation, snapshot)];
    await offline.append(tables.changes, [], { positions: [], metadata, signal });
  }
  await compactHistory(context, options);
}

export async function beginGeneration(
  source: SourceSpec,
  { online, offline, signal }: GenerationStores,
  generation: number,
): Promise<void> {
  if (online !== undefined) await openOnlineGeneration(online, source, generation);
  if (offline !== undefined) await openOfflineGeneration(offline, source, generation, signal);
}

function needsToBegin(
  source: SourceSpec,
  store: string,
  generation: number,
  metadata: Metadata | undefined,
): boolean {
  const at = generationStateOf(metadata).generation;
  if (at > generation)
    throw new TidemarkError(
      "SOURCE_BEGUN_ANEW",
      `${store}: source "${source.name}" was begun anew (tidemark resnapshot, or ` +
        "store.resnapshot) since this run " +
        "started, or while this store was away: start the run again",
    );
  return at < generation;
}

function refuseExhausted(
  source: SourceSpec,
  generation: number,
  metadata: Metadata | undefined,
  positions: readonly Position[],
): void {
  if (generation > MAX_GENERATIONS)
    throw new TidemarkError(
      "GENERATIONS_EXHAUSTED",
      `source "${source.name}" was begun anew ${MAX_GENERATIONS} times, and a store counts no ` +
        "further: begin with new stores, and keep the old history for its training sets",
    );
  const highest = [
    ...generationStateOf(metadata).snapshots.map((snapshot) => snapshot?.start),
    ...positions.map(({ checkpoint }) => checkpoint?.highestOrder),
  ].find((order) => order !== undefined && BigInt(order) >= ORDER_LIMIT);
  if (highest !== undefined)
    throw new TidemarkError(
      "ORDER_TOO_LARGE",
      `source "${source.name}" has log orders up to ${highest}, and a resnapshot needs them ` +
        "below " +
        `${ORDER_LIMIT}: begin with new stores, and keep the old history for its training sets`,
    );
}
