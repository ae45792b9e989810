/**
 * Where the log must begin for a store that has nothing of a partition. Such a store reads the
 * partition from the log's beginning. If another store had more of it, a log that has lost its
 * beginning would leave the store with less. So the reader goes on from an assumed position, and
 * the change source finds the loss (law 5: what the log has lost is a named error).
 */
import { isRetryable } from "../errors.ts";
import { valueAt } from "../columns/batch.ts";
import { historyTables } from "../offline/history-tables.ts";
import { lostPositions } from "../pairing/history-link.ts";
import { withinTimeout } from "../pairing/within-timeout.ts";
import { partitionOf, positionsOfGeneration } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";

/** The store that may have had more, and what the store to be filled has. */
export interface AssumedOptions {
  readonly generation: number;
  readonly stored: readonly Position[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * The positions before the first change that the history has, for partitions of which the online
 * store has nothing. Empty if the history does not answer soon.
 */
export async function assumedOnlinePositions(
  source: SourceSpec,
  offline: OfflineStore | undefined,
  { generation, stored, signal }: AssumedOptions,
): Promise<readonly Position[]> {
  if (offline === undefined) return [];
  const table = historyTables(source).changes.name;
  try {
    const log = await withinTimeout(offline.state(table, { signal }));
    if (log === null) return [];
    const there = new Set(stored.map(({ partition }) => partition));
    const missing = new Set(
      positionsOfGeneration(generation, log.positions)
        .map(({ partition }) => partition)
        .filter((partition) => !there.has(partition)),
    );
    if (missing.size === 0) return [];
    const first = new Map<string, number>();
    for await (const { length, vectors } of offline.scan(table, {
      columns: ["_topic", "_partition", "_offset", "_generation"],
      version: log.version,
      signal,
    }))
      for (let i = 0; i < length; i++) {
        const [topic, partition, offset, inGeneration] = vectors.map((one) => valueAt(one, i));
        if ((inGeneration ?? 0) !== generation) continue;
        const key = partitionOf({ topic: topic as string, partition: partition as number });
        if (missing.has(key))
          first.set(key, Math.min(Number(offset), first.get(key) ?? Number(offset)));
      }
    return [...first].map(([partition, offset]) => ({ partition, offset: offset - 1 }));
  } catch (error) {
    if (isRetryable(error)) return [];
    throw error;
  }
}

/**
 * The positions before the beginning of the log, for partitions that a lost history had. Empty if
 * the online store does not answer.
 */
export async function assumedHistoryPositions(
  source: SourceSpec,
  online: OnlineStore | undefined,
  { generation, stored }: AssumedOptions,
): Promise<readonly Position[]> {
  if (online === undefined || stored.length > 0) return [];
  try {
    return positionsOfGeneration(generation, lostPositions(await online.metadata(source.name))).map(
      ({ partition }) => ({ partition, offset: -1 }),
    );
  } catch (error) {
    if (isRetryable(error)) return [];
    throw error;
  }
}
