/**
 * Gives changes without an order their log order (law 5: an incremental-snapshot row has no LSN).
 */
import { TidemarkError } from "../errors.ts";
import type { Change, Position } from "../spi.ts";

/**
 * Checks that offsets can order the changes of a source without orders.
 * The offsets of two partitions cannot be compared (law 5: a table without LSNs has one partition).
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
          "their order is unknown. Use one partition for the table, " +
          "or a connector that writes LSNs",
      );
    }
  };
}

/** Assigns orders to the changes of one reader. */
export interface LogOrderAssigner {
  /** Restarts the named partitions after these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
  withOrder(change: Change): Change;
  toStoredPosition(position: Position): Position;
}

/**
 * Gives a change without an order the highest order that its partition held before (law 5).
 * That order travels with the partition's position, in its checkpoint. So a run that starts there
 * assigns the same orders.
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

/** A stored position in the form in which the source gave it. */
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
