/**
 * Slides a window over the rows of an entity: rows are added when they enter, and subtracted when
 * they leave.
 */
import type { BoundGroup } from "./bound-groups.ts";
import type { KnownChanges } from "./known-changes.ts";
import type { TimedRows } from "./timed-rows.ts";
import { isKnown, lowerBoundAfter } from "./window-law.ts";

/** A window that moves forward over the rows of one entity after another. */
export interface SlidingGroup {
  readonly group: BoundGroup;
  /** Begins with an entity whose rows start here. */
  begin(start: number): void;
  /**
   * Moves the window to t, which is not before the last t of the entity. `beforeT` is the end of
   * the entity's rows before t.
   */
  moveTo(t: number, beforeT: number): void;
}

/** Rows that enter or leave. They are valid within one step only. */
let entering: Int32Array = new Int32Array(1024);
let leaving: Int32Array = new Int32Array(1024);

/** Makes the sliding window of a group. `passes`: which rows pass its condition; null: all do. */
export function slidingGroup(
  group: BoundGroup,
  { time, from, to }: TimedRows,
  changes: KnownChanges,
  passes: Uint8Array | null,
): SlidingGroup {
  const { edges, aggregates } = group;
  /** The window holds the rows [first, last) that are known at `current` and pass. */
  let first = 0;
  let last = 0;
  let current = -Infinity;
  return {
    group,
    begin(start) {
      first = start;
      last = start;
      current = -Infinity;
    },
    moveTo(t, beforeT) {
      const newLast =
        edges.entersAfter === 0 ? beforeT : lowerBoundAfter(time, last, beforeT, edges.end(t));
      const newFirst = lowerBoundAfter(time, first, newLast, edges.start(t));
      const moved = Math.min(newFirst, last) - first + (newLast - Math.max(newFirst, last));
      entering = atLeast(entering, newLast - newFirst + changes.length);
      if (newLast - newFirst <= moved) {
        const entered = takeRows(entering, newFirst, newLast, t);
        for (let a = 0; a < aggregates.length; a++) {
          const { kernel } = aggregates[a]!;
          kernel.reset();
          kernel.add(entering, entered);
        }
      } else {
        // Some rows stay: the window begins among the rows of the one before.
        leaving = atLeast(leaving, newFirst - first + changes.length);
        let left = takeRows(leaving, first, newFirst, current);
        let entered = takeRows(entering, last, newLast, t);
        for (let i = 0; i < changes.length; i++) {
          const row = changes.rows[i]!;
          if (row < newFirst || row >= last) continue;
          if (passes !== null && passes[row] === 0) continue;
          const wasKnown = isKnown(from![row]!, to![row]!, current);
          if (wasKnown === isKnown(from![row]!, to![row]!, t)) continue;
          if (wasKnown) leaving[left++] = row;
          else entering[entered++] = row;
        }
        for (let a = 0; a < aggregates.length; a++) {
          const { kernel } = aggregates[a]!;
          if (entered > 0) kernel.add(entering, entered);
          if (left > 0) kernel.subtract!(leaving, left);
        }
      }
      first = newFirst;
      last = newLast;
      current = t;
    },
  };

  /** Puts those of [start, end) into `rows` that are known at t and pass. Returns their number. */
  function takeRows(rows: Int32Array, start: number, end: number, t: number): number {
    const checks = !changes.alwaysKnown;
    let length = 0;
    for (let i = start; i < end; i++) {
      if (checks && !isKnown(from![i]!, to![i]!, t)) continue;
      if (passes !== null && passes[i] === 0) continue;
      rows[length++] = i;
    }
    return length;
  }
}

function atLeast(rows: Int32Array, length: number): Int32Array {
  return rows.length < length ? new Int32Array(length * 2) : rows;
}
