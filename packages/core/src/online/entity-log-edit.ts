/** Edits the rows under one key, and computes the cells that must be written. */
import type { Value } from "../specs.ts";
import {
  SEGMENT_ROWS,
  decodeSegment,
  decodeTail,
  encodeSegment,
  encodeTail,
  rowsFromBatch,
  type SegmentRef,
  type EntityLogFormat,
  type EntityLogRow,
} from "./entity-log-cells.ts";

export interface EntityLogEdit {
  /** The row to add; null: only remove. */
  readonly put: EntityLogRow | null;
  /** Removes the row at this time that `matches` accepts; null: only add. */
  readonly remove: {
    readonly time: number;
    readonly matches: (row: EntityLogRow) => boolean;
  } | null;
}

/**
 * The stored rows of one key while a batch is applied. Segments that an edit touches must be given;
 * the other segments stay unchanged.
 */
export interface EntityLogContents {
  readonly tail: Uint8Array | null;
  segment(id: number): Uint8Array;
}

export interface EntityLogResult {
  /** null: no rows are left. */
  readonly tail: Uint8Array | null;
  /** `last`: the time of the segment's newest row. */
  readonly written: readonly {
    readonly id: number;
    readonly bytes: Uint8Array;
    readonly last: number;
  }[];
  readonly removed: readonly number[];
  /** The time of the newest row; −Infinity if there is none. */
  readonly newest: number;
}

/**
 * The ids of the segments that these edits need. Segments before `keepFrom` are not needed:
 * `deleteExpired` may have removed them apart from their log tail.
 */
export function segmentsTouched(
  format: EntityLogFormat,
  tail: Uint8Array | null,
  edits: readonly EntityLogEdit[],
  keepFrom: number,
): readonly number[] {
  if (tail === null) return [];
  const segments = decodeTail(format, tail, []).segments.filter(
    (segment) => segment.last >= keepFrom,
  );
  if (segments.length === 0) return [];
  const touched = new Set<number>();
  for (const { put, remove } of edits) {
    if (put !== null) {
      const target = segmentFor(segments, put[format.timeIndex] as number);
      if (target !== null) touched.add(target.id);
    }
    if (remove !== null)
      for (const segment of segments)
        if (segment.first <= remove.time && remove.time <= segment.last) touched.add(segment.id);
  }
  return [...touched];
}

/** The segment that a new row belongs in; null: the log tail. */
function segmentFor(segments: readonly SegmentRef[], time: number): SegmentRef | null {
  if (segments.length === 0 || time >= segments.at(-1)!.last) return null;
  return segments.findLast((segment) => segment.first <= time) ?? segments[0]!;
}

/**
 * Applies the edits in order and drops rows with a time below `keepFrom`. No segment gets more than
 * `segmentRows` rows.
 */
