/** Edits the rows under one key, and computes the cells that must be written. */
import type { Value } from "../specs.ts";
import {
  SEGMENT_ROWS,
  decodeTail,
  encodeTail,
  openTail,
  rowsFromBatch,
  rowsOfTail,
  type EntityLogFormat,
  type EntityLogRow,
  type OpenedTail,
} from "./entity-log-cells.ts";
import {
  itemBelow,
  itemFor,
  openTree,
  rebuildTree,
  rowsOf,
  segmentFor,
  segmentsAt,
  type LogCell,
  type ReadLogCells,
  type TreeItem,
  type TreeSettings,
  type WrittenCell,
} from "./nodes/log-tree.ts";

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
 * The stored rows of one key while a batch is applied. Cells that an edit touches must be given;
 * the others stay unchanged.
 */
export interface EntityLogContents extends ReadLogCells {
  readonly tail: Uint8Array | null;
}

export interface EntityLogResult {
  /** null: no rows are left. */
  readonly tail: Uint8Array | null;
  readonly written: readonly WrittenCell[];
  readonly removed: readonly LogCell[];
  /** The time of the newest row; −Infinity if there is none. */
  readonly newest: number;
}

/** A cell that must be read before the edits can be made. */
export interface NeededCell extends LogCell {
  /** `deleteExpired` may have removed it apart from its log tail. */
  readonly mayBeMissing: boolean;
}

/**
 * The cells that these edits need beside those that were read. None: the edits can be made. What is
 * before `keepFrom` is only needed to be removed.
 */
export function cellsNeeded(
  format: EntityLogFormat,
  contents: EntityLogContents,
  edits: readonly EntityLogEdit[],
  keepFrom: number,
  settings: TreeSettings = {},
): readonly NeededCell[] {
  if (contents.tail === null) return [];
  const tail = openTail(contents.tail);
  if (!needsTree(tail, format, edits, keepFrom, settings)) return [];
  const items = openTree(tail, contents);
  if (items === null)
    return [{ kind: "node", id: tail.root!.id, mayBeMissing: tail.root!.last < keepFrom }];
  const needed = new Map<number, NeededCell>();
  const need = ({ kind, ref }: TreeItem): void => {
    if (contents[kind](ref.id) !== undefined || needed.has(ref.id)) return;
    needed.set(ref.id, { kind, id: ref.id, mayBeMissing: ref.last < keepFrom });
  };
  needExpired(items);
  for (const { put, remove } of edits) {
    if (put !== null) {
      const item = itemFor(items, timeIn(format, put), keepFrom);
      if (item !== null) needTarget(item, timeIn(format, put));
    }
    if (remove !== null) needRange(items, remove.time);
  }
  return [...needed.values()];

  /** Nodes of which nothing is kept: what is below them is to be removed. */
  function needExpired(list: readonly TreeItem[]): void {
    for (const item of list)
      if (item.kind === "node" && item.ref.last < keepFrom) {
        need(item);
        needExpired(item.items ?? []);
      }
  }

  function needTarget(item: TreeItem, time: number): void {
    need(item);
    if (item.kind === "node" && item.items !== null)
      needTarget(itemBelow(item, time, keepFrom), time);
  }

  function needRange(list: readonly TreeItem[], time: number): void {
    for (const item of list) {
      if (item.ref.last < keepFrom || time < item.ref.first || item.ref.last < time) continue;
      need(item);
      if (item.kind === "node") needRange(item.items ?? [], time);
    }
  }
}

/** Whether edits concern rows outside the log tail. */
function needsTree(
  tail: OpenedTail,
  format: EntityLogFormat,
  edits: readonly EntityLogEdit[],
  keepFrom: number,
  { segmentRows = SEGMENT_ROWS }: TreeSettings,
): boolean {
  const { root } = tail;
  // without a root nothing is read, and a log tail that names its segments is written anew
  if (root === null) return true;
  const puts = edits.reduce((count, { put }) => count + (put === null ? 0 : 1), 0);
  return (
    root.oldest < keepFrom ||
    rowsOfTail(tail) + puts > segmentRows ||
    edits.some(
      ({ put, remove }) =>
        (put !== null && timeIn(format, put) < root.last) ||
        (remove !== null && root.first <= remove.time && remove.time <= root.last),
    )
  );
}

function timeIn({ timeIndex }: EntityLogFormat, row: EntityLogRow): number {
  return row[timeIndex] as number;
}

/** Applies the edits in order and drops rows with a time below `keepFrom`. */
export function editEntityLog(
  format: EntityLogFormat,
  contents: EntityLogContents,
  edits: readonly EntityLogEdit[],
  keepFrom: number,
  settings: TreeSettings = {},
): EntityLogResult {
  const { segmentRows = SEGMENT_ROWS } = settings;
  const opened = contents.tail === null ? null : openTail(contents.tail);
  const tailRows =
    contents.tail === null ? [] : rowsFromBatch(decodeTail(format, contents.tail).rows);
  const items =
    opened === null || needsTree(opened, format, edits, keepFrom, settings)
      ? openTree(opened, contents)
      : null;
  const timeOf = (row: EntityLogRow): number => timeIn(format, row);

  for (const { put, remove } of edits) {
    if (remove !== null && !removeRow(tailRows, timeOf, remove))
      for (const item of segmentsAt(items ?? [], remove.time, keepFrom)) {
        if (!removeRow(rowsOf(item, format, contents), timeOf, remove)) continue;
        item.changed = true;
        break;
      }
    if (put === null) continue;
    const item = segmentFor(items ?? [], timeOf(put), keepFrom);
    if (item === null) insertSorted(tailRows, put, timeOf);
    else {
      insertSorted(rowsOf(item, format, contents), put, timeOf);
      item.changed = true;
    }
  }

  const kept = tailRows.filter((row) => timeOf(row) >= keepFrom);
  const next = opened?.next ?? 0;
  const moved = kept.splice(0, kept.length > segmentRows ? kept.length - segmentRows / 2 : 0);
  const oldRoot = opened?.root ?? null;
  const tree =
    items === null
      ? { root: oldRoot, next, written: [], removed: [] }
      : rebuildTree(items, moved, oldRoot, format, { next, keepFrom }, settings);
  const newest = kept.length > 0 ? timeOf(kept.at(-1)!) : (tree.root?.last ?? -Infinity);
  // an empty log tail stays after the first segment, so that ids are never reused. A reader may
  // hold an older log tail.
  const bytes =
    kept.length === 0 && tree.root === null && tree.next === 0
      ? null
      : encodeTail(format, tree.next, tree.root, kept);
  return { tail: bytes, written: tree.written, removed: tree.removed, newest };
}

/** Removes the row at a time that `matches` accepts. false: there is none. */
function removeRow(
  rows: EntityLogRow[],
  timeOf: (row: EntityLogRow) => number,
  { time, matches }: NonNullable<EntityLogEdit["remove"]>,
): boolean {
  for (
    let i = firstIndexAt(rows, time, timeOf);
    i < rows.length && timeOf(rows[i]!) === time;
    i++
  ) {
    if (!matches(rows[i]!)) continue;
    rows.splice(i, 1);
    return true;
  }
  return false;
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
