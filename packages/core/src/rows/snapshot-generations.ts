/**
 * Snapshot generations of a source.
 * A new generation begins with a new snapshot, after the log lost changes or the database was set
 * back.
 * The generation comes first in the order of changes, so a source's orders and offsets may begin
 * again.
 * At the snapshot's end, rows of earlier generations that it did not bring are deleted.
 */
import type { Change, Metadata, MetadataStep, Position } from "../spi.ts";

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

/**
 * The key of a partition in one generation, for maps. Offsets of another generation are of another
 * log.
 */
export function partitionKey({
  generation = 0,
  partition,
}: Pick<Position, "generation" | "partition">): string {
  return `${generation}/${partition}`;
}

/** The partition that a change or a message came from, as positions name it. */
export function partitionOf({ topic, partition }: Pick<Change, "topic" | "partition">): string {
  if (topic !== lastPartition.topic || partition !== lastPartition.partition)
    lastPartition = { topic, partition, text: `${topic}:${partition}` };
  return lastPartition.text;
}

/** Neighbours in a log are often of one partition. A text that is made once is hashed once. */
let lastPartition = { topic: "", partition: -1, text: ":-1" };

/** The topic of a partition, as positions name it. */
export function topicOf(partition: string): string {
  return partition.slice(0, partition.lastIndexOf(":"));
}

/** The key of the partition that a change came from. */
export function partitionKeyOf({
  generation = 0,
  topic,
  partition,
}: Pick<Change, "generation" | "topic" | "partition">): string {
  const of = partitionOf({ topic, partition });
  if (of !== lastKey.partition || generation !== lastKey.generation)
    lastKey = { generation, partition: of, text: partitionKey({ generation, partition: of }) };
  return lastKey.text;
}

let lastKey = { generation: 0, partition: "", text: "0/" };

/** The positions of one generation, as the change source knows them: without the generation. */
export function positionsOfGeneration(
  generation: number,
  positions: readonly Position[],
): readonly Position[] {
  return positions
    .filter((position) => (position.generation ?? 0) === generation)
    .map(({ partition, offset, checkpoint }) => ({
      partition,
      offset,
      ...(checkpoint === undefined ? {} : { checkpoint }),
    }));
}

/** The positions in one order, without what a reader needs to go on from them. */
export function withoutCheckpoints(positions: readonly Position[]): readonly Position[] {
  return positions
    .map(({ partition, generation = 0, offset }) => ({
      partition,
      ...(generation === 0 ? {} : { generation }),
      offset,
    }))
    .sort((a, b) => (partitionKey(a) < partitionKey(b) ? -1 : 1));
}

/** The offset of each position, by partition key. */
export function offsetsOf(positions: readonly Position[]): Map<string, number> {
  return new Map(positions.map((position) => [partitionKey(position), position.offset]));
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
 * The store keeps it as metadata, so that it moves by compare-and-set.
 */
export interface GenerationState {
  /** The newest generation that was begun. 0: the source was never begun anew. */
  readonly generation: number;
  /** The complete snapshot of the newest generation. null: it is not complete, or there is none. */
  readonly snapshot: SnapshotSpan | null;
  /** The snapshots of the generations from 1 on. null: not complete. */
  readonly snapshots: readonly (SnapshotSpan | null)[];
}

const KEY = "generations";

/** The text of the metadata. Orders are decimal digits. */
interface StoredGenerations {
  readonly snapshots: readonly ({
    readonly start: string;
    readonly end: string;
    readonly committed: number;
  } | null)[];
}

export function generationStateOf(metadata: Metadata | undefined): GenerationState {
  const text = metadata?.get(KEY);
  const stored = text === undefined ? [] : (JSON.parse(text) as StoredGenerations).snapshots;
  const snapshots = stored.map((snapshot) =>
    snapshot === null
      ? null
      : { start: BigInt(snapshot.start), end: BigInt(snapshot.end), committed: snapshot.committed },
  );
  return { generation: snapshots.length, snapshot: snapshots.at(-1) ?? null, snapshots };
}

export function isUnfinished({ generation, snapshot }: GenerationState): boolean {
  return generation > 0 && snapshot === null;
}

/** The step of the metadata that begins a generation in a store. */
export function beginGenerationStep(
  metadata: Metadata | undefined,
  generation: number,
): MetadataStep {
  const { snapshots } = generationStateOf(metadata);
  return generationsStep(
    metadata,
    Array.from({ length: Math.max(generation, snapshots.length) }, (_, i) => snapshots[i] ?? null),
  );
}

/** The step of the metadata which says that the snapshot of a begun generation is complete. */
export function completeGenerationStep(
  metadata: Metadata | undefined,
  generation: number,
  snapshot: SnapshotSpan,
): MetadataStep {
  const { snapshots } = generationStateOf(metadata);
  return generationsStep(metadata, snapshots.with(generation - 1, snapshot));
}

function generationsStep(
  metadata: Metadata | undefined,
  snapshots: readonly (SnapshotSpan | null)[],
): MetadataStep {
  const next: StoredGenerations = {
    snapshots: snapshots.map((snapshot) =>
      snapshot === null
        ? null
        : {
            start: String(snapshot.start),
            end: String(snapshot.end),
            committed: snapshot.committed,
          },
    ),
  };
  return { key: KEY, expected: metadata?.get(KEY) ?? null, next: JSON.stringify(next) };
}
