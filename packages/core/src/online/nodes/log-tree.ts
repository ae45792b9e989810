/**
 * The segments and nodes of an entity log as a tree in memory, of which only some nodes are read.
 * Edits go to its segments; then the changed ones, and the nodes above them, get new ids.
 */
import {
  SEGMENT_ROWS,
  decodeSegment,
  encodeSegment,
  rowsFromBatch,
  type EntityLogFormat,
  type EntityLogRow,
  type OpenedTail,
  type RootRef,
} from "../entity-log-cells.ts";
import {
  decodeNode,
  encodeNode,
  nodeOfSegments,
  rootRef,
  type NodeContents,
  type NodeRef,
} from "./node-cells.ts";
import { NO_PARTIAL_STATES, type PartialStates } from "./partial-states.ts";

/** A node gets at most so many references; of more, the oldest become a node below it. */
const MOST_REFS = 32;
/** How many references become a node. */
const GROUPED_REFS = 16;

/** How the tree of an entity log is built. */
export interface TreeSettings {
  /** No segment gets more rows. */
  readonly segmentRows?: number | undefined;
  /** No node keeps more references. At least 4. */
  readonly mostRefs?: number | undefined;
  /** Called where a segment or a node is written. Omitted: there are no states. */
  readonly partials?: (() => PartialStates) | undefined;
}

export type CellKind = "segment" | "node";

/** A cell of an entity log beside its log tail. */
export interface LogCell {
  readonly kind: CellKind;
  readonly id: number;
}

export interface WrittenCell extends LogCell {
  readonly bytes: Uint8Array;
  /** The time of the newest row in it, or below it. */
  readonly last: number;
}

/** The cells of an entity log as they were read. undefined: not read; null: not there. */
export interface ReadLogCells {
  segment(id: number): Uint8Array | null | undefined;
  node(id: number): Uint8Array | null | undefined;
}

/** A segment. `rows` null: as stored. */
export interface SegmentItem {
  readonly kind: "segment";
  readonly ref: NodeRef;
  readonly states: StatesByName;
  rows: EntityLogRow[] | null;
  changed: boolean;
}

/** A node. `items` null: it was not read. */
export interface NodeItem {
  readonly kind: "node";
  readonly ref: NodeRef;
  readonly states: StatesByName;
  readonly items: TreeItem[] | null;
}

export type TreeItem = SegmentItem | NodeItem;

type StatesByName = ReadonlyMap<string, Uint8Array>;

const NO_STATES: StatesByName = new Map();

/** Opens the tree below a log tail, as far as its nodes were read. null: the root was not. */
export function openTree(tail: OpenedTail | null, cells: ReadLogCells): TreeItem[] | null {
  if (tail === null) return [];
  if (tail.root === null) return itemsOf(nodeOfSegments(tail.segments), cells);
  const bytes = cells.node(tail.root.id);
  return bytes === undefined ? null : bytes === null ? [] : itemsOf(decodeNode(bytes), cells);
}

function itemsOf({ refs, names, states }: NodeContents, cells: ReadLogCells): TreeItem[] {
  return refs.map((ref, i): TreeItem => {
    const byName = statesByName(names, states[i]!);
    if (ref.level === 0)
      return { kind: "segment", ref, states: byName, rows: null, changed: false };
    const bytes = cells.node(ref.id);
    const items =
      bytes === undefined ? null : bytes === null ? [] : itemsOf(decodeNode(bytes), cells);
    return { kind: "node", ref, states: byName, items };
  });
}

function statesByName(
  names: readonly string[],
  states: readonly (Uint8Array | null)[],
): StatesByName {
  if (names.length === 0) return NO_STATES;
  const byName = new Map<string, Uint8Array>();
  names.forEach((name, n) => {
    const state = states[n] ?? null;
    if (state !== null) byName.set(name, state);
  });
  return byName;
}

/** The item that rows of a time belong to; null: the log tail. */
export function itemFor(
  items: readonly TreeItem[],
  time: number,
  keepFrom: number,
): TreeItem | null {
  const kept = items.filter(({ ref }) => ref.last >= keepFrom);
  if (kept.length === 0 || time >= kept.at(-1)!.ref.last) return null;
  return firstAtOrBefore(kept, time);
}

