/**
 * Finds the rows of an entity that become known, or cease to be known, while they may be in a
 * window. Every other row enters and leaves with the edges of the window alone.
 */
import type { TimedRows } from "./timed-rows.ts";
import { isKnown } from "./window-law.ts";

/** The changes of what is known, while the time moves from one label to the next. */
export interface KnownChanges {
  /** Whether each row that a label may count is known at that label. */
  readonly alwaysKnown: boolean;
  /** The other rows, in their order. They are not known at some label that may count them. */
  readonly exceptions: readonly number[];
  /** The rows that became known, or ceased to be, since the label before. */
  readonly rows: Int32Array;
  /** The number of these rows. */
  readonly length: number;
  /** Moves to the next label. */
  moveTo(t: number): void;
  /** Begins with the rows [start, end) and the ascending labels `labels[first, last)`. */
  begin(start: number, end: number, labels: Float64Array, first: number, last: number): void;
}

/** Returns the changes of these rows. */
export function knownChanges({ time, from, to }: TimedRows): KnownChanges {
  return from === null ? new NoChanges() : new Changes(time, from, to!);
}

class NoChanges implements KnownChanges {
  readonly alwaysKnown = true;
  readonly exceptions: readonly number[] = [];
  readonly rows = new Int32Array(0);
  readonly length = 0;
  moveTo(): void {}
  begin(): void {}
}

class Changes implements KnownChanges {
  readonly exceptions: number[] = [];
  rows: Int32Array = new Int32Array(16);
  length = 0;
  private readonly time: Float64Array;
  private readonly from: Float64Array;
  private readonly to: Float64Array;
  /** Rows that may enter after their time, by known from. */
  private readonly late: number[] = [];
  /** Rows that may leave before their window ends, by known to. */
  private readonly closing: number[] = [];
  private nextLate = 0;
  private nextClosing = 0;

  constructor(time: Float64Array, from: Float64Array, to: Float64Array) {
    this.time = time;
    this.from = from;
    this.to = to;
  }

  begin(start: number, end: number, labels: Float64Array, first: number, last: number): void {
    const { time, from, to, late, closing, exceptions } = this;
    exceptions.length = 0;
    late.length = 0;
    closing.length = 0;
    this.nextLate = 0;
    this.nextClosing = 0;
    this.length = 0;
    const lastLabel = labels[last - 1]!;
    let label = first;
    for (let i = start; i < end; i++) {
      // The row counts at this label at the earliest (law 1: the event at t is excluded).
      while (label < last && labels[label]! <= time[i]!) label++;
      if (label === last) break;
      if (isKnown(from[i]!, to[i]!, labels[label]!)) {
        if (isKnown(from[i]!, to[i]!, lastLabel)) continue;
        closing.push(i);
      } else if (from[i]! < lastLabel && from[i]! < to[i]! && to[i]! >= labels[label]!) {
        late.push(i);
        if (to[i]! < lastLabel) closing.push(i);
      }
      exceptions.push(i);
    }
    sortBy(late, from);
    sortBy(closing, to);
    const most = late.length + closing.length;
    if (this.rows.length < most) this.rows = new Int32Array(most * 2);
  }

  get alwaysKnown(): boolean {
    return this.exceptions.length === 0;
  }

  moveTo(t: number): void {
    const { from, to, late, closing, rows } = this;
    let length = 0;
    // A version is seen while known from < t ≤ known to (law 6).
    for (; this.nextLate < late.length && from[late[this.nextLate]!]! < t; this.nextLate++)
      rows[length++] = late[this.nextLate]!;
    for (
      ;
      this.nextClosing < closing.length && to[closing[this.nextClosing]!]! < t;
      this.nextClosing++
    )
      rows[length++] = closing[this.nextClosing]!;
    this.length = length;
  }
}

/** Sorts rows by their keys. Most of them are in order, which the sort makes use of. */
function sortBy(rows: number[], keys: Float64Array): void {
  for (let i = 1; i < rows.length; i++)
    if (keys[rows[i - 1]!]! > keys[rows[i]!]!) {
      rows.sort((a, b) => keys[a]! - keys[b]!);
      return;
    }
}
