/**
 * A change source in the current snapshot generations of its sources. Each change carries its
 * generation. The snapshots that begin the generations are watched.
 */
import { TidemarkError } from "../errors.ts";
import type { Change, ChangeBatch, ChangeSource, Position } from "../spi.ts";
import { ORDER_LIMIT, type SnapshotSpan } from "../rows/snapshot-generations.ts";
import { isRetried } from "../rows/retried.ts";
import { SnapshotWatch } from "../ingest/snapshot-watch.ts";

export interface SourceGeneration {
  readonly generation: number;
  /** The snapshot that begins the generation is not complete yet. */
  readonly unfinished: boolean;
}

export interface GenerationSource extends ChangeSource {
  /**
   * The snapshot of a source whose last row was read before the run began; null otherwise. The run
   * asks the log for its end after that row. So the run has read the whole snapshot when it ends. A
   * log may hold older snapshots, and a killed run may have stopped between two. Null also where
   * this run has met a newer snapshot.
   */
  snapshotBeforeRun(source: string): SnapshotSpan | null;
  /** The snapshot of a source, once its last row has been read; null before. */
  completedSnapshot(source: string): SnapshotSpan | null;
  /** The span from the beginning of the log to the last snapshot row that was read. */
  wholeLogSnapshot(source: string, now: number): SnapshotSpan;
}

/** Wraps a change source; `generations` is by source name. */
export function generationSource(
  from: ChangeSource,
  generations: ReadonlyMap<string, SourceGeneration>,
): GenerationSource {
  const unfinished = [...generations].flatMap(([source, one]) => (one.unfinished ? [source] : []));
  /** The state of each reading of the log. A run may read the log more than once. */
  const readings: {
    readonly before: ReadonlyMap<string, SnapshotSpan | null>;
    readonly watches: ReadonlyMap<string, SnapshotWatch>;
  }[] = [];

  const withGeneration = (change: Change): Change => {
    const generation = generations.get(change.source)?.generation ?? 0;
    if (generation === 0) return change;
    if (change.order !== null && change.order >= ORDER_LIMIT) {
      throw new TidemarkError(
        "ORDER_TOO_LARGE",
        `source "${change.source}": ${change.topic}:${change.partition} offset ` +
          `${change.offset} has LSN ${change.order}; after a resnapshot LSNs are below ` +
          `${ORDER_LIMIT}: begin with new stores, and keep the old history for its training sets`,
      );
    }
    return { ...change, generation };
  };
  const largest = (
    spans: readonly (SnapshotSpan | null | undefined)[],
    by: (span: SnapshotSpan) => bigint,
  ): SnapshotSpan | null =>
    spans.reduce<SnapshotSpan | null>(
      (most, one) => (one != null && (most === null || by(one) > by(most)) ? one : most),
      null,
    );

  return {
    name: from.name,
    shared: from.shared,
    bounded: from.bounded,
    unreadable: from.unreadable,
    ...(from.owns === undefined ? {} : { owns: (partition: string) => from.owns!(partition) }),
    ...(from.lag === undefined ? {} : { lag: () => from.lag!() }),
    ...(from.ends === undefined
      ? {}
      : {
          ends: (options: Parameters<NonNullable<ChangeSource["ends"]>>[0]) => from.ends!(options),
        }),
    ...(from.ack === undefined
      ? {}
      : { ack: (positions: readonly Position[]) => from.ack!(positions) }),
    ...(from.size === undefined
      ? {}
      : {
          size: (options: Parameters<NonNullable<ChangeSource["size"]>>[0]) => from.size!(options),
        }),

    async *changes(options): AsyncIterable<ChangeBatch> {
      const watches = new Map(unfinished.map((source) => [source, new SnapshotWatch(source)]));
      const byPartition = new Map<string, SnapshotWatch>();
      const startWatches = (positions: readonly Position[]): readonly Position[] =>
        positions.map((position) => {
          const progress = position.checkpoint?.snapshot;
          const watch = progress === undefined ? undefined : watches.get(progress.source);
          if (watch !== undefined) {
            byPartition.set(position.partition, watch);
            watch.start(position.partition, progress!);
          }
          return position;
        });
      // A retry wrote its changes at places that are not in the log.
      const after = startWatches(options.after.filter(({ partition }) => !isRetried(partition)));
      readings.push({
        before: new Map([...watches].map(([source, watch]) => [source, watch.completedSpan()])),
        watches,
      });
      const positions = options.positions;
      const repositioned =
        positions === undefined
          ? undefined
          : async (partitions: readonly string[]): Promise<readonly Position[]> => {
              for (const partition of partitions)
                byPartition.get(partition)?.start(partition, null);
              return startWatches(await positions(partitions));
            };
      for await (const batch of from.changes({ ...options, after, positions: repositioned })) {
        const changes = batch.changes.map((read) => {
          const watch = watches.get(read.source);
          if (watch !== undefined) {
            watch.observe(read);
            byPartition.set(`${read.topic}:${read.partition}`, watch);
          }
          return withGeneration(read);
        });
        yield {
          ...batch,
          changes,
          positions: batch.positions.map((position) => ({
            ...position,
            checkpoint:
              byPartition
                .get(position.partition)
                ?.withProgress(position.partition, position.checkpoint) ?? position.checkpoint,
          })),
        };
      }
    },

    snapshotBeforeRun(source) {
      const told = readings[0]?.before.get(source) ?? null;
      return told !== null &&
        readings.some(({ watches }) => (watches.get(source)?.newest() ?? told.start) > told.start)
        ? null
        : told;
    },
    completedSnapshot: (source) =>
      largest(
        readings.map(({ watches }) => watches.get(source)?.completedSpan()),
        ({ start }) => start,
      ),
    wholeLogSnapshot: (source, now) =>
      largest(
        readings.map(({ watches }) => watches.get(source)?.fullSpan(now)),
        ({ end }) => end,
      ) ?? { start: 0n, end: 0n, committed: now },
  };
}
