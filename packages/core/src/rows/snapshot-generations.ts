/**
 * Snapshot generations of a source.
 * A new generation begins with a new snapshot, after the log lost changes or the database was set
 * back.
 * The generation comes first in the order of changes, so a source's orders and offsets may begin
 * again.
 * At the snapshot's end, rows of earlier generations that it did not bring are deleted.
 */
import type { Change, Position } from "../spi.ts";

/**
 * Bits of a source's order in a log order.
 * 7 bits remain for the generation, so later generations have larger orders.
 */
const ORDER_BITS = 56n;
/** The last generation that a source can have. */
export const MAX_GENERATIONS = 126;
/** The first order of a source that is too large for a log order. */
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
 * The name that a store gives to a partition of a generation.
 * Offsets of another generation are of another log. Generation 0 keeps the names of the log.
 */
export function storedPartitionName(generation: number, partition: string): string {
  return generation === 0 || partition.startsWith("~") ? partition : `~${generation}/${partition}`;
}

/** The name that a store gives to the partition of a change. */
export function storedPartitionOf({
  generation = 0,
  topic,
  partition,
}: Pick<Change, "generation" | "topic" | "partition">): string {
  return storedPartitionName(generation, `${topic}:${partition}`);
}

/** The positions of one generation, under the partition names of the log. */
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

/** The generation of a position, read from the name that a store gave to its partition. */
export function generationOfPosition(partition: string): number {
  return Number(/^~(?:begun:|complete:)?(\d+)(?:\/|$)/.exec(partition)?.[1] ?? 0);
}

/** Whether a position says that a generation was begun. */
export function isBeginMarker(partition: string): boolean {
  return partition.startsWith(BEGIN_MARKER);
}

/** Whether a position says that the snapshot of a generation is complete. */
export function isCompleteMarker(partition: string): boolean {
  return partition.startsWith(`${COMPLETE_MARKER}:`);
}

/**
 * The place of a snapshot in the order of its generation, without the generation's bits.
 * The snapshot's rows have orders from `start` to `end`.
 */
export interface SnapshotSpan {
  readonly start: bigint;
  readonly end: bigint;
  /** Commit time from which on rows that did not come again are known to be deleted, µs. */
  readonly committed: number;
}

/**
 * What a store knows of the generations of a source.
 * It is stored among the positions, so that it moves by compare-and-set as they do.
 */
export interface GenerationState {
  /** The newest generation that was begun. 0: the source was never begun anew. */
  readonly generation: number;
  /** The complete snapshot of the newest generation. null: it is not complete, or there is none. */
  readonly snapshot: SnapshotSpan | null;
}

export function generationStateOf(positions: readonly Position[]): GenerationState {
  const begun = positions
    .filter(({ partition }) => partition.startsWith(BEGIN_MARKER))
    .map(({ partition }) => Number(partition.slice(BEGIN_MARKER.length)));
  const generation = Math.max(0, ...begun);
  const completed = positions.find(
    ({ partition }) => partition === `${COMPLETE_MARKER}:${generation}`,
  )?.checkpoint?.completed;
  if (completed === undefined) return { generation, snapshot: null };
  const { start, end, committed } = completed;
  return { generation, snapshot: { start: BigInt(start), end: BigInt(end), committed } };
}

export function isUnfinished({ generation, snapshot }: GenerationState): boolean {
  return generation > 0 && snapshot === null;
}

/** The position step that begins a generation in a store. */
export function beginGenerationStep(generation: number) {
  return { partition: `${BEGIN_MARKER}${generation}`, expected: null, next: 1 };
}

/**
 * The change that ends the snapshot of a generation, and the position that says so.
 * The store consumers take it as any other change.
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
      checkpoint: { completed: { start: String(start), end: String(end), committed } },
    },
  };
}
