/** The sinks of each store: the online store and the history, whichever there are. */
import { isTidemarkError } from "../errors.ts";
import { historySink, DEFAULT_LIMITS, type CommitLimits } from "../offline/change-log-writer.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import type { Retention } from "../online/retention.ts";
import { onlineSink } from "../online/online-writer.ts";
import { onlineUpkeep } from "../online/maintenance.ts";
import type { Sink, StoreSinks } from "../ingest/source-writer.ts";
import { layoutFor } from "../online/source-state.ts";
import { positionsIn } from "../rows/snapshot-generations.ts";
import { offlineStanding, onlineStanding } from "./generation-stores.ts";
import { historyContext } from "../offline/offline-reader.ts";

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
  /**
   * Every source of the store: the horizons of those that a run does not feed move with the clock
   * too. The run's own without it.
   */
  readonly tended?: readonly SourceSpec[] | undefined;
}

/** Another run may overtake this one again while it looks where to go on. */
const OVERTAKEN = 20;

/** `epochs`: by source; 0 without one. */
export function storeSinks(
  sources: readonly SourceSpec[],
  options: SinkOptions,
  epochs: ReadonlyMap<string, number> = new Map(),
): readonly StoreSinks[] {
  const { online, offline, namespace, views, clock, retention } = options;
  const epochOf = (source: SourceSpec): number => epochs.get(source.name) ?? 0;
  const each = async (
    sinkOf: (source: SourceSpec) => Promise<Sink>,
  ): Promise<ReadonlyMap<string, Sink>> => {
    const sinks = new Map<string, Sink>();
    for (const source of sources) sinks.set(source.name, await sinkOf(source));
    return sinks;
  };
  return [
    ...(online === undefined
      ? []
      : [
          {
            role: "online" as const,
            name: online.name,
            open: () =>
              each(async (source) =>
                onlineSinkOf(
                  source,
                  await onlineStanding(online, source, epochOf(source)),
                  options,
                ),
              ),
            upkeep: onlineUpkeep({
              store: online,
              namespace,
              sources: options.tended ?? sources,
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
              each(async (source) =>
                historySinkOf(
                  source,
                  await offlineStanding(offline, source, epochOf(source), signal),
                  options,
                  epochOf(source),
                  signal,
                ),
              ),
          },
        ]),
  ];
}

async function onlineSinkOf(
  source: SourceSpec,
  store: OnlineStore,
  options: SinkOptions,
): Promise<Sink> {
  const { namespace, clock, retention, views } = options;
  const positions = byPartition(await store.positions(source.name));
  const sink = await onlineSink({
    store,
    namespace,
    layout: layoutFor(source, views),
    clock,
    retention,
  });
  const reload = async (): Promise<void> => {
    advance(positions, await store.positions(source.name));
  };
  /** A write of ours failed and may still be done late: who moved the position may be us. */
  let brokeOff = false;
  return {
    positions,
    async take(changes, next) {
      for (let attempt = 1; ; attempt++) {
        const ahead = aheadOf(positions);
        const reached = next.filter(({ partition, offset }) => ahead(partition, offset));
        const steps = reached.map(({ partition, offset, mark }): PositionStep => ({
          partition,
          expected: positions.get(partition)?.offset ?? null,
          next: offset,
          mark,
        }));
        if (steps.length === 0) return true;
        try {
          await sink.apply(
            changes.filter((change) => ahead(`${change.topic}:${change.partition}`, change.offset)),
            steps,
          );
          advance(positions, reached);
          brokeOff = false;
          return true;
        } catch (error) {
          const fenced = isTidemarkError(error, "ONLINE_STORE_FENCED");
          if (!fenced) brokeOff = true;
          if (!fenced || attempt === OVERTAKEN || (options.shared !== true && !brokeOff))
            throw error;
          await reload();
        }
      }
    },
    dueIn: () => Infinity,
    commitWhenDue: async () => true,
    flush: async () => undefined,
    reload,
    finish: async () => undefined,
  };
}

async function historySinkOf(
  source: SourceSpec,
  offline: OfflineStore,
  options: SinkOptions,
  epoch: number,
  signal: AbortSignal,
): Promise<Sink> {
  const context = historyContext(offline, source);
  const stored = async (): Promise<readonly Position[]> =>
    positionsIn(
      epoch,
      (await offline.state(context.tables.changes.name, { signal }))?.positions ?? [],
    );
  const positions = byPartition(await stored());
  const sink = historySink({
    ...context,
    clock: options.clock,
    limits: { ...DEFAULT_LIMITS, ...options.history.commit },
    buckets: options.history.buckets,
    positions: [...positions.values()],
    stored,
    shared: options.shared === true,
    signal,
  });
  return {
    positions,
    async take(changes, next) {
      const ahead = aheadOf(positions);
      const reached = next.filter(({ partition, offset }) => ahead(partition, offset));
      if (reached.length > 0)
        sink.gather(
          changes.filter((change) => ahead(`${change.topic}:${change.partition}`, change.offset)),
          reached,
        );
      advance(positions, reached);
      return sink.commitWhenDue();
    },
    dueIn: () => sink.dueIn(),
    commitWhenDue: () => sink.commitWhenDue(),
    flush: () => sink.flush(),
    async reload() {
      const now = await stored();
      sink.forget(now);
      advance(positions, now);
    },
    finish: () => sink.finish(),
  };
}

function aheadOf(
  positions: ReadonlyMap<string, Position>,
): (partition: string, offset: number) => boolean {
  return (partition, offset) => offset > (positions.get(partition)?.offset ?? -1);
}

/** Positions only move forward, so what is read late never sets one back. */
function advance(positions: Map<string, Position>, now: readonly Position[]): void {
  for (const position of now)
    if (position.offset > (positions.get(position.partition)?.offset ?? -1))
      positions.set(position.partition, position);
}

function byPartition(positions: readonly Position[]): Map<string, Position> {
  return new Map(positions.map((position) => [position.partition, position]));
}
