/** Answers windows from blocks of rows, for aggregates whose states only merge. */
import type { Overflows } from "../aggregate/aggregator.ts";
import type { WindowQueue } from "../aggregate/window-queue.ts";
import { sortTies } from "../columns/row-order.ts";
import type { Value } from "../specs.ts";
import { BlockTree } from "./block-tree.ts";
import type { BoundAggregate, BoundGroup } from "./bound-groups.ts";
import type { KnownChanges } from "./known-changes.ts";
import type { TimedRows } from "./timed-rows.ts";
import { isKnown, lowerBoundAfter } from "./window-law.ts";
import type { PutValue, WindowScan } from "./window-rows.ts";

/** A window of fewer rows is scanned: that costs less than to look for its blocks. */
const SHORTEST_IN_BLOCKS = 192;
/** With fewer entity rows the blocks of an entity are not used often enough. */
const FEWEST_LABELS = 4;

/** A window with more rows that are not always known needs its blocks. */
const MOST_EXCEPTIONS = 64;

/** Groups whose windows are answered from blocks, over one entity after another. */
export interface BlockGroups {
  /** Begins with an entity whose rows are [start, end), and that has so many entity rows. */
  begin(start: number, end: number, labels: number): void;
  /** Moves to t, which is not before the last t. `beforeT` is the end of the rows before t. */
  answer(t: number, beforeT: number, put: PutValue): void;
}

/** Makes the blocks of these groups. Windows with equal aggregates share them. */
export function blockGroups(
  groups: readonly BoundGroup[],
  { time, from, to }: TimedRows,
  {
    changes,
    scan,
    order,
    countsIn,
    overflows,
    isBoundary,
  }: {
    readonly changes: KnownChanges;
    readonly scan: WindowScan;
    /** Compares rows of one event time. null: none needs it. */
    readonly order: ((a: number, b: number) => number) | null;
    /** Says which rows count in a group. null: all do. */
    readonly countsIn: (group: BoundGroup) => Uint8Array | null;
    readonly overflows: Overflows;
    /** Says which rows the states of carried rows are cut at. null: none are carried. */
    readonly isBoundary: ((row: number) => boolean) | null;
  },
): BlockGroups {
  /** The rows of the entity in their total order, and for each of them its place there. */
  let rowAt: Int32Array = new Int32Array(0);
  let placeOf: Int32Array = new Int32Array(0);
  let begins = 0;
  /** Whether the rows of the entity are put into blocks, and whether each window is so answered. */
  let inBlocks = false;
  let allInBlocks = false;
  const isCarrying = groups.some((group) => group.isCarrying);
  let current = -Infinity;
  const shared: { readonly group: BoundGroup; readonly one: BoundAggregate; tree: BlockTree }[] =
    [];
  const windows = groups
    .flatMap(splitByQueue)
    .map((group) => ({
      group,
      trees: group.aggregates.map((one) => treeOf(group, one)),
      queues: group.aggregates.flatMap(({ queue }) => queue ?? []),
      passes: countsIn(group),
      first: 0,
      last: 0,
      exceptions: exceptionsOf(changes, countsIn(group), time.length),
    }));

  return {
    begin(start, end, labels) {
      begins = start;
      current = -Infinity;
      for (const window of windows) {
        window.first = window.last = start;
        const { group, queues, exceptions } = window;
        if (queues.length === 0) continue;
        const others = exceptions.begin();
        queues.forEach((queue, a) => {
          queue.begin(group.aggregates[a]!.vectors, others, start);
        });
      }
      allInBlocks = labels >= FEWEST_LABELS && end - start >= SHORTEST_IN_BLOCKS;
      inBlocks = allInBlocks || isCarrying;
      if (!inBlocks) return;
      placeRows(start, end);
      const boundaries = isCarrying ? boundariesOf(end - start) : [];
      for (const { tree } of shared) tree.begin(end - start, boundaries);
    },
    answer(t, beforeT, put) {
      current = t;
      if (inBlocks)
        for (let i = 0; i < changes.length; i++) {
          const place = placeOf[changes.rows[i]! - begins]!;
          for (const { tree } of shared) tree.change(place);
        }
      for (const window of windows) {
        const { group, trees, queues, exceptions } = window;
        const { edges, aggregates } = group;
        window.last =
          edges.entersAfter === 0
            ? beforeT
            : lowerBoundAfter(time, window.last, beforeT, edges.end(t));
        window.first = lowerBoundAfter(time, window.first, window.last, edges.start(t));
        const { first, last } = window;
        if (queues.length > 0 && exceptions.moveTo(first, last) <= MOST_EXCEPTIONS)
          for (let a = 0; a < queues.length; a++)
            put(aggregates[a]!, withExceptions(window, queues[a]!, t));
        else if (!group.isCarrying && (!allInBlocks || last - first < SHORTEST_IN_BLOCKS))
          scan.answerBetween(group, first, last, t, put);
        else
          for (let a = 0; a < trees.length; a++)
            put(aggregates[a]!, trees[a]!.answer(first - begins, last - begins, t));
      }
    },
  };

  /** The answer of a queue, which has the rows that are always known, and of the others. */
  function withExceptions(
    { first, last, passes, exceptions }: (typeof windows)[number],
    queue: WindowQueue,
    t: number,
  ): Value {
    let answer = queue.moveTo(first, last);
    for (let i = exceptions.from; i < exceptions.to; i++) {
      const row = changes.exceptions[i]!;
      if (passes !== null && passes[row] === 0) continue;
      if (isKnown(from![row]!, to![row]!, t)) answer = queue.withRow(answer, row);
    }
    return answer;
  }

  function treeOf(group: BoundGroup, one: BoundAggregate): BlockTree {
    const equal = shared.find(
      (other) =>
        other.group.where === group.where &&
        other.group.isCarrying === group.isCarrying &&
        isSameState(other.one, one),
    );
    if (equal !== undefined) return equal.tree;
    const passes = countsIn(group);
    const { merges, vectors, carried } = one;
    const tree = new BlockTree(merges!, vectors, overflows, carried, (rows, first, last) => {
      const checks = !changes.alwaysKnown;
      let length = 0;
      for (let place = first; place < last; place++) {
        const row = rowAt[place]!;
        if (checks && !isKnown(from![row]!, to![row]!, current)) continue;
        if (passes !== null && passes[row] === 0) continue;
        rows[length++] = row;
      }
      return length;
    });
    shared.push({ group, one, tree });
    return tree;
  }

  /** The places of the rows that the states of carried rows are cut at. */
  function boundariesOf(length: number): readonly number[] {
    const places: number[] = [];
    for (let place = 0; place < length; place++) if (isBoundary!(rowAt[place]!)) places.push(place);
    return places;
  }

  /** Puts the rows of an entity in their total order. */
  function placeRows(start: number, end: number): void {
    const length = end - start;
    if (rowAt.length < length) {
      rowAt = new Int32Array(length * 2);
      placeOf = new Int32Array(length * 2);
    }
    for (let place = 0; place < length; place++) rowAt[place] = start + place;
    if (order !== null) sortTies(rowAt, length, time, order);
    for (let place = 0; place < length; place++) placeOf[rowAt[place]! - start] = place;
  }
}

