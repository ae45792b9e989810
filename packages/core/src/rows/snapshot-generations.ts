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
const ORDER_BITS = 56n;
export const MAX_GENERATIONS = 126;
/** The first LSN that has no place. */
export const ORDER_LIMIT: bigint = 1n << ORDER_BITS;

export function orderInGeneration(generation: number, order: bigint): bigint {
  return generation === 0 ? order : (BigInt(generation) << ORDER_BITS) + order;
}

export function generationOf(order: bigint): number {
  return order < ORDER_LIMIT ? 0 : Number(order >> ORDER_BITS);
}

const BEGIN_MARKER = "~begun:";
const COMPLETE_MARKER = "~complete";

/**
 * How a store names a partition of an epoch: offsets of another epoch are of another log. The names
 * of epoch 0 are those of the log.
 */
export function storedPartitionName(generation: number, partition: string): string {
  return generation === 0 || partition.startsWith("~") ? partition : `~${generation}/${partition}`;
}

/** The position of a change as a store names it. */
export function storedPartitionOf({
  generation = 0,
  topic,
  partition,
}: Pick<Change, "generation" | "topic" | "partition">): string {
  return storedPartitionName(generation, `${topic}:${partition}`);
}

/** The positions of one epoch, under the names of the log. */
export function positionsOfGeneration(
  generation: number,
  positions: readonly Position[],
): readonly Position[] {
  const prefix = `~${generation}/`;
  return positions.flatMap((position) => {
    if (generation === 0) return position.partition.startsWith("~") ? [] : [position];
    return position.partition.startsWith(prefix)
      ? [{ ...position, partition: position.partition.slice(prefix.length) }]
      : [];
  });
}

/** The epoch of a position, by the name that a store has for it. */
export function generationOfPosition(partition: string): number {
  return Number(/^~(?:begun:|complete:)?(\d+)(?:\/|$)/.exec(partition)?.[1] ?? 0);
}

/** Whether a position says that an epoch was begun. */
export function isBeginMarker(partition: string): boolean {
  return partition.startsWith(BEGIN_MARKER);
}

/** Whether a position says that the snapshot of an epoch is complete. */
export function isCompleteMarker(partition: string): boolean {
  return partition.startsWith(`${COMPLETE_MARKER}:`);
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
export interface GenerationState {
  /** The newest that was begun; 0: there was never another. */
  readonly generation: number;
  /** The snapshot of the newest epoch, once it is complete; null: it is not, or there is none. */
  readonly snapshot: SnapshotSpan | null;
}

export function generationStateOf(positions: readonly Position[]): GenerationState {
  const begun = positions
    .filter(({ partition }) => partition.startsWith(BEGIN_MARKER))
    .map(({ partition }) => Number(partition.slice(BEGIN_MARKER.length)));
  const generation = Math.max(0, ...begun);
  const checkpoint = positions.find(
    ({ partition }) => partition === `${COMPLETE_MARKER}:${generation}`,
  )?.checkpoint;
  if (checkpoint === undefined) return { generation, snapshot: null };
  const [start, end, committed] = checkpoint.split(" ");
  return {
    generation,
    snapshot: { start: BigInt(start!), end: BigInt(end!), committed: Number(committed) },
  };
}

export function isUnfinished({ generation, snapshot }: GenerationState): boolean {
  return generation > 0 && snapshot === null;
}

/** The step that begins an epoch in a store. */
export function beginGenerationStep(generation: number) {
  return { partition: `${BEGIN_MARKER}${generation}`, expected: null, next: 1 };
}

/**
 * The change that ends the snapshot of an epoch, and the position that says that it is in: it goes
 * through the sinks as any other.
 */
export function snapshotEndChange(
  source: string,
  generation: number,
  { start, end, committed }: SnapshotSpan,
): { readonly change: Change; readonly position: Position } {
  const where = { topic: COMPLETE_MARKER, partition: generation, offset: 1 };
  return {
    change: {
      ...where,
      source,
      generation,
      kind: "snapshot-end",
      values: null,
      oldKey: null,
      unavailable: [],
      invalidColumns: [],
      undecodable: null,
      nonFinite: 0,
      order: start,
      inheritedOrder: end,
      committed,
      snapshot: true,
      op: null,
      timestamp: null,
      transaction: null,
      extra: null,
    },
    position: {
      partition: `${COMPLETE_MARKER}:${generation}`,
      offset: 1,
      checkpoint: `${start} ${end} ${committed}`,
    },
  };
}
