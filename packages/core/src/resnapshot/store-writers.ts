/** The source writers of each store: of the online store and of the history. */
import { historyContext } from "../offline/history-context.ts";
import { isTidemarkError } from "../errors.ts";
import {
  changeLogWriter,
  DEFAULT_LIMITS,
  type CommitLimits,
} from "../offline/change-log-writer.ts";
import { pairedLog, refuseOtherHistory, rememberReachableHistory } from "../pairing/store-pair.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import type { Retention } from "../online/retention.ts";
import { onlineWriter } from "../online/online-writer.ts";
import { onlineMaintenance } from "../online/maintenance.ts";
import type { SourceWriter, StoreWriters } from "../ingest/source-writer.ts";
import { entityKeysIn } from "../online/source-layout.ts";
import { layoutFor } from "../online/source-state.ts";
import { partitionOf, positionsOfGeneration } from "../rows/snapshot-generations.ts";
import { assumedHistoryPositions, assumedOnlinePositions } from "./assumed-positions.ts";
import { openOfflineGeneration, openOnlineGeneration } from "./generation-stores.ts";
import type { CompactionSettings } from "../offline/compaction.ts";

export interface HistoryOptions {
  /**
   * Limits of a commit to the change log: rows, bytes, age in µs. The first limit that is reached
   * commits.
   */
  readonly commit?: Partial<CommitLimits> | undefined;
  /** How the versions of a source are compacted. */
  readonly compaction?: ((source: SourceSpec) => CompactionSettings) | undefined;
}

export interface WriterOptions {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly retention: Retention;
  readonly history: HistoryOptions;
  /** Other runs may take over partitions of this run. An overtaken run goes on behind the other. */
  readonly shared?: boolean | undefined;
  /**
   * Every source of the store; the sources of the run if omitted. The horizons of sources that the
   * run does not feed move with the clock too.
   */
  readonly maintainedSources?: readonly SourceSpec[] | undefined;
}

/** How often a write is tried again after another run moved the position. */
const MAX_OVERTAKEN = 20;

/**
 * Makes the writers of each store. `generations` is by source name; a missing source is in
 * generation 0.
 */
export function storeWriters(
  sources: readonly SourceSpec[],
  options: WriterOptions,
  generations: ReadonlyMap<string, number> = new Map(),
): readonly StoreWriters[] {
  const { online, offline, namespace, views, clock, retention } = options;
  const generationOf = (source: SourceSpec): number => generations.get(source.name) ?? 0;
  const writersBySource = async (
    writerOf: (source: SourceSpec) => Promise<SourceWriter>,
  ): Promise<ReadonlyMap<string, SourceWriter>> => {
    const writers = new Map<string, SourceWriter>();
    for (const source of sources) writers.set(source.name, await writerOf(source));
    return writers;
  };
  return [
    ...(online === undefined
      ? []
      : [
          {
            role: "online" as const,
            name: online.name,
            open: (signal: AbortSignal) =>
              writersBySource(async (source) =>
                onlineWriterOf(source, online, options, generationOf(source), signal),
              ),
            maintenance: onlineMaintenance({
              store: online,
              namespace,
              sources: options.maintainedSources ?? sources,
              views,
              clock,
              retention,
            }),
          },
        ]),
    ...(offline === undefined
      ? []
      : [
          {
            role: "history" as const,
            name: offline.name,
            open: (signal: AbortSignal) =>
              writersBySource(async (source) =>
                changeLogWriterOf(source, offline, options, generationOf(source), signal),
              ),
          },
        ]),
  ];
}