/** The item below a node that rows of a time belong to. Something below it is kept. */
export function itemBelow(node: NodeItem, time: number, keepFrom: number): TreeItem {
  const kept = itemsIn(node).filter(({ ref }) => ref.last >= keepFrom);
  return firstAtOrBefore(kept, time);
}

/** The segment that a new row belongs in; null: the log tail. */
export function segmentFor(
  items: readonly TreeItem[],
  time: number,
  keepFrom: number,
): SegmentItem | null {
  let item = itemFor(items, time, keepFrom);
  while (item?.kind === "node") item = itemBelow(item, time, keepFrom);
  return item;
}

function firstAtOrBefore(items: readonly TreeItem[], time: number): TreeItem {
  return items.findLast(({ ref }) => ref.first <= time) ?? items[0]!;
}

function itemsIn({ ref, items }: NodeItem): TreeItem[] {
  if (items === null) throw new TypeError(`node ${ref.id} was not read`);
  return items;
}

/** The kept segments with rows at a time, newest first, and those that were changed. */
export function* segmentsAt(
  items: readonly TreeItem[],
  time: number,
  keepFrom: number,
): Generator<SegmentItem> {
  for (const item of items.toReversed()) {
    if (item.ref.last < keepFrom) continue;
    const isBeyond = item.ref.last < time || time < item.ref.first;
    if (item.kind === "node") {
      if (item.items !== null || !isBeyond) yield* segmentsAt(itemsIn(item), time, keepFrom);
    } else if (item.rows !== null || !isBeyond) yield item;
  }
}

/** The rows of a segment, to be edited. */
export function rowsOf(
  item: SegmentItem,
  format: EntityLogFormat,
  cells: ReadLogCells,
): EntityLogRow[] {
  if (item.rows !== null) return item.rows;
  const bytes = cells.segment(item.ref.id);
  if (bytes == null) throw new TypeError(`segment ${item.ref.id} was not read`);
  return (item.rows = rowsFromBatch(decodeSegment(format, bytes)));
}

export interface RebuiltTree {
  /** null: no rows are left in segments. */
  readonly root: RootRef | null;
  readonly next: number;
  readonly written: readonly WrittenCell[];
  readonly removed: readonly LogCell[];
}

interface Built {
  readonly ref: NodeRef;
  readonly states: StatesByName;
}

/**
 * Gives changed segments new cells, and so the nodes above them. Adds `newRows`, which come after
 * all others, as new segments. Drops what is before `keepFrom`.
 */
