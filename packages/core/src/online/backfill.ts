/**
 * Fills the online store from the history. Changes that the topic no longer holds are read from the
 * change log, up to a stated position.
 */
import { isTidemarkError, TidemarkError } from "../errors.ts";
import {
  changeLogReader,
  type ChangeLogReader,
  type ChangeLogReaderLimits,
} from "../offline/change-log-reader.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type {
  CellWrite,
  Change,
  OfflineStore,
  OnlineStore,
  Position,
  PositionStep,
} from "../spi.ts";
import {
  generationStateOf,
  offsetsOf,
  partitionKey,
  partitionKeyOf,
  withoutCheckpoints,
} from "../rows/snapshot-generations.ts";
import { beginOnlineGeneration } from "./generation.ts";
import type { OnlineMaintenance } from "./maintenance.ts";
import { onlineWriter } from "./online-writer.ts";
import type { RunProgress } from "../ingest/runner.ts";
import { listSource } from "./source-list.ts";
import {
  encodeSourceState,
  layoutFor,
  readSourceState,
  sourceStateKey,
  type SourceState,
} from "./source-state.ts";
import { historyContext } from "../offline/offline-reader.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import type { Retention } from "./retention.ts";

/** Settings of `store.backfill`. */
export interface BackfillOptions {
  /** Names of the sources; all sources by default. */
  readonly sources?: readonly string[] | undefined;
  /**
   * Changes in one step of the online store; 5,000 by default. Other writers wait while a step
   * runs.
   */
  readonly batchRows?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
}

/** What a backfill wrote. */
export interface BackfillResult {
  /** Changes taken from the history. */
  readonly changes: number;
  readonly sources: readonly {
    readonly source: string;
    readonly changes: number;
    /**
     * The positions of the history, which the online store has now reached or passed. Empty: the
     * source has no history.
     */
    readonly positions: readonly Position[];
  }[];
}

export interface BackfillSettings {
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly retention: Retention;
  readonly maintenance: OnlineMaintenance;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  readonly limits?: Partial<ChangeLogReaderLimits> | undefined;
}

interface SourceBackfill {
  readonly source: SourceSpec;
  /** The positions of its history. */
  readonly positions: readonly Position[];
  /** The newest generation of its history. */
  readonly generation: number;
  readonly log: ChangeLogReader | null;
}

/** The number of attempts against other writers of a source's state. */
const ATTEMPTS = 20;

/**
 * Fills each source up to the current position of its history. The stored position moves with each
 * step, so a killed backfill can be called again.
 */
export async function backfillOnline(
  sources: readonly SourceSpec[],
  settings: BackfillSettings,
): Promise<BackfillResult> {
  const { online, offline, namespace, views, signal } = settings;
  const backfills: SourceBackfill[] = [];
  for (const source of sources) {
    const context = historyContext(offline, source);
    const log = await offline.state(context.tables.changes.name, { signal });
    const { layout } = await readSourceState(online, namespace, layoutFor(source, views));
    const after = {
      positions: await online.positions(source.name),
      metadata: await online.metadata(source.name),
    };
    backfills.push({
      source,
      positions: log?.positions ?? [],
      generation: generationStateOf(log?.metadata).generation,
      log:
        log === null
          ? null
          : await changeLogReader(context, log, after, {
              storedColumns: layout.storedColumns,
              limits: settings.limits,
              signal,
            }),
    });
  }
  const total = backfills.reduce((sum, { log }) => sum + (log?.changes ?? 0), 0);
  let done = 0;
  // a source without stored rows answers nothing until its backfill is complete; a source that is
  // behind keeps answering
  await updateSourceStates(
    backfills.filter(({ log }) => log !== null),
    settings,
    (state, { positions }) =>
      state.version === null ? { ...state, backfilling: withoutCheckpoints(positions) } : null,
  );
  for (const backfill of backfills) {
    const { source, log } = backfill;
    if (log !== null) {
      await backfillSource(source, log, settings, (changes) => {
        done += changes;
        settings.onProgress?.({ changes: done, total });
      });
    }
    const reached = offsetsOf(await online.positions(source.name));
    await updateSourceStates([backfill], settings, (state) => {
      if (state.backfilling === undefined) return null;
      const short = state.backfilling.find(
        (position) => (reached.get(partitionKey(position)) ?? -1) < position.offset,
      );
      if (short === undefined) return { ...state, backfilling: undefined };
      throw new TidemarkError(
        "NEEDS_BACKFILL",
        `${online.name}: source "${source.name}" was to be filled up to offset ${short.offset} ` +
          `of ${short.partition}, and the history in ${offline.name} ends before it: ` +
          "open the history that filling began with, or begin with an empty online store",
      );
    });
  }
  await settings.maintenance.finish();
  return {
    changes: done,
    sources: backfills.map(({ source, positions, generation, log }) => ({
      source: source.name,
      changes: log?.changes ?? 0,
      positions: userPositions(generation, positions),
    })),
  };
}

