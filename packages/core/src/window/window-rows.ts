/** Chooses the rows of a window: those that the window law admits. */
import { sortTies } from "../columns/row-order.ts";
import type { Value } from "../specs.ts";
import type { BoundAggregate, BoundGroup, RowFilter } from "./bound-groups.ts";
import type { KnownChanges } from "./known-changes.ts";
import type { TimedRows } from "./timed-rows.ts";
import { isKnown, lowerBound } from "./window-law.ts";

/** Runs the kernels of groups over the rows of one window after another. */
export interface WindowScan {
  /** Gives the value of each aggregate of the group at t. Rows [start, beforeT) are before t. */
  answer(group: BoundGroup, start: number, beforeT: number, t: number, put: PutValue): void;
  /** Gives the value of each aggregate of the group at t, over the rows [first, last). */
  answerBetween(group: BoundGroup, first: number, last: number, t: number, put: PutValue): void;
  /** The rows [first, last) of the group's window at t, of the rows [start, beforeT). */
  range(
    group: BoundGroup,
    start: number,
    beforeT: number,
    t: number,
  ): readonly [first: number, last: number];
  /**
   * The rows of [first, last) that are seen at t and pass the filter of the group. `isOrdered`: in
   * their total order. They are valid until the next call.
   */
  choose(
    group: BoundGroup,
    first: number,
    last: number,
    t: number,
    isOrdered: boolean,
  ): { readonly rows: Int32Array; readonly length: number };
  /**
   * The newest of the rows [start, end) that is seen at t, passes the filter, and is not before
   * `earliest`. −1: there is no such row.
   */
  newest(start: number, end: number, t: number, earliest: number, filter: RowFilter): number;
}

/** Takes the value of an aggregate. */
export type PutValue = (aggregate: BoundAggregate, value: Value) => void;

/** The chosen rows of one window. They are valid within one answer only. */
let chosenRows = new Int32Array(1024);

/**
 * Makes the scan of these rows. `order` compares rows of one event time; null: none needs it.
 * `changes` says whether all rows that may be scanned now are known.
 */
export function windowScan(
  { time, from, to }: TimedRows,
  order: ((a: number, b: number) => number) | null,
  changes: Pick<KnownChanges, "alwaysKnown"> = { alwaysKnown: from === null },
): WindowScan {
  return {
    answer(group, start, beforeT, t, put) {
      const { aggregates } = group;
      if (group.series !== null) {
        const lists = seriesLists(group, group.series(t), start, beforeT, t);
        for (let i = 0; i < lists.length; i++) put(aggregates[i]!, lists[i]!);
        return;
      }
      const [first, last] = rangeOf(group, start, beforeT, t);
      answerBetween(group, first, last, t, put);
    },
    answerBetween,
    range: rangeOf,
    choose({ filter }, first, last, t, isOrdered) {
      const length = chooseRows(first, last, t, filter);
      if (isOrdered) sortTies(chosenRows, length, time, order!);
      return { rows: chosenRows, length };
    },
    newest(start, end, t, earliest, filter) {
      for (let i = end - 1; i >= start && time[i]! >= earliest; i--) {
        if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
        if (filter === null || filter(i)) return i;
      }
      return -1;
    },
  };

  function rangeOf(
    { edges }: BoundGroup,
    start: number,
    beforeT: number,
    t: number,
  ): readonly [number, number] {
    const last = edges.entersAfter === 0 ? beforeT : lowerBound(time, start, beforeT, edges.end(t));
    return [lowerBound(time, start, last, edges.start(t)), last];
  }

  function answerBetween(
    { newest: most, filter, order: inOrder, aggregates }: BoundGroup,
    first: number,
    last: number,
    t: number,
    put: PutValue,
  ): void {
    const length =
      most === null
        ? chooseRows(first, last, t, filter)
        : chooseNewest(first, last, t, filter, most);
    if (inOrder && most === null) sortTies(chosenRows, length, time, order!);
    for (const aggregate of aggregates) {
      const { kernel } = aggregate;
      kernel.reset();
      kernel.add(chosenRows, length);
      put(aggregate, kernel.finish(t));
    }
  }

  /** For each aggregate of a group its values over the windows between these edges. */
  function seriesLists(
    { filter, order: inOrder, aggregates }: BoundGroup,
    edges: Float64Array,
    start: number,
    end: number,
    t: number,
  ): readonly Value[][] {
    const count = edges.length - 1;
    const lists = aggregates.map(() => new Array<Value>(count).fill(null));
    let first = lowerBound(time, start, end, edges[0]!);
    for (let i = 0; i < count; i++) {
      const last = lowerBound(time, first, end, edges[i + 1]!);
      const length = chooseRows(first, last, t, filter);
      if (inOrder) sortTies(chosenRows, length, time, order!);
      for (let a = 0; a < aggregates.length; a++) {
        const { kernel } = aggregates[a]!;
        kernel.reset();
        kernel.add(chosenRows, length);
        lists[a]![i] = kernel.finish(t);
      }
      first = last;
    }
    return lists;
  }

  /**
   * Puts into `chosenRows` the rows of [first, last) that are seen at t and pass the filter.
   * Returns their number.
   */
  function chooseRows(first: number, last: number, t: number, filter: RowFilter): number {
    if (chosenRows.length < last - first) chosenRows = new Int32Array((last - first) * 2);
    const checks = !changes.alwaysKnown;
    let length = 0;
    for (let i = first; i < last; i++) {
      if (checks && !isKnown(from![i]!, to![i]!, t)) continue;
      if (filter !== null && !filter(i)) continue;
      chosenRows[length++] = i;
    }
    return length;
  }

  /**
   * Puts into `chosenRows` the newest `most` rows of [first, last) that are seen at t and pass the
   * filter, in the order of rows. Returns their number.
   */
  function chooseNewest(
    first: number,
    last: number,
    t: number,
    filter: RowFilter,
    most: number,
  ): number {
    if (chosenRows.length < last - first) chosenRows = new Int32Array((last - first) * 2);
    const end = last - first;
    let begin = end;
    for (let i = last - 1; i >= first; i--) {
      // Rows of one time may have any order here: all of the last time are compared.
      if (end - begin >= most && time[i] !== time[chosenRows[begin]!]) break;
      if (from !== null && !isKnown(from[i]!, to![i]!, t)) continue;
      if (filter !== null && !filter(i)) continue;
      chosenRows[--begin] = i;
    }
    chosenRows.copyWithin(0, begin, end);
    sortTies(chosenRows, end - begin, time, order!);
    const tooMany = Math.max(0, end - begin - most);
    if (tooMany > 0) chosenRows.copyWithin(0, tooMany, end - begin);
    return end - begin - tooMany;
  }
}
