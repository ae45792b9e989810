/**
 * Changes to the rows under one key: in go rows, out go rows, and the cells that must be written
 * follow.
 */
import type { Value } from "../specs.ts";
import {
  CHUNK_ROWS,
  decodeChunk,
  decodeHead,
  encodeChunk,
  encodeHead,
  rowsOf,
  type ChunkRef,
  type LaneFormat,
  type LaneRow,
} from "./entity-log-cells.ts";

export interface LaneEdit {
  /** The row to put in; null: only take out. */
  readonly put: LaneRow | null;
  /** Takes out the row at this time that `same` knows; null: only put in. */
  readonly remove: { readonly time: number; readonly same: (row: LaneRow) => boolean } | null;
}

/**
 * The rows of one key while a batch is applied. Chunks that an edit touches must be given; others
 * stay as they are.
 */
export interface LaneContents {
  readonly head: Uint8Array | null;
  chunk(id: number): Uint8Array;
}

export interface LaneResult {
  /** null: nothing is left. */
  readonly head: Uint8Array | null;
  /** `last`: the time of its newest row. */
  readonly written: readonly {
    readonly id: number;
    readonly bytes: Uint8Array;
    readonly last: number;
  }[];
  readonly removed: readonly number[];
  /** The time of the newest row; −Infinity where there is none. */
  readonly newest: number;
}

/**
 * Numbers of the chunks that these edits need. One that lies before `keepFrom` may be gone already:
 * `sweep` removes it apart from its head.
 */
export function chunksTouched(
  format: LaneFormat,
  head: Uint8Array | null,
  edits: readonly LaneEdit[],
  keepFrom: number,
): readonly number[] {
  if (head === null) return [];
  const chunks = decodeHead(format, head, []).chunks.filter((chunk) => chunk.last >= keepFrom);
  if (chunks.length === 0) return [];
  const touched = new Set<number>();
  for (const { put, remove } of edits) {
    if (put !== null) {
      const place = placeFor(chunks, put[format.time] as number);
      if (place !== null) touched.add(place.id);
    }
    if (remove !== null)
      for (const chunk of chunks)
        if (chunk.first <= remove.time && remove.time <= chunk.last) touched.add(chunk.id);
  }
  return [...touched];
}

/** The chunk a new row belongs in; null: the head. */
function placeFor(chunks: readonly ChunkRef[], time: number): ChunkRef | null {
  if (chunks.length === 0 || time >= chunks.at(-1)!.last) return null;
  return chunks.findLast((chunk) => chunk.first <= time) ?? chunks[0]!;
}

/**
 * Applies the edits in order; rows with a time below `keepFrom` go away. No chunk gets more than
 * `chunkRows` rows.
 */
export function editLane(
  format: LaneFormat,
  contents: LaneContents,
  edits: readonly LaneEdit[],
  keepFrom: number,
  chunkRows: number = CHUNK_ROWS,
): LaneResult {
  const decoded = contents.head === null ? null : decodeHead(format, contents.head);
  const removed: number[] = [];
  const refs: ChunkRef[] = [];
  for (const ref of decoded?.chunks ?? []) {
    if (ref.last < keepFrom) removed.push(ref.id);
    else refs.push(ref);
  }
  const headPart: Part = {
    ref: null,
    rows: decoded === null ? [] : rowsOf(decoded.rows),
    changed: true,
  };
  const parts: Part[] = [
    ...refs.map((ref): Part => ({ ref, rows: null, changed: false })),
    headPart,
  ];
  const rowsIn = (part: Part): LaneRow[] =>
    (part.rows ??= rowsOf(decodeChunk(format, contents.chunk(part.ref!.id))));
  const timeOf = (row: LaneRow): number => row[format.time] as number;

  for (const { put, remove } of edits) {
    if (remove !== null) removeFrom(parts, rowsIn, timeOf, remove);
    if (put === null) continue;
    const place = placeFor(refs, timeOf(put));
    const part = place === null ? headPart : parts[refs.indexOf(place)]!;
    insertSorted(rowsIn(part), put, timeOf);
    part.changed = true;
  }

  let next = decoded?.next ?? 0;
  const chunks: ChunkRef[] = [];
  const written: { id: number; bytes: Uint8Array; last: number }[] = [];
  const write = (rows: LaneRow[]): void => {
    const id = next++;
    const last = timeOf(rows.at(-1)!);
    written.push({ id, bytes: encodeChunk(format, rows), last });
    chunks.push({ id, count: rows.length, first: timeOf(rows[0]!), last });
  };
  let head: LaneRow[] = [];
  for (const part of parts) {
    const { ref } = part;
    if (ref !== null && !part.changed) {
      chunks.push(ref);
      continue;
    }
    if (ref !== null) removed.push(ref.id);
    const rows = part.rows!.filter((row) => timeOf(row) >= keepFrom);
    const spare =
      ref === null
        ? rows.splice(0, rows.length > chunkRows ? rows.length - chunkRows / 2 : 0)
        : rows;
    for (const piece of equalPieces(spare, chunkRows)) write(piece);
    if (ref === null) head = rows;
  }
  const newest = head.length > 0 ? timeOf(head.at(-1)!) : (chunks.at(-1)?.last ?? -Infinity);
  // an empty head stays once there were chunks: a reader that holds an older head must never find
  // another chunk under an old number
  const bytes =
    head.length === 0 && chunks.length === 0 && next === 0
      ? null
      : encodeHead(format, next, chunks, head);
  return { head: bytes, written, removed, newest };
}

/** A chunk (`rows` null: as stored), or the head (`ref` null). */
interface Part {
  readonly ref: ChunkRef | null;
  rows: LaneRow[] | null;
  changed: boolean;
}

/**
 * A full chunk that takes a row becomes two halves: with a full one and a single row, every late
 * row would make a chunk.
 */
function equalPieces(rows: readonly LaneRow[], most: number): LaneRow[][] {
  const count = Math.ceil(rows.length / most);
  return Array.from({ length: count }, (_, i) =>
    rows.slice(Math.floor((i * rows.length) / count), Math.floor(((i + 1) * rows.length) / count)),
  );
}

function removeFrom(
  parts: readonly Part[],
  rowsIn: (part: Part) => LaneRow[],
  timeOf: (row: LaneRow) => number,
  remove: NonNullable<LaneEdit["remove"]>,
): void {
  for (const part of parts.toReversed()) {
    if (
      part.ref !== null &&
      part.rows === null &&
      (remove.time < part.ref.first || remove.time > part.ref.last)
    )
      continue;
    const rows = rowsIn(part);
    for (
      let i = firstAt(rows, remove.time, timeOf);
      i < rows.length && timeOf(rows[i]!) === remove.time;
      i++
    ) {
      if (!remove.same(rows[i]!)) continue;
      rows.splice(i, 1);
      part.changed = true;
      return;
    }
  }
}

function insertSorted(rows: LaneRow[], row: LaneRow, timeOf: (row: LaneRow) => number): void {
  const time = timeOf(row);
  let i = rows.length;
  if (i > 0 && timeOf(rows[i - 1]!) > time) i = firstAt(rows, time, timeOf);
  rows.splice(i, 0, row);
}

function firstAt(rows: readonly LaneRow[], time: number, timeOf: (row: LaneRow) => number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(rows[middle]!) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether two values of a key are the same. */
export function sameValue(a: Value, b: Value): boolean {
  return (
    a === b ||
    (a instanceof Uint8Array &&
      b instanceof Uint8Array &&
      a.length === b.length &&
      a.every((byte, i) => byte === b[i]))
  );
}
