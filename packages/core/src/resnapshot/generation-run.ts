/**
 * Runs sources that may be in a new snapshot generation. A generation that was begun in one store
 * is begun in the other. A snapshot that was read to its end is completed.
 */
import { historyContext } from "../offline/history-context.ts";
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource } from "../spi.ts";
import { generationSource, type GenerationSource } from "./generation-source.ts";
import type { SnapshotSpan } from "../rows/snapshot-generations.ts";
import type { StoreWriters } from "../ingest/source-writer.ts";
import { onlineWriter } from "../online/online-writer.ts";
import { layoutFor } from "../online/source-state.ts";
import {
  completeOfflineGeneration,
  openOfflineGeneration,
  openOnlineGeneration,
  reachableGenerations,
  storedGenerations,
  type StoredGenerations,
} from "./generation-stores.ts";
import { storeWriters, type WriterOptions } from "./store-writers.ts";

export interface GenerationRun {
  readonly stores: readonly StoreWriters[];
  /** What the runner reads. */
  readonly changes: GenerationSource;
  /**
   * Completes the generations whose whole snapshot `snapshotOf` knows. Call it after a run that
   * came to its end.
   */
  complete(snapshotOf: (source: SourceSpec) => SnapshotSpan | null): Promise<void>;
}

export async function generationRun(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  options: WriterOptions,
  signal: AbortSignal | undefined,
): Promise<GenerationRun> {
  const generations = new Map<string, StoredGenerations>();
  for (const source of sources)
    generations.set(source.name, await reachableGenerations(source, { ...options, signal }));
  return {
    stores: storeWriters(
      sources,
      options,
      new Map([...generations].map(([source, { generation }]) => [source, generation])),
    ),
    changes: generationSource(from, generations),
    async complete(snapshotOf) {
      for (const source of sources)
        if (generations.get(source.name)!.unfinished)
          await completeGeneration(source, options, snapshotOf(source), signal);
    },
  };
}

/**
 * Completes the generation in each store by itself. If the process is killed between the two, the
 * next run completes the other store with the same span.
 */
async function completeGeneration(
  source: SourceSpec,
  options: WriterOptions,
  seen: SnapshotSpan | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { generation, online, offline } = await storedGenerations(source, { ...options, signal });
  const span = online?.snapshot ?? offline?.snapshot ?? seen;
  if (span === null) return;
  if (options.online !== undefined && online?.snapshot == null) {
    await openOnlineGeneration(options.online, source, generation);
    const layout = layoutFor(source, options.views);
    const writer = await onlineWriter({ ...options, store: options.online, layout });
    await writer.complete(generation, span);
  }
  if (options.offline !== undefined && offline?.snapshot == null) {
    await openOfflineGeneration(options.offline, source, generation, signal);
    await completeOfflineGeneration(historyContext(options.offline, source), generation, span, {
      ...options.history.compaction?.(source),
      signal,
    });
  }
}
