/**
 * Counts the rows of each partition, with their newest commit time and event time. The checkpoint
 * of a position holds the counts up to it, so that a status knows them without reading rows.
 */
import type { Change, Position, TakenRows } from "../spi.ts";
import { partitionOf } from "../rows/snapshot-generations.ts";

/** Counts what one reader takes. */
export interface TakenRowsCounter {
  add(change: Change): void;
  /** Restarts the named partitions after these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
  toStoredPosition(position: Position): Position;
}

const NOTHING: TakenRows = { rows: 0, absent: [], committed: null, event: null };

/**
 * Makes the counter of a reader that starts after these positions. `eventTimeIndex` gives the index
 * of the event time among the columns of a source; −1: it has none.
 */
export function takenRowsCounter(
  after: readonly Position[],
  eventTimeIndex: (source: string) => number,
): TakenRowsCounter {
  const counts = new Map<string, TakenRows>();
  const start = (positions: readonly Position[]): void => {
    for (const { partition, checkpoint } of positions)
      if (checkpoint?.taken !== undefined) counts.set(partition, checkpoint.taken);
  };
  start(after);
  return {
    restart(partitions, positions) {
      for (const partition of partitions) counts.delete(partition);
      start(positions);
    },
    add(change) {
      const { kind, values, committed } = change;
      if (kind === "none") return;
      const partition = partitionOf(change);
      const known = counts.get(partition) ?? NOTHING;
      const isRow = kind === "upsert" && change.undecodable === null;
      const index = isRow ? eventTimeIndex(change.source) : -1;
      const time = index < 0 ? null : values![index];
      counts.set(partition, {
        rows: known.rows + (isRow ? 1 : 0),
        absent: isRow ? stillAbsent(known, change) : known.absent,
        committed: later(known.committed, committed),
        event: later(known.event, typeof time === "number" ? time : null),
      });
    },
    toStoredPosition(position) {
      const taken = counts.get(position.partition);
      if (taken === undefined) return position;
      return { ...position, checkpoint: { ...position.checkpoint, taken } };
    },
  };
}

function stillAbsent({ rows, absent }: TakenRows, { absentColumns }: Change): readonly string[] {
  const now = absentColumns?.map(({ column }) => column) ?? [];
  if (rows === 0) return now;
  return absent.length === 0 ? absent : absent.filter((column) => now.includes(column));
}

/** The later of two times; null: neither is known. */
export function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
