/**
 * Reads the change log of a history again, up to a stated position. Partitions are read in their
 * order, generation after generation.
 */
import type { HistoryContext } from "./history-context.ts";
import type { Change, Metadata, Position, TableState } from "../spi.ts";
import {
  generationStateOf,
  offsetsOf,
  partitionKey,
  partitionKeyOf,
  type SnapshotSpan,
} from "../rows/snapshot-generations.ts";
import { readChangeLog } from "./change-log.ts";
import { estimatedBytes } from "../ingest/source-batches.ts";
import { offsetRanges, type OffsetRange } from "./offset-ranges.ts";

export interface ChangeLogReader {
  /** The number of changes. */
  readonly changes: number;
  /** Yields batches of changes, generation after generation. */
  batches(signal?: AbortSignal): AsyncIterable<ChangeLogBatch>;
}

/** Changes of one generation. */
export interface ChangeLogBatch {
  readonly changes: readonly Change[];
  /** The positions that the changes lead to. */
  readonly positions: readonly Position[];
  readonly generation: number;
  /** With the last batch of a generation: its snapshot, if it is complete. null: otherwise. */
  readonly snapshot: SnapshotSpan | null;
}

export interface ChangeLogReaderLimits {
  /** Changes in memory at once. */
  readonly rangeRows: number;
  readonly rangeBytes: number;
  /** Changes in a batch. */
  readonly batchRows: number;
}

const LIMITS: ChangeLogReaderLimits = {
  rangeRows: 50_000,
  rangeBytes: 64 * 2 ** 20,
  batchRows: 5_000,
};

/**
 * Opens the changes of the log after what a store has taken; null: none.
 *
 * `log`: the version to read; reading ends at its positions.
 */
export async function changeLogReader(
  { offline, source, tables }: HistoryContext,
  log: TableState,
  after: { readonly positions: readonly Position[]; readonly metadata: Metadata },
  options: {
    readonly limits?: Partial<ChangeLogReaderLimits> | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ChangeLogReader | null> {
  const { rangeRows, rangeBytes, batchRows } = { ...LIMITS, ...options.limits };
  const { version, columns } = log;
  const reached = offsetsOf(after.positions);
  const targets = new Map(
    log.positions
      .map((position) => [partitionKey(position), position] as const)
      .filter(([partition, { offset }]) => offset > (reached.get(partition) ?? -1)),
  );
  const generations = generationsToRead(log, after.metadata, [...targets.values()]);
  if (generations.length === 0) return null;
  const isAhead = (partition: string, offset: number): boolean =>
    offset > (reached.get(partition) ?? -1) && offset <= (targets.get(partition)?.offset ?? -1);

  const steps: {
    readonly generation: number;
    readonly snapshot: SnapshotSpan | null;
    readonly targets: readonly Position[];
    readonly wanted: (partition: string, offset: number) => boolean;
    readonly ranges: readonly OffsetRange[];
  }[] = [];
  let rows = 0;
  for (const { generation, snapshot, targets: group } of generations) {
    const partitions = new Set(group.map(partitionKey));
    const wanted = (partition: string, offset: number): boolean =>
      partitions.has(partition) && isAhead(partition, offset);
    const found =
      group.length === 0
        ? { ranges: [], rows: 0 }
        : await offsetRanges(offline, tables.changes.name, {
            version,
            columns,
            fromOffset: Math.min(
              ...[...partitions].map((partition) => (reached.get(partition) ?? -1) + 1),
            ),
            rows: rangeRows,
            signal: options.signal,
            wanted,
          });
    rows += found.rows;
    steps.push({ generation, snapshot, targets: group, wanted, ranges: found.ranges });
  }

  async function* batches(signal?: AbortSignal): ReturnType<ChangeLogReader["batches"]> {
    // a change without a log order inherits the highest order before it, which the checkpoint
    // carries
    const highest = new Map(
      after.positions.map((position) => [
        partitionKey(position),
        position.checkpoint?.highestOrder,
      ]),
    );
    const positionAt = (key: string, offset: number): Position => {
      const { checkpoint: _, ...target } = targets.get(key)!;
      if (target.offset === offset) return targets.get(key)!;
      const highestOrder = highest.get(key);
      return {
        ...target,
        offset,
        ...(highestOrder === undefined ? {} : { checkpoint: { highestOrder } }),
      };
    };
    for (const { generation, snapshot, targets: group, wanted, ranges } of steps) {
      const waiting: OffsetRange[] = ranges.toReversed();
      for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
        const { changes, to } = await readRange(range, wanted, signal);
        if (to < range.to) waiting.push({ from: to + 1, to: range.to });
        for (let i = 0; i < changes.length; i += batchRows) {
          const batch = changes.slice(i, i + batchRows);
          const ends = new Map<string, number>();
          for (const change of batch) {
            const partition = partitionKeyOf(change);
            ends.set(partition, change.offset);
            if (change.order !== null && change.order > BigInt(highest.get(partition) ?? "0"))
              highest.set(partition, String(change.order));
          }
          yield {
            changes: batch,
            positions: [...ends].map(([partition, offset]) => positionAt(partition, offset)),
            generation,
            snapshot: null,
          };
        }
      }
      // a position may lie after the last change: the offsets between hold no message, or messages
      // of undeclared sources
      yield { changes: [], positions: group, generation, snapshot };
    }
  }

  return { changes: rows, batches };

  /**
   * Reads the changes of a range in offset order. If they need too much memory, the result is only
   * the first part of the range.
   */
  async function readRange(
    { from, to: end }: OffsetRange,
    wanted: (partition: string, offset: number) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly changes: readonly Change[]; readonly to: number }> {
    let to = end;
    let changes: Change[] = [];
    let bytes = 0;
    const isHere = (partition: string, offset: number): boolean =>
      offset >= from && offset <= to && wanted(partition, offset);
    for await (const change of readChangeLog(offline, tables, source, {
      version,
      transaction: source.push === true,
      fromOffset: from,
      toOffset: to,
      signal,
      wanted: isHere,
    })) {
      changes.push(change);
      bytes += estimatedBytes(change);
      if (bytes < rangeBytes) continue;
      const middle = changes.map(({ offset }) => offset).sort((a, b) => a - b)[
        changes.length >>> 1
      ]!;
      if (middle >= to) continue;
      to = middle;
      changes = changes.filter(({ offset }) => offset <= to);
      bytes = changes.reduce((sum, one) => sum + estimatedBytes(one), 0);
    }
    return {
      changes: changes.sort(
        (a, b) => a.offset - b.offset || a.partition - b.partition || (a.topic < b.topic ? -1 : 1),
      ),
      to,
    };
  }
}

/**
 * The generations of which the store lacks changes, the beginning, or the snapshot's end, in their
 * order.
 */
function generationsToRead(
  log: TableState,
  metadata: Metadata,
  targets: readonly Position[],
): readonly {
  readonly generation: number;
  readonly snapshot: SnapshotSpan | null;
  readonly targets: readonly Position[];
}[] {
  const { snapshots } = generationStateOf(log.metadata);
  const known = generationStateOf(metadata).snapshots;
  return [null, ...snapshots].flatMap((snapshot, generation) => {
    const missing = known[generation - 1] == null ? snapshot : null;
    const begins = generation > known.length;
    const group = targets.filter((position) => (position.generation ?? 0) === generation);
    return group.length === 0 && !begins && missing === null
      ? []
      : [{ generation, snapshot: missing, targets: group }];
  });
}
