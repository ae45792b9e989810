/** The sinks of one source: the online store and the history, whichever there are. */
import { historySink, DEFAULT_LIMITS, type CommitLimits } from "../history/history-sink.ts";
import type { SourceSpec, ViewSpec } from "../model.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import type { Retention } from "../stream/online-retention.ts";
import { onlineSink } from "../stream/online-sink.ts";
import type { Sink } from "../stream/runner.ts";
import { layoutFor } from "../stream/source-state.ts";
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
  readonly signal?: AbortSignal | undefined;
}

export async function sinksFor(source: SourceSpec, options: SinkOptions): Promise<readonly Sink[]> {
  const { online, offline } = options;
  return [...(online === undefined ? [] : [await onlineSinkOf(source, online, options)]), ...(offline === undefined ? [] : [await historySinkOf(source, offline, options)])];
}

async function onlineSinkOf(source: SourceSpec, store: OnlineStore, options: SinkOptions): Promise<Sink> {
  const { namespace, clock, retention, views } = options;
  const positions = byPartition(await store.positions(source.name));
  const sink = await onlineSink({ store, namespace, layout: layoutFor(source, views), clock, retention });
  return {
    name: store.name,
    positions,
    async take(changes, next) {
      await sink.apply(changes, next.map(({ partition, offset, mark }): PositionStep => ({ partition, expected: positions.get(partition)?.offset ?? null, next: offset, mark })));
      return true;
    },
    flush: async () => undefined,
    finish: async () => undefined,
  };
}

async function historySinkOf(source: SourceSpec, offline: OfflineStore, options: SinkOptions): Promise<Sink> {
  const context = historyContext(offline, source);
  const state = await offline.state(context.tables.changes.name, { signal: options.signal });
  const positions = byPartition(state?.positions ?? []);
  const sink = historySink({
    ...context, clock: options.clock, limits: { ...DEFAULT_LIMITS, ...options.history.commit }, buckets: options.history.buckets, positions: [...positions.values()], signal: options.signal,
  });
  return { name: offline.name, positions, take: (changes, next) => sink.add(changes, next), flush: () => sink.flush(), finish: () => sink.finish() };
}

function byPartition(positions: readonly Position[]): Map<string, Position> {
  return new Map(positions.map((position) => [position.partition, position]));
}
