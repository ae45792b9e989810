/** Splits the batches of a log by source. */
import type { Change, ChangeBatch, Position } from "../spi.ts";
import { logOrderAssigner } from "../rows/log-order.ts";

/** The changes and positions of one batch of the log, by source. */
export interface SourceBatches {
  readonly bySource: ReadonlyMap<
    string,
    { readonly changes: readonly Change[]; readonly positions: readonly Position[] }
  >;
  /** The number of changes, and their estimated memory in bytes. */
  readonly changes: number;
  readonly bytes: number;
}

export interface SourceBatcher {
  split(batch: ChangeBatch): SourceBatches;
  /** Restarts the reading of these partitions, after these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
}

/**
 * Creates the batcher of one reader. `partitions` maps a partition to its source, and the batcher
 * adds entries from the changes.
 */
export function sourceBatcher(
  after: readonly Position[],
  partitions: Map<string, string>,
  check: (change: Change) => void,
): SourceBatcher {
  const logOrder = logOrderAssigner(after);
  return {
    restart: logOrder.restart,
    split(batch) {
      const bySource = new Map<
        string,
        { readonly changes: Change[]; readonly positions: Position[] }
      >();
      const batchOf = (
        source: string,
      ): { readonly changes: Change[]; readonly positions: Position[] } => {
        let batch = bySource.get(source);
        if (batch === undefined) bySource.set(source, (batch = { changes: [], positions: [] }));
        return batch;
      };
      let bytes = 0;
      for (const read of batch.changes) {
        const change = logOrder.withOrder(read);
        check(change);
        partitions.set(`${change.topic}:${change.partition}`, change.source);
        batchOf(change.source).changes.push(change);
        bytes += estimatedBytes(change);
      }
      for (const position of batch.positions) {
        const source = partitions.get(position.partition);
        if (source !== undefined)
          batchOf(source).positions.push(logOrder.toStoredPosition(position));
      }
      return { bySource, changes: batch.changes.length, bytes };
    },
  };
}

/** The estimated memory of a change, bytes. */
export function estimatedBytes(change: Change): number {
  let size = 200 + (change.extra?.length ?? 0);
  for (const value of change.values ?? [])
    size += typeof value === "string" || value instanceof Uint8Array ? value.length + 16 : 16;
  return size;
}