/** Writes directly into the store, because the changes may span several snapshot generations. */
async function backfillSource(
  source: SourceSpec,
  log: ChangeLogReader,
  settings: BackfillSettings,
  onWritten: (changes: number) => void,
): Promise<void> {
  const { online, namespace, clock, retention, signal, maintenance } = settings;
  const writer = await onlineWriter({
    store: online,
    namespace,
    layout: layoutFor(source, settings.views),
    clock,
    retention,
  });
  let begun = 0;
  let reached = offsetsOf(await online.positions(source.name));
  const isAhead = (partition: string, offset: number): boolean =>
    offset > (reached.get(partition) ?? -1);
  for await (const { changes, positions, generation, snapshot } of log.batches(signal)) {
    if (generation > begun) {
      await beginOnlineGeneration(online, source.name, generation);
      begun = generation;
    }
    for (let attempt = 1; !(await writeBatch(changes, positions)); attempt++) {
      if (attempt === ATTEMPTS)
        throw new TidemarkError(
          "ONLINE_STORE_CONTENDED",
          `${online.name}: ${ATTEMPTS} attempts to fill source "${source.name}" met other ` +
            "writers; fill it from one process",
          { retryable: true },
        );
      reached = offsetsOf(await online.positions(source.name));
    }
    if (snapshot !== null) await writer.complete(generation, snapshot);
    signal?.throwIfAborted();
    onWritten(changes.length);
    await maintenance.step();
  }

  /** False: another writer was first, and its changes need not be written again. */
  async function writeBatch(
    changes: readonly Change[],
    positions: readonly Position[],
  ): Promise<boolean> {
    const steps = positions
      .filter((position) => isAhead(partitionKey(position), position.offset))
      .map(({ partition, generation, offset, checkpoint }): PositionStep => ({
        partition,
        generation,
        expected: reached.get(partitionKey({ partition, generation })) ?? null,
        next: offset,
        checkpoint,
      }));
    try {
      if (steps.length > 0)
        await writer.apply(
          changes.filter((change) => isAhead(partitionKeyOf(change), change.offset)),
          steps,
        );
    } catch (error) {
      if (source.push === true && isTidemarkError(error, "ONLINE_STORE_FENCED")) return false;
      throw error;
    }
    for (const step of steps) reached.set(partitionKey(step), step.next);
    return true;
  }
}

/**
 * Updates the states of these sources in one step. `next` returns the new state; null: unchanged.
 */
async function updateSourceStates(
  backfills: readonly SourceBackfill[],
  { online, namespace, views }: BackfillSettings,
  next: (state: SourceState, backfill: SourceBackfill) => Omit<SourceState, "version"> | null,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cells: CellWrite[] = [];
    const unlisted: string[] = [];
    for (const backfill of backfills) {
      const { name } = backfill.source;
      const state = await readSourceState(online, namespace, layoutFor(backfill.source, views));
      const updated = next(state, backfill);
      if (updated === null) continue;
      cells.push({
        key: sourceStateKey(namespace, name),
        value: encodeSourceState(updated),
        expected: state.version,
        expires: null,
      });
      if (state.version === null) unlisted.push(name);
    }
    if (cells.length === 0) return;
    if (unlisted.length > 0) cells.push(await listSource(online, namespace, ...unlisted));
    if (
      (await online.write({ source: backfills[0]!.source.name, cells, positions: [] })) === "done"
    )
      return;
  }
  const names = backfills.map(({ source }) => `"${source.name}"`).join(", ");
  throw new TidemarkError(
    "ONLINE_STORE_CONTENDED",
    `${online.name}: ${ATTEMPTS} attempts to write the state of ${names} met other writers; ` +
      "run fewer runners over one store",
  );
}
