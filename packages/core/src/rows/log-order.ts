/** The log order of changes that have none of their own. */
import { TidemarkError } from "../errors.ts";
import type { Change, Position } from "../spi.ts";

/**
 * Checks that changes without an order are in one partition of their source: offsets of two
 * partitions cannot be compared (law 5: a table without log orders must have one partition).
 *
 * @throws ORDER_MISSING when a second partition holds such changes.
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
        `source "${change.source}": changes without a log order in ${known} and in ` +
          `${partition}: which came first is unknown. Use one partition for the table, or a ` +
          "connector that writes log positions (LSNs of PostgreSQL)",
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
 * Gives a change without an order the highest order before it in its partition. That order is kept
 * in the position's checkpoint, so that a run that starts there goes on alike.
 */
export function logOrderAssigner(after: readonly Position[]): LogOrderAssigner {
  const highest = new Map<string, bigint>();
  const start = (positions: readonly Position[]): void => {
    for (const { partition, checkpoint } of positions)
      if (checkpoint?.highestOrder !== undefined)
        highest.set(partition, BigInt(checkpoint.highestOrder));
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
    toStoredPosition(position) {
      const order = highest.get(position.partition);
      if (order === undefined) return position;
      return { ...position, checkpoint: { ...position.checkpoint, highestOrder: String(order) } };
    },
  };
}
