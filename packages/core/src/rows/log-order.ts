/**
 * What one reader of a log knows of the changes it passes: the place of those without an LSN (law
 * 5).
 */
import { TidemarkError } from "../errors.ts";
import type { Change, Position } from "../spi.ts";

/**
 * Law 5: without LSNs the offset orders the changes, and offsets of two partitions say nothing of
 * each other.
 */
export function logOrderCheck(): (change: Change) => void {
  const unordered = new Map<string, string>();
  return (change) => {
    if (
      change.order !== null ||
      change.inheritedOrder !== undefined ||
      change.kind === "none" ||
      change.undecodable !== null
    )
      return;
    const partition = `${change.topic}:${change.partition}`;
    const known = unordered.get(change.source);
    if (known === undefined) unordered.set(change.source, partition);
    else if (known !== partition) {
      throw new TidemarkError(
        "ORDER_MISSING",
        `source "${change.source}": changes without LSN in ${known} and in ${partition}: ` +
          "their order is unknown. Use one partition for the table, or a connector that writes " +
          "LSNs",
      );
    }
  };
}

export interface LogOrderAssigner {
  /** Reading starts again behind these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
  withOrder(change: Change): Change;
  toStoredPosition(position: Position): Position;
}

/**
 * Gives a change without LSN the place of what its partition held before (law 5). The highest LSN
 * of a partition travels with its position, in the mark, so that a run that starts there goes on
 * alike.
 */
export function logOrderAssigner(after: readonly Position[]): LogOrderAssigner {
  const highest = new Map<string, bigint>();
  const start = (positions: readonly Position[]): void => {
    for (const { partition, checkpoint } of positions) {
      const { lsn } = unpackCheckpoint(checkpoint);
      if (lsn !== null) highest.set(partition, lsn);
    }
  };
  start(after);
  return {
    restart(partitions, positions) {
      for (const partition of partitions) highest.delete(partition);
      start(positions);
    },
    withOrder(change) {
      const partition = `${change.topic}:${change.partition}`;
      const before = highest.get(partition);
      if (change.order === null)
        return before === undefined ? change : { ...change, inheritedOrder: before };
      if (before === undefined || change.order > before) highest.set(partition, change.order);
      return change;
    },
    toStoredPosition: (position) => ({
      ...position,
      checkpoint: `${highest.get(position.partition) ?? ""} ${position.checkpoint ?? ""}`,
    }),
  };
}

/** A sink's position as the source gave it. */
export function toSourcePosition(position: Position): Position {
  return { ...position, checkpoint: unpackCheckpoint(position.checkpoint).checkpoint };
}

function unpackCheckpoint(packed: string | undefined): {
  readonly lsn: bigint | null;
  readonly checkpoint: string | undefined;
} {
  if (packed === undefined) return { lsn: null, checkpoint: undefined };
  const space = packed.indexOf(" ");
  const lsn = packed.slice(0, space);
  const checkpoint = packed.slice(space + 1);
  return {
    lsn: lsn === "" ? null : BigInt(lsn),
    checkpoint: checkpoint === "" ? undefined : checkpoint,
  };
}
