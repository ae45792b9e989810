/** The log order of changes that have none of their own. */
import { TidemarkError } from "../errors.ts";
import type { Change, Position } from "../spi.ts";
import { partitionOf } from "./snapshot-generations.ts";
import { changeOfTombstone, deletedKey, type LastChange } from "./tombstones.ts";

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
    const partition = partitionOf(change);
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
 * Gives a change without an order the highest order before it in its partition. The commits that
 * changes were read after count too. The order is kept in the position's checkpoint, so that a run
 * that starts there goes on alike. A tombstone whose delete the log has lost becomes that delete.
 */
export function logOrderAssigner(after: readonly Position[]): LogOrderAssigner {
  const highest = new Map<string, bigint>();
  const last = new Map<string, LastChange>();
  const start = (positions: readonly Position[]): void => {
    for (const position of positions) {
      const { partition, checkpoint } = position;
      if (checkpoint?.highestOrder !== undefined)
        highest.set(partition, BigInt(checkpoint.highestOrder));
      last.set(partition, {
        offset: messageOffset(position),
        deleted: checkpoint?.deletedKey ?? null,
        isStored: true,
      });
    }
  };
  start(after);
  return {
    restart(partitions, positions) {
      for (const partition of partitions) {
        highest.delete(partition);
        last.delete(partition);
      }
      start(positions);
    },
    withOrder(read) {
      const partition = partitionOf(read);
      const before = highest.get(partition);
      const previous = last.get(partition);
      const change = read.tombstone === undefined ? read : changeOfTombstone(read, previous);
      last.set(partition, { offset: read.offset, deleted: deletedKey(read, previous) });
      if (change.order === null)
        return before === undefined ? change : { ...change, inheritedOrder: before };
      const reached = change.committedAfter ?? change.order;
      if (before === undefined || reached > before) highest.set(partition, reached);
      return change;
    },
    toStoredPosition(position) {
      const order = highest.get(position.partition);
      const { offset, deleted } = last.get(position.partition) ?? { offset: -1, deleted: null };
      const remembers = deleted !== null && offset === messageOffset(position);
      if (order === undefined && !remembers) return position;
      return {
        ...position,
        checkpoint: {
          ...position.checkpoint,
          ...(order === undefined ? {} : { highestOrder: String(order) }),
          ...(remembers ? { deletedKey: deleted } : {}),
        },
      };
    },
  };
}

/** The offset of the position's last message. Offsets without a message may follow it. */
function messageOffset({ offset, checkpoint }: Position): number {
  return checkpoint?.message?.offset ?? offset;
}
