/** What one reader of a log gives, parted by source. */
import type { Change, ChangeBatch, Position } from "../spi.ts";
import { logOrderAssigner } from "../rows/log-order.ts";

/** What one batch of the log says, by source. */
export interface SourceBatches {
  readonly bySource: ReadonlyMap<
    string,
    { readonly changes: readonly Change[]; readonly positions: readonly Position[] }
  >;
  /** About what it weighs in memory. */
  readonly changes: number;
  readonly bytes: number;
}

export interface SourceBatcher {
  split(batch: ChangeBatch): SourceBatches;
  /** Reading starts again behind these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
}

/** `partitions` says of which source a partition is, and learns it from the changes. */
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

/** About what a change weighs in memory. */
export function estimatedBytes(change: Change): number {
  let size = 200 + (change.extra?.length ?? 0);
  for (const value of change.values ?? [])
    size += typeof value === "string" || value instanceof Uint8Array ? value.length + 16 : 16;
  return size;
}
