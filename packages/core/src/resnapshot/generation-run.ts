/**
 * A run over sources that may be in a new epoch: what was begun in one store is begun in the other,
 * and a snapshot that was read to its end is completed.
 */
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource } from "../spi.ts";
import { inEpochs, type EpochSource } from "./generation-source.ts";
import { snapshotEnd, type SnapshotSpan } from "../rows/snapshot-generations.ts";
import type { StoreSinks } from "../ingest/source-writer.ts";
import { reachableEpochs, storedEpochs, type StoredEpochs } from "./generation-stores.ts";
import { storeSinks, type SinkOptions } from "./store-writers.ts";

export interface EpochRun {
  readonly stores: readonly StoreSinks[];
  /** What the runner reads. */
  readonly changes: EpochSource;
  /**
   * After a run that came to its end: completes the epochs of which `snapshotOf` knows the whole
   * snapshot.
   */
  complete(snapshotOf: (source: SourceSpec) => SnapshotSpan | null): Promise<void>;
}

export async function epochRun(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  options: SinkOptions,
  signal: AbortSignal | undefined,
): Promise<EpochRun> {
  const epochs = new Map<string, StoredEpochs>();
  for (const source of sources)
    epochs.set(source.name, await reachableEpochs(source, { ...options, signal }));
  return {
    stores: storeSinks(
      sources,
      options,
      new Map([...epochs].map(([source, { epoch }]) => [source, epoch])),
    ),
    changes: inEpochs(from, epochs),
    async complete(snapshotOf) {
      for (const source of sources)
        if (epochs.get(source.name)!.unfinished)
          await completeEpoch(source, options, snapshotOf(source), signal);
    },
  };
}

/**
 * In each store by itself: killed in between, the next run completes the other with the same span.
 */
async function completeEpoch(
  source: SourceSpec,
  options: SinkOptions,
  seen: SnapshotSpan | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { epoch, online, offline } = await storedEpochs(source, { ...options, signal });
  const span = online?.snapshot ?? offline?.snapshot ?? seen;
  if (span === null) return;
  const { change, position } = snapshotEnd(source.name, epoch, span);
  const waiting = {
    ...options,
    online: online?.snapshot === null ? options.online : undefined,
    offline: offline?.snapshot === null ? options.offline : undefined,
  };
  for (const store of storeSinks([source], waiting, new Map([[source.name, epoch]]))) {
    const sink = (await store.open(signal ?? new AbortController().signal)).get(source.name)!;
    await sink.take([change], [position]);
    await sink.finish();
  }
}