async function onlineWriterOf(
  source: SourceSpec,
  store: OnlineStore,
  options: WriterOptions,
  generation: number,
  signal: AbortSignal,
): Promise<SourceWriter> {
  const { namespace, clock, retention, views } = options;
  await openOnlineGeneration(store, source, generation);
  const stored = async (): Promise<readonly Position[]> =>
    positionsOfGeneration(generation, await store.positions(source.name));
  const known = await stored();
  const positions = positionsByPartition(known);
  const assumed = new Set(
    await assumedOnlinePositions(source, options.offline, { generation, stored: known, signal }),
  );
  for (const position of assumed) positions.set(position.partition, position);
  const writer = await onlineWriter({
    store,
    namespace,
    layout: layoutFor(source, views),
    clock,
    retention,
  });
  const reload = async (): Promise<void> => {
    const now = await stored();
    for (const position of now)
      if (assumed.has(positions.get(position.partition)!))
        positions.set(position.partition, position);
    advancePositions(positions, now);
  };
  /** The offset that the store holds for a partition. */
  const storedOffset = (partition: string): number | null => {
    const position = positions.get(partition);
    return position === undefined || assumed.has(position) ? null : position.offset;
  };
  /**
   * A write of this process failed and may still arrive late. Then this process may have moved the
   * position itself.
   */
  let writeUncertain = false;
  return {
    positions,
    assumed,
    async write(changes, next) {
      for (let attempt = 1; ; attempt++) {
        const isNew = isAfter(positions);
        const reached = next.filter(({ partition, offset }) => isNew(partition, offset));
        const steps = reached.map(({ partition, offset, checkpoint }): PositionStep => ({
          partition,
          generation,
          expected: storedOffset(partition),
          next: offset,
          checkpoint,
        }));
        if (steps.length === 0) return true;
        try {
          await writer.apply(
            changes.filter((change) => isNew(partitionOf(change), change.offset)),
            steps,
          );
          advancePositions(positions, reached);
          writeUncertain = false;
          return true;
        } catch (error) {
          const fenced = isTidemarkError(error, "ONLINE_STORE_FENCED");
          if (!fenced) writeUncertain = true;
          if (!fenced || attempt === MAX_OVERTAKEN || (options.shared !== true && !writeUncertain))
            throw error;
          await reload();
        }
      }
    },
    commitDueIn: () => Infinity,
    commitWhenDue: async () => true,
    flush: async () => undefined,
    reload,
    markReady: (level) => writer.markReady(generation, level),
    finish: async () => undefined,
  };
}

async function changeLogWriterOf(
  source: SourceSpec,
  offline: OfflineStore,
  options: WriterOptions,
  generation: number,
  signal: AbortSignal,
): Promise<SourceWriter> {
  const { online } = options;
  const context = historyContext(offline, source);
  const table = context.tables.changes.name;
  if (online !== undefined) await refuseOtherHistory({ source, table, online, offline, signal });
  await openOfflineGeneration(offline, source, generation, signal);
  const state = await offline.state(table, { signal });
  const pair = pairedLog({ source, table, online, offline, signal });
  if (state !== null && online !== undefined)
    void rememberReachableHistory(online, source.name, state);
  const stored = async (): Promise<readonly Position[]> =>
    positionsOfGeneration(generation, (await offline.state(table, { signal }))?.positions ?? []);
  const known = positionsOfGeneration(generation, state?.positions ?? []);
  const assumed = await assumedHistoryPositions(source, online, { generation, stored: known });
  const positions = positionsByPartition([...known, ...assumed]);
  const writer = changeLogWriter({
    ...context,
    clock: options.clock,
    limits: { ...DEFAULT_LIMITS, ...options.history.commit },
    compaction: options.history.compaction?.(source),
    generation,
    positions: known,
    stored,
    shared: options.shared === true,
    pair,
    entityKeys: entityKeysIn(layoutFor(source, options.views)),
    erasedOnline: async () => (await options.online?.metadata(source.name)) ?? new Map(),
    signal,
  });
  return {
    positions,
    assumed: new Set(assumed),
    async write(changes, next) {
      const isNew = isAfter(positions);
      const reached = next.filter(({ partition, offset }) => isNew(partition, offset));
      if (reached.length > 0)
        writer.buffer(
          changes.filter((change) => isNew(partitionOf(change), change.offset)),
          reached,
        );
      advancePositions(positions, reached);
      return writer.commitWhenDue();
    },
    commitDueIn: () => writer.commitDueIn(),
    commitWhenDue: () => writer.commitWhenDue(),
    flush: () => writer.flush(),
    async reload() {
      const now = await stored();
      writer.discardUpTo(now);
      advancePositions(positions, now);
    },
    finish: () => writer.finish(),
    abandon: () => writer.abandon(),
  };
}

function isAfter(
  positions: ReadonlyMap<string, Position>,
): (partition: string, offset: number) => boolean {
  return (partition, offset) => offset > (positions.get(partition)?.offset ?? -1);
}

/** Moves positions forward only, so that a late read never sets a position back. */
function advancePositions(positions: Map<string, Position>, now: readonly Position[]): void {
  for (const position of now)
    if (position.offset > (positions.get(position.partition)?.offset ?? -1))
      positions.set(position.partition, position);
}

function positionsByPartition(positions: readonly Position[]): Map<string, Position> {
  return new Map(positions.map((position) => [position.partition, position]));
}
