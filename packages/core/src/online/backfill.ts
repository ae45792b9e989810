/**
 * Fills the online store from the history. Changes that the topic no longer holds are read from the
 * change log, up to a stated position.
 */
import { historyContext } from "../offline/history-context.ts";
import { hasOnlyOtherTables } from "./build-tables.ts";
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
import { backfillBuild, type BuildBackfill } from "./build-backfill.ts";
import { BackfillNotes } from "./backfill-note.ts";
import { beginOnlineGeneration } from "./generation.ts";
import type { OnlineMaintenance } from "./maintenance.ts";
import { onlineWriter } from "./online-writer.ts";
import type { ChangesProgress } from "../ingest/runner.ts";
import { listSource } from "./source-list.ts";
import {
  encodeSourceState,
  layoutFor,
  readSourceState,
  sourceStateKey,
  type SourceState,
} from "./source-state.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import type { Retention } from "./retention.ts";
import { unreadableSource } from "./unreadable-source.ts";

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
  readonly onProgress?: ((progress: BackfillProgress) => void) | undefined;
}

/** How far a backfill is. */
export interface BackfillProgress extends ChangesProgress {
  /** The source that is filled now. */
  readonly source: string;
  /**
   * "history": the backfill waits for a history that is behind the online store. A run commits to
   * the history at least every minute. null: it writes.
   */
  readonly waitingFor: "history" | null;
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
    /**
     * What the stored rows lacked, such as "feature weekly.visits needs the column shop". The rows
     * were stored anew for it. null: they lacked nothing.
     */
    readonly reason: string | null;
    /** How long the backfill of the source took. */
    readonly seconds: number;
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
  readonly onProgress?: ((progress: BackfillProgress) => void) | undefined;
  /** Notes the progress in the online store. */
  readonly notes?: BackfillNotes | undefined;
  readonly limits?: Partial<ChangeLogReaderLimits> | undefined;
  /** How long a history that is behind the online store may stay where it is, ms. */
  readonly historyTimeout?: number | undefined;
}

/** What one source took. */
type Filled = Omit<BackfillResult["sources"][number], "reason">;

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
 * Brings each source to its definitions and to the current position of its history. Stored rows
 * that lack something are stored anew beside the served ones. A killed backfill can be called
 * again.
 */
export async function backfillOnline(
  sources: readonly SourceSpec[],
  given: BackfillSettings,
): Promise<BackfillResult> {
  const notes = new BackfillNotes(given);
  try {
    return await backfillNoted(sources, { ...given, notes }, notes);
  } finally {
    await notes.stop();
  }
}

async function backfillNoted(
  sources: readonly SourceSpec[],
  settings: BackfillSettings,
  notes: BackfillNotes,
): Promise<BackfillResult> {
  const builds = new Map<string, BuildBackfill & { readonly seconds: number }>();
  let done = 0;
  for (const source of sources) {
    const { name } = source;
    const began = performance.now();
    const build = await backfillBuild(source, settings, {
      onWritten(changes, of) {
        notes.update(name, { changes, of });
        const progress = { changes: done + changes, total: done + of };
        settings.onProgress?.({ ...progress, source: name, waitingFor: null });
      },
      onWaiting() {
        notes.update(name, { waitingFor: "history" });
        const progress = { changes: done, total: null };
        settings.onProgress?.({ ...progress, source: name, waitingFor: "history" });
      },
    });
    if (build !== null) builds.set(name, { ...build, seconds: secondsSince(began) });
    done += build?.changes ?? 0;
  }
  const unfilled = new Set<string>();
  for (const source of sources) {
    const layout = layoutFor(source, settings.views);
    const state = await readSourceState(settings.online, settings.namespace, layout);
    // a run that writes the source meanwhile also brings it to the end of its log
    if (!builds.has(source.name) || state.backfilling !== undefined || !state.isReady)
      unfilled.add(source.name);
  }
  const filled = await fillFromHistory(
    sources.filter(({ name }) => unfilled.has(name)),
    settings,
    done,
  );
  for (const { name } of sources) await notes.end(name);
  return {
    changes: done + filled.changes,
    sources: sources.map(({ name }) => {
      const build = builds.get(name);
      const rest = filled.sources.find(({ source }) => source === name);
      return {
        source: name,
        changes: (rest?.changes ?? 0) + (build?.changes ?? 0),
        positions: rest?.positions ?? build?.positions ?? [],
        reason: build?.reason ?? null,
        seconds: (rest?.seconds ?? 0) + (build?.seconds ?? 0),
      };
    }),
  };
}

/**
 * Fills each source up to the current position of its history, under the definition that its rows
 * are stored under. The stored position moves with each step, so a killed call can be made again.
 * `before`: the number of changes before this call, for the progress.
 */
export async function fillFromHistory(
  sources: readonly SourceSpec[],
  settings: BackfillSettings,
  before = 0,
): Promise<Pick<BackfillResult, "changes"> & { readonly sources: readonly Filled[] }> {
  const { online, offline, signal } = settings;
  const backfills: SourceBackfill[] = [];
  for (const source of sources) {
    const context = historyContext(offline, source);
    const log = await offline.state(context.tables.changes.name, { signal });
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
          : await changeLogReader(context, log, after, { limits: settings.limits, signal }),
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
  const seconds = new Map<string, number>();
  for (const backfill of backfills) {
    const { source, positions, log } = backfill;
    const { name } = source;
    const began = performance.now();
    if (log !== null) {
      if (log.changes > 0) settings.notes?.begin(name, null, log.changes);
      const earlier = done;
      await backfillSource(source, log, settings, (changes) => {
        done += changes;
        settings.notes?.update(name, { changes: done - earlier });
        const progress = { changes: before + done, total: before + total };
        settings.onProgress?.({ ...progress, source: name, waitingFor: null });
      });
    }
    seconds.set(name, secondsSince(began));
    const reached = offsetsOf(await online.positions(source.name));
    const isUnreadable = (await unreadableSource(online, settings.namespace, name)) !== null;
    await updateSourceStates([backfill], settings, (state) => {
      const lacksRows = isUnreadable || hasOnlyOtherTables(state);
      if (state.backfilling === undefined)
        return positions.length === 0 || state.isReady || lacksRows
          ? null
          : { ...state, isReady: true };
      const short = state.backfilling.find(
        (position) => (reached.get(partitionKey(position)) ?? -1) < position.offset,
      );
      if (short === undefined) return { ...state, backfilling: undefined, isReady: !lacksRows };
      throw new TidemarkError(
        "NEEDS_BACKFILL",
        `${online.name}: source "${source.name}" was to be filled up to offset ${short.offset} ` +
          `of ${short.partition}, and the history in ${offline.name} ends before it: ` +
          "open the history that filling began with, or begin with a new online store",
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
      seconds: seconds.get(source.name)!,
    })),
  };
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
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