export function editEntityLog(
  format: EntityLogFormat,
  contents: EntityLogContents,
  edits: readonly EntityLogEdit[],
  keepFrom: number,
  segmentRows: number = SEGMENT_ROWS,
): EntityLogResult {
  const decoded = contents.tail === null ? null : decodeTail(format, contents.tail);
  const removed: number[] = [];
  const refs: SegmentRef[] = [];
  for (const ref of decoded?.segments ?? []) {
    if (ref.last < keepFrom) removed.push(ref.id);
    else refs.push(ref);
  }
  const editableTail: EditableSegment = {
    ref: null,
    rows: decoded === null ? [] : rowsFromBatch(decoded.rows),
    changed: true,
  };
  const editables: EditableSegment[] = [
    ...refs.map((ref): EditableSegment => ({ ref, rows: null, changed: false })),
    editableTail,
  ];
  const rowsIn = (editable: EditableSegment): EntityLogRow[] =>
    (editable.rows ??= rowsFromBatch(decodeSegment(format, contents.segment(editable.ref!.id))));
  const timeOf = (row: EntityLogRow): number => row[format.timeIndex] as number;

  for (const { put, remove } of edits) {
    if (remove !== null) removeFrom(editables, rowsIn, timeOf, remove);
    if (put === null) continue;
    const target = segmentFor(refs, timeOf(put));
    const editable = target === null ? editableTail : editables[refs.indexOf(target)]!;
    insertSorted(rowsIn(editable), put, timeOf);
    editable.changed = true;
  }

  let next = decoded?.next ?? 0;
  const segments: SegmentRef[] = [];
  const written: { id: number; bytes: Uint8Array; last: number }[] = [];
  const write = (rows: EntityLogRow[]): void => {
    const id = next++;
    const last = timeOf(rows.at(-1)!);
    written.push({ id, bytes: encodeSegment(format, rows), last });
    segments.push({ id, count: rows.length, first: timeOf(rows[0]!), last });
  };
  let tail: EntityLogRow[] = [];
  for (const editable of editables) {
    const { ref } = editable;
    if (ref !== null && !editable.changed) {
      segments.push(ref);
      continue;
    }
    if (ref !== null) removed.push(ref.id);
    const rows = editable.rows!.filter((row) => timeOf(row) >= keepFrom);
    const overflow =
      ref === null
        ? rows.splice(0, rows.length > segmentRows ? rows.length - segmentRows / 2 : 0)
        : rows;
    for (const segment of splitEvenly(overflow, segmentRows)) write(segment);
    if (ref === null) tail = rows;
  }
  const newest = tail.length > 0 ? timeOf(tail.at(-1)!) : (segments.at(-1)?.last ?? -Infinity);
  // an empty log tail stays after the first segment, so that segment ids are never reused. A reader
  // may hold an older log tail.
  const bytes =
    tail.length === 0 && segments.length === 0 && next === 0
      ? null
      : encodeTail(format, next, segments, tail);
  return { tail: bytes, written, removed, newest };
}

/** A segment (`rows` null: as stored), or the log tail (`ref` null). */
interface EditableSegment {
  readonly ref: SegmentRef | null;
  rows: EntityLogRow[] | null;
  changed: boolean;
}

/**
 * Splits rows into equal segments of at most `most` rows. A full segment and a single row would
 * make every late row a segment.
 */
function splitEvenly(rows: readonly EntityLogRow[], most: number): EntityLogRow[][] {
  const count = Math.ceil(rows.length / most);
  return Array.from({ length: count }, (_, i) =>
    rows.slice(Math.floor((i * rows.length) / count), Math.floor(((i + 1) * rows.length) / count)),
  );
}

function removeFrom(
  editables: readonly EditableSegment[],
  rowsIn: (editable: EditableSegment) => EntityLogRow[],
  timeOf: (row: EntityLogRow) => number,
  remove: NonNullable<EntityLogEdit["remove"]>,
): void {
  for (const editable of editables.toReversed()) {
    if (
      editable.ref !== null &&
      editable.rows === null &&
      (remove.time < editable.ref.first || remove.time > editable.ref.last)
    )
      continue;
    const rows = rowsIn(editable);
    for (
      let i = firstIndexAt(rows, remove.time, timeOf);
      i < rows.length && timeOf(rows[i]!) === remove.time;
      i++
    ) {
      if (!remove.matches(rows[i]!)) continue;
      rows.splice(i, 1);
      editable.changed = true;
      return;
    }
  }
}

function insertSorted(
  rows: EntityLogRow[],
  row: EntityLogRow,
  timeOf: (row: EntityLogRow) => number,
): void {
  const time = timeOf(row);
  let i = rows.length;
  if (i > 0 && timeOf(rows[i - 1]!) > time) i = firstIndexAt(rows, time, timeOf);
  rows.splice(i, 0, row);
}

function firstIndexAt(
  rows: readonly EntityLogRow[],
  time: number,
  timeOf: (row: EntityLogRow) => number,
): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(rows[middle]!) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function sameKeyValue(a: Value, b: Value): boolean {
  return (
    a === b ||
    (a instanceof Uint8Array &&
      b instanceof Uint8Array &&
      a.length === b.length &&
      a.every((byte, i) => byte === b[i]))
  );
}