export function rebuildTree(
  items: readonly TreeItem[],
  newRows: readonly EntityLogRow[],
  oldRoot: RootRef | null,
  format: EntityLogFormat,
  { next: firstId, keepFrom }: { readonly next: number; readonly keepFrom: number },
  { segmentRows = SEGMENT_ROWS, mostRefs = MOST_REFS, partials: partialsOf }: TreeSettings,
): RebuiltTree {
  const isKept = (item: TreeItem): boolean =>
    item.ref.last >= keepFrom && !isChanged(item, keepFrom);
  const hasRoot = oldRoot !== null;
  if (newRows.length === 0 && items.length > 0 === hasRoot && items.every(isKept))
    return { root: oldRoot, next: firstId, written: [], removed: [] };
  const partials = partialsOf?.() ?? NO_PARTIAL_STATES;
  const grouped = Math.max(2, Math.floor((mostRefs * GROUPED_REFS) / MOST_REFS));
  const timeOf = (row: EntityLogRow): number => row[format.timeIndex] as number;
  const written: WrittenCell[] = [];
  const removed: LogCell[] = [];
  let next = firstId;

  function writeSegment(rows: readonly EntityLogRow[]): Built {
    const id = next++;
    const last = timeOf(rows.at(-1)!);
    written.push({ kind: "segment", id, bytes: encodeSegment(format, rows), last });
    const states = partials.ofRows(rows);
    return {
      ref: {
        level: 0,
        id,
        count: rows.length,
        segments: 1,
        first: timeOf(rows[0]!),
        last,
        ...ordersOf(rows, format),
      },
      states: statesByName(partials.names, states),
    };
  }

  function writeNode(children: readonly Built[]): Built {
    const id = next++;
    const refs = children.map(({ ref }) => ref);
    written.push({ kind: "node", id, bytes: bytesOfNode(children), last: refs.at(-1)!.last });
    const states = partials.names.map((name, n) =>
      partials.ofStates(
        n,
        children.map((child) => child.states.get(name) ?? null),
      ),
    );
    const { count, segments, first, last } = rootRef(id, refs);
    return {
      ref: {
        level: refs[0]!.level + 1,
        id,
        count,
        segments,
        first,
        last,
        minOrder: refs.reduce((a, b) => (b.minOrder < a ? b.minOrder : a), refs[0]!.minOrder),
        maxOrder: refs.reduce((a, b) => (b.maxOrder > a ? b.maxOrder : a), refs[0]!.maxOrder),
      },
      states: statesByName(partials.names, states),
    };
  }

  /** The cell of a node. It keeps the states that only other processes know. */
  function bytesOfNode(children: readonly Built[]): Uint8Array {
    const names = [
      ...new Set([...partials.names, ...children.flatMap((one) => [...one.states.keys()])]),
    ];
    return encodeNode({
      refs: children.map(({ ref }) => ref),
      names,
      states: children.map(({ states }) => names.map((name) => states.get(name) ?? null)),
    });
  }

  /** Removes an item that is before `keepFrom`, with all that was read below it. */
  function remove(item: TreeItem): void {
    removed.push({ kind: item.kind, id: item.ref.id });
    if (item.kind === "node") for (const child of item.items ?? []) remove(child);
  }

  function rebuilt(list: readonly TreeItem[]): Built[] {
    return list.flatMap((item): Built[] => {
      if (item.ref.last < keepFrom) {
        remove(item);
        return [];
      }
      if (!isChanged(item, keepFrom)) return [item];
      removed.push({ kind: item.kind, id: item.ref.id });
      if (item.kind === "segment")
        return splitEvenly(
          item.rows!.filter((row) => timeOf(row) >= keepFrom),
          segmentRows,
        ).map(writeSegment);
      return splitEvenly(rebuilt(item.items!), mostRefs).map(writeNode);
    });
  }

  let refs = [...rebuilt(items), ...splitEvenly(newRows, segmentRows).map(writeSegment)];
  for (let level = 0; level <= (refs[0]?.ref.level ?? -1); level++)
    for (;;) {
      const first = refs.findIndex(({ ref }) => ref.level === level);
      const count = refs.filter(({ ref }) => ref.level === level).length;
      if (count <= mostRefs) break;
      const node = writeNode(refs.slice(first, first + grouped));
      refs = [...refs.slice(0, first), node, ...refs.slice(first + grouped)];
    }
  if (oldRoot !== null) removed.push({ kind: "node", id: oldRoot.id });
  if (refs.length === 0) return { root: null, next, written, removed };
  const root = rootRef(
    next++,
    refs.map(({ ref }) => ref),
  );
  written.push({ kind: "node", id: root.id, bytes: bytesOfNode(refs), last: root.last });
  return { root, next, written, removed };
}

/** Whether something below the item was edited, or a part of what was read must go. */
function isChanged(item: TreeItem, keepFrom: number): boolean {
  if (item.kind === "segment") return item.changed;
  return (
    item.items?.some((child) => child.ref.last < keepFrom || isChanged(child, keepFrom)) ?? false
  );
}

function ordersOf(
  rows: readonly EntityLogRow[],
  { orderIndex }: EntityLogFormat,
): Pick<NodeRef, "minOrder" | "maxOrder"> {
  if (orderIndex === undefined) return { minOrder: 0n, maxOrder: 0n };
  let [minOrder, maxOrder] = [2n ** 63n - 1n, -(2n ** 63n)];
  for (const row of rows) {
    const order = row[orderIndex] as bigint;
    const oldest = (row[orderIndex + 1] as bigint | null) ?? order;
    const least = oldest < order ? oldest : order;
    if (least < minOrder) minOrder = least;
    if (order > maxOrder) maxOrder = order;
  }
  return { minOrder, maxOrder };
}

/**
 * Splits a list into equal parts of at most `most`. A full segment and a single row would make
 * every late row a segment.
 */
function splitEvenly<Item>(list: readonly Item[], most: number): Item[][] {
  const count = Math.ceil(list.length / most);
  return Array.from({ length: count }, (_, i) =>
    list.slice(Math.floor((i * list.length) / count), Math.floor(((i + 1) * list.length) / count)),
  );
}
