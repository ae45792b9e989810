/**
 * Encodes the nodes of an entity log. A node refers to segments and to other nodes, oldest first,
 * and holds for each of them partial states: those of aggregations over its rows. A window that
 * holds all rows below a reference merges its states and reads none of the rows.
 */
import { ByteReader, ByteWriter } from "../../bytes/bytes.ts";
import { newerCell, type RootRef, type SegmentRef } from "../entity-log-cells.ts";

const FORMAT = 1;

/** A reference to a segment (level 0), or to a node of references of the level below. */
export interface NodeRef extends SegmentRef {
  readonly level: number;
  /** The number of segments below it. */
  readonly segments: number;
  /** The least and the greatest log order of what its rows are made of. */
  readonly minOrder: bigint;
  readonly maxOrder: bigint;
}

export interface NodeContents {
  readonly refs: readonly NodeRef[];
  /** The names of the partial states (`partial-specs.ts`). */
  readonly names: readonly string[];
  /**
   * For each reference: the states in the order of the names; null: the state is not there. The
   * rows below must be read then.
   */
  readonly states: readonly (readonly (Uint8Array | null)[])[];
}

export function encodeNode({ refs, names, states }: NodeContents): Uint8Array {
  const writer = new ByteWriter(64 + refs.length * (48 + names.length * 16));
  writer.byte(FORMAT);
  writer.varint(names.length);
  for (const name of names) writer.text(name);
  writer.varint(refs.length);
  refs.forEach((ref, i) => {
    writer.varint(ref.level);
    writer.varint(ref.id);
    writer.varint(ref.count);
    writer.varint(ref.segments);
    writer.float64(ref.first);
    writer.float64(ref.last);
    writer.int64(ref.minOrder);
    writer.int64(ref.maxOrder);
    for (const state of states[i]!) {
      writer.varint(state === null ? 0 : state.length + 1);
      if (state !== null) writer.raw(state);
    }
  });
  return writer.copy();
}

/** A node as it is read: its states stay bytes until one of them is needed. */
export interface OpenNode {
  readonly refs: readonly NodeRef[];
  readonly names: readonly string[];
  /** The state of reference `r` with name `n`; null: it is not there. */
  state(r: number, n: number): Uint8Array | null;
  /** The index of a name; −1: the node has no such states. */
  indexOf(name: string): number;
  has(r: number, n: number): boolean;
  /** The reader at the state of reference `r` with name `n`. Each call moves it. */
  readerAt(r: number, n: number): ByteReader;
}

/**
 * Opens a node.
 *
 * @throws STATE_DAMAGED when the bytes are not those of a node.
 */
export function openNode(bytes: Uint8Array): OpenNode {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== FORMAT) throw newerCell(format, FORMAT);
  const names = Array.from({ length: reader.itemCount() }, () => reader.text());
  const indexes = new Map(names.map((name, n) => [name, n]));
  const count = reader.itemCount();
  const refs = new Array<NodeRef>(count);
  const width = names.length;
  /** Where each state begins, and its size; −1: it is not there. */
  const starts = new Int32Array(count * width);
  const sizes = new Int32Array(count * width);
  for (let i = 0; i < count; i++) {
    refs[i] = {
      level: reader.varint(),
      id: reader.varint(),
      count: reader.varint(),
      segments: reader.varint(),
      first: reader.float64(),
      last: reader.float64(),
      minOrder: reader.int64(),
      maxOrder: reader.int64(),
    };
    for (let n = 0; n < width; n++) {
      const size = reader.varint() - 1;
      sizes[i * width + n] = size;
      starts[i * width + n] = reader.position;
      if (size > 0) reader.skip(size);
    }
  }
  const readerAt = (r: number, n: number): ByteReader => {
    reader.position = starts[r * width + n]!;
    return reader;
  };
  const has = (r: number, n: number): boolean => n >= 0 && sizes[r * width + n]! >= 0;
  return {
    refs,
    names,
    state: (r, n) => (has(r, n) ? readerAt(r, n).raw(sizes[r * width + n]!) : null),
    indexOf: (name) => indexes.get(name) ?? -1,
    has,
    readerAt,
  };
}

/**
 * Decodes a node. The states are views of the bytes.
 *
 * @throws STATE_DAMAGED when the bytes are not those of a node.
 */
export function decodeNode(bytes: Uint8Array): NodeContents {
  const { refs, names, state } = openNode(bytes);
  return { refs, names, states: refs.map((_, r) => names.map((_name, n) => state(r, n))) };
}

const EVERY_ORDER = { minOrder: -(2n ** 63n), maxOrder: 2n ** 63n - 1n };

/** The segments that an older log tail names, as the references of a node without states. */
export function nodeOfSegments(segments: readonly SegmentRef[]): NodeContents {
  return {
    refs: segments.map((segment) => ({ ...segment, ...EVERY_ORDER, level: 0, segments: 1 })),
    names: [],
    states: segments.map(() => []),
  };
}

/** What a log tail holds of its root. */
export function rootRef(id: number, refs: readonly NodeRef[]): RootRef {
  return {
    id,
    count: refs.reduce((sum, { count }) => sum + count, 0),
    segments: refs.reduce((sum, { segments }) => sum + segments, 0),
    first: refs[0]!.first,
    last: refs.at(-1)!.last,
    oldest: refs[0]!.last,
  };
}
