/**
 * Epochs of a source. When its log has lost changes, or its database was set back, a new epoch
 * begins with a new snapshot. The epoch comes first in the order of changes, so LSNs and offsets
 * may begin again; rows of earlier epochs that the snapshot did not bring are gone from its end on.
 */
import type { Change, Position } from "../spi.ts";

/**
 * Places of an epoch lie above those of the epochs before it: an LSN has 56 bits, and 7 are left
 * for the epoch.
 */
const BITS = 56n;
export const MOST_EPOCHS = 126;
/** The first LSN that has no place. */
export const LSN_LIMIT: bigint = 1n << BITS;

export function placeInEpoch(epoch: number, place: bigint): bigint {
  return epoch === 0 ? place : (BigInt(epoch) << BITS) + place;
}

export function epochOf(place: bigint): number {
  return place < LSN_LIMIT ? 0 : Number(place >> BITS);
}

const BEGUN = "~begun:";
const COMPLETE = "~complete";

/**
 * How a store names a partition of an epoch: offsets of another epoch are of another log. The names
 * of epoch 0 are those of the log.
 */
export function nameInEpoch(epoch: number, partition: string): string {
  return epoch === 0 || partition.startsWith("~") ? partition : `~${epoch}/${partition}`;
}

/** The position of a change as a store names it. */
export function positionName({
  epoch = 0,
  topic,
  partition,
}: Pick<Change, "epoch" | "topic" | "partition">): string {
  return nameInEpoch(epoch, `${topic}:${partition}`);
}

/** The positions of one epoch, under the names of the log. */
export function positionsIn(epoch: number, positions: readonly Position[]): readonly Position[] {
  const prefix = `~${epoch}/`;
  return positions.flatMap((position) => {
    if (epoch === 0) return position.partition.startsWith("~") ? [] : [position];
    return position.partition.startsWith(prefix)
      ? [{ ...position, partition: position.partition.slice(prefix.length) }]
      : [];
  });
}

/** The epoch of a position, by the name that a store has for it. */
export function epochOfPosition(partition: string): number {
  return Number(/^~(?:begun:|complete:)?(\d+)(?:\/|$)/.exec(partition)?.[1] ?? 0);
}

/** Whether a position says that an epoch was begun. */
export function isBeginning(partition: string): boolean {
  return partition.startsWith(BEGUN);
}

/** Whether a position says that the snapshot of an epoch is complete. */
export function isCompletion(partition: string): boolean {
  return partition.startsWith(`${COMPLETE}:`);
}

/**
 * Where the new snapshot lies in the order of its epoch, without the epoch itself: rows it brought
 * have places from `start` to `end`.
 */
export interface SnapshotSpan {
  readonly start: bigint;
  readonly end: bigint;
  /** Commit time from which on it is known what did not come again, µs. */
  readonly committed: number;
}

/**
 * What a store says of the epochs of a source. It lies among the positions, so that it moves by
 * compare-and-set like them.
 */
export interface EpochState {
  /** The newest that was begun; 0: there was never another. */
  readonly epoch: number;
  /** The snapshot of the newest epoch, once it is complete; null: it is not, or there is none. */
  readonly snapshot: SnapshotSpan | null;
}

export function epochStateOf(positions: readonly Position[]): EpochState {
  const begun = positions
    .filter(({ partition }) => partition.startsWith(BEGUN))
    .map(({ partition }) => Number(partition.slice(BEGUN.length)));
  const epoch = Math.max(0, ...begun);
  const mark = positions.find(({ partition }) => partition === `${COMPLETE}:${epoch}`)?.mark;
  if (mark === undefined) return { epoch, snapshot: null };
  const [start, end, committed] = mark.split(" ");
  return {
    epoch,
    snapshot: { start: BigInt(start!), end: BigInt(end!), committed: Number(committed) },
  };
}

export function isUnfinished({ epoch, snapshot }: EpochState): boolean {
  return epoch > 0 && snapshot === null;
}

/** The step that begins an epoch in a store. */
export function beginning(epoch: number) {
  return { partition: `${BEGUN}${epoch}`, expected: null, next: 1 };
}

/**
 * The change that ends the snapshot of an epoch, and the position that says that it is in: it goes
 * through the sinks as any other.
 */
export function snapshotEnd(
  source: string,
  epoch: number,
  { start, end, committed }: SnapshotSpan,
): { readonly change: Change; readonly position: Position } {
  const where = { topic: COMPLETE, partition: epoch, offset: 1 };
  return {
    change: {
      ...where,
      source,
      epoch,
      kind: "snapshot-end",
      values: null,
      oldKey: null,
      unavailable: [],
      unreadable: [],
      broken: null,
      nonFinite: 0,
      lsn: start,
      place: end,
      committed,
      snapshot: true,
      op: null,
      timestamp: null,
      transaction: null,
      extra: null,
    },
    position: {
      partition: `${COMPLETE}:${epoch}`,
      offset: 1,
      mark: `${start} ${end} ${committed}`,
    },
  };
}