/** The rows of a window that are not always known: those at [from, to) of the exceptions. */
interface Exceptions {
  readonly from: number;
  readonly to: number;
  /** Begins with an entity. Returns which rows pass and are always known; null: all do. */
  begin(): Uint8Array | null;
  /** Moves to the rows [first, last), and returns how many exceptions are among them. */
  moveTo(first: number, last: number): number;
}

function exceptionsOf(
  changes: KnownChanges,
  passes: Uint8Array | null,
  length: number,
): Exceptions {
  let others: Uint8Array | null = null;
  /** The exceptions of the entity before. */
  let before: readonly number[] = [];
  const moved = {
    from: 0,
    to: 0,
    begin() {
      moved.from = moved.to = 0;
      const { exceptions } = changes;
      if (exceptions.length === 0 && others === null) return passes;
      others ??= passes?.slice() ?? new Uint8Array(length).fill(1);
      for (const row of before) others[row] = passes === null ? 1 : passes[row]!;
      for (const row of exceptions) others[row] = 0;
      before = [...exceptions];
      return others;
    },
    moveTo(first: number, last: number) {
      const { exceptions } = changes;
      while (moved.to < exceptions.length && exceptions[moved.to]! < last) moved.to++;
      while (moved.from < moved.to && exceptions[moved.from]! < first) moved.from++;
      return moved.to - moved.from;
    },
  };
  return moved;
}

/** Parts a group by what has a queue. */
function splitByQueue(group: BoundGroup): readonly BoundGroup[] {
  return [true, false].flatMap((hasQueue) => {
    const aggregates = group.aggregates.filter(({ queue }) => (queue !== null) === hasQueue);
    return aggregates.length === 0 ? [] : [{ ...group, aggregates }];
  });
}

/** Whether two aggregates with one condition have equal states over equal rows. */
function isSameState({ column: a }: BoundAggregate, { column: b }: BoundAggregate): boolean {
  return (
    a.aggregate === b.aggregate &&
    JSON.stringify(a.options) === JSON.stringify(b.options) &&
    a.by === b.by &&
    a.arguments.length === b.arguments.length &&
    // Equal arguments of a plan are one object.
    a.arguments.every((argument, i) => argument === b.arguments[i])
  );
}
