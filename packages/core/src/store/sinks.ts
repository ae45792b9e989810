/** The sinks of one source: the online store and the history, whichever there are. */
import { isTidemarkError } from "../errors.ts";
import { historySink, DEFAULT_LIMITS, type CommitLimits } from "../history/history-sink.ts";
import { historyTables } from "../history/history-tables.ts";
import type { SourceSpec, ViewSpec } from "../model.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import type { Retention } from "../stream/online-retention.ts";
import { onlineSink } from "../stream/online-sink.ts";
import type { Sink } from "../stream/runner.ts";
import { layoutFor } from "../stream/source-state.ts";
import { positionsIn } from "../stream/epochs.ts";
import { offlineInEpoch, onlineInEpoch } from "./epoch-stores.ts";
import { historyContext } from "./historical-read.ts";

export interface SinkSettings {
  /** When gathered changes are committed: rows, bytes, age in µs; whichever comes first. */
  readonly commit?: Partial<CommitLimits> | undefined;
  /** Into how many buckets of rows a new versions table is parted. */
  readonly buckets?: number | undefined;
}

export interface SinkOptions {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly retention: Retention;
  readonly history: SinkSettings;
  /** Other runs may take over partitions of this one: who is overtaken goes on behind them. */
  readonly shared?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Another run may overtake this one again while it looks where to go on. */
const OVERTAKEN = 20;

export async function sinksFor(source: SourceSpec, options: SinkOptions, epoch = 0): Promise<readonly Sink[]> {
  const { online, offline } = options;
  return [
    ...(online === undefined ? [] : [await onlineSinkOf(source, onlineInEpoch(online, epoch), options)]),
    ...(offline === undefined ? [] : [await historySinkOf(source, offlineInEpoch(offline, historyTables(source).changes.name, epoch), options, epoch)]),
  ];
}

async function onlineSinkOf(source: SourceSpec, store: OnlineStore, options: SinkOptions): Promise<Sink> {
  const { namespace, clock, retention, views } = options;
  const positions = byPartition(await store.positions(source.name));
  const sink = await onlineSink({ store, namespace, layout: layoutFor(source, views), clock, retention });
  const reload = async (): Promise<void> => { advance(positions, await store.positions(source.name)); };
  return {
    name: store.name,
    positions,
    async take(changes, next) {
      for (let attempt = 1; ; attempt++) {
        const ahead = (partition: string, offset: number): boolean => offset > (positions.get(partition)?.offset ?? -1);
        const steps = next.filter(({ partition, offset }) => ahead(partition, offset))
          .map(({ partition, offset, mark }): PositionStep => ({ partition, expected: positions.get(partition)?.offset ?? null, next: offset, mark }));
        if (steps.length === 0) return true;
        try {
          await sink.apply(changes.filter((change) => ahead(`${change.topic}:${change.partition}`, change.offset)), steps);
          return true;
        } catch (error) {
          if (options.shared !== true || attempt === OVERTAKEN || !isTidemarkError(error, "ONLINE_STORE_FENCED")) throw error;
          await reload();
        }
      }
    },
    flush: async () => undefined,
    reload,
    finish: async () => undefined,
  };
}

async function historySinkOf(source: SourceSpec, offline: OfflineStore, options: SinkOptions, epoch: number): Promise<Sink> {
  const context = historyContext(offline, source);
  const stored = async (): Promise<readonly Position[]> => positionsIn(epoch, (await offline.state(context.tables.changes.name, { signal: options.signal }))?.positions ?? []);
  const positions = byPartition(await stored());
  const sink = historySink({
    ...context, clock: options.clock, limits: { ...DEFAULT_LIMITS, ...options.history.commit }, buckets: options.history.buckets, positions: [...positions.values()],
    overtaken: options.shared === true ? stored : undefined, signal: options.signal,
  });
  return {
    name: offline.name,
    positions,
    take: (changes, next) => sink.add(changes, next),
    flush: () => sink.flush(),
    async reload() {
      const now = await stored();
      sink.forget(now);
      advance(positions, now);
    },
    finish: () => sink.finish(),
  };
}

/** Positions only move forward, so what is read late never sets one back. */
function advance(positions: Map<string, Position>, now: readonly Position[]): void {
  for (const position of now) if (position.offset > (positions.get(position.partition)?.offset ?? -1)) positions.set(position.partition, position);
}

function byPartition(positions: readonly Position[]): Map<string, Position> {
  return new Map(positions.map((position) => [position.partition, position]));
}
