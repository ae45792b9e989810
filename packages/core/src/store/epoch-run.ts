/** A run over sources that may be in a new epoch: what was begun in one store is begun in the other, and a snapshot that was read to its end is completed. */
import type { SourceSpec } from "../model.ts";
import type { ChangeSource } from "../spi.ts";
import { inEpochs, type EpochSource, type SourceEpoch } from "../stream/epoch-source.ts";
import { snapshotEnd, type SnapshotSpan } from "../stream/epochs.ts";
import type { SourceSinks } from "../stream/runner.ts";
import { beginEpoch, storedEpochs } from "./epoch-stores.ts";
import { sinksFor, type SinkOptions } from "./sinks.ts";

export interface EpochRun {
  readonly targets: readonly SourceSinks[];
  /** What the runner reads. */
  readonly changes: EpochSource;
  /** After a run that came to its end: completes the epochs of which `snapshotOf` knows the whole snapshot. */
  complete(snapshotOf: (source: SourceSpec) => SnapshotSpan | null): Promise<void>;
}

export async function epochRun(from: ChangeSource, sources: readonly SourceSpec[], options: SinkOptions): Promise<EpochRun> {
  const epochs = new Map<string, SourceEpoch>();
  const targets: SourceSinks[] = [];
  for (const source of sources) {
    const { epoch, unfinished } = await storedEpochs(source, options);
    if (unfinished) await beginEpoch(source, options, epoch);
    epochs.set(source.name, { epoch, unfinished });
    targets.push({ source, sinks: await sinksFor(source, options, epoch) });
  }
  return {
    targets,
    changes: inEpochs(from, epochs),
    async complete(snapshotOf) {
      for (const source of sources) if (epochs.get(source.name)!.unfinished) await completeEpoch(source, options, snapshotOf(source));
    },
  };
}

/** In each store by itself: killed in between, the next run completes the other with the same span. */
async function completeEpoch(source: SourceSpec, options: SinkOptions, seen: SnapshotSpan | null): Promise<void> {
  const { epoch, online, offline } = await storedEpochs(source, options);
  const span = online?.snapshot ?? offline?.snapshot ?? seen;
  if (span === null) return;
  const { change, position } = snapshotEnd(source.name, epoch, span);
  const waiting = { ...options, online: online?.snapshot === null ? options.online : undefined, offline: offline?.snapshot === null ? options.offline : undefined };
  for (const sink of await sinksFor(source, waiting, epoch)) {
    await sink.take([change], [position]);
    await sink.finish();
  }
}
