/** What one reader of a log gives, parted by source. */
import type { Change, ChangeBatch, Position } from "../spi.ts";
import { placeKeeper } from "../rows/log-order.ts";

/** What one batch of the log says, by source. */
export interface Portion {
  readonly parts: ReadonlyMap<
    string,
    { readonly changes: readonly Change[]; readonly positions: readonly Position[] }
  >;
  /** About what it weighs in memory. */
  readonly changes: number;
  readonly bytes: number;
}

export interface Portioner {
  portionOf(batch: ChangeBatch): Portion;
  /** Reading starts again behind these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
}

/** `partitions` says of which source a partition is, and learns it from the changes. */
export function portioner(
  after: readonly Position[],
  partitions: Map<string, string>,
  check: (change: Change) => void,
): Portioner {
  const places = placeKeeper(after);
  return {
    restart: places.restart,
    portionOf(batch) {
      const parts = new Map<
        string,
        { readonly changes: Change[]; readonly positions: Position[] }
      >();
      const partOf = (
        source: string,
      ): { readonly changes: Change[]; readonly positions: Position[] } => {
        let part = parts.get(source);
        if (part === undefined) parts.set(source, (part = { changes: [], positions: [] }));
        return part;
      };
      let bytes = 0;
      for (const read of batch.changes) {
        const change = places.placed(read);
        check(change);
        partitions.set(`${change.topic}:${change.partition}`, change.source);
        partOf(change.source).changes.push(change);
        bytes += sizeOf(change);
      }
      for (const position of batch.positions) {
        const source = partitions.get(position.partition);
        if (source !== undefined) partOf(source).positions.push(places.forSinks(position));
      }
      return { parts, changes: batch.changes.length, bytes };
    },
  };
}

/** About what a change weighs in memory. */
export function sizeOf(change: Change): number {
  let size = 200 + (change.extra?.length ?? 0);
  for (const value of change.values ?? [])
    size += typeof value === "string" || value instanceof Uint8Array ? value.length + 16 : 16;
  return size;
}
