/**
 * Finds the newest row of an entity at one time after another. Rows that are not known are looked
 * at once, and not again for each time.
 */
import type { KnownChanges } from "./known-changes.ts";
import type { TimedRows } from "./timed-rows.ts";
import { isKnown } from "./window-law.ts";

/** The newest row while the time moves forward. */
export interface NewestRow {
  /** Begins with an entity whose rows start here. */
  begin(start: number): void;
  /**
   * The newest row before `beforeT` that is known at t, passes, and is not before `earliest`; −1:
   * there is no such row. t, `beforeT` and `earliest` never fall.
   */
  at(t: number, beforeT: number, earliest: number): number;
}

/** Makes the search of the newest row. `passes` says which rows count; null: all do. */
export function newestRow(
  { time, from, to }: TimedRows,
  changes: KnownChanges,
  passes: Uint8Array | null,
): NewestRow {
  let begins = 0;
  /** No row of [newest + 1, searched) counted at the last time. −1: neither did one before them. */
  let newest = -1;
  let searched = 0;
  const counts = (row: number, t: number): boolean =>
    (changes.alwaysKnown || isKnown(from![row]!, to![row]!, t)) &&
    (passes === null || passes[row] === 1);
  /** The newest row of [first, last) that counts at t and is not before `earliest`. */
  const search = (first: number, last: number, t: number, earliest: number): number => {
    for (let row = last - 1; row >= first && time[row]! >= earliest; row--)
      if (counts(row, t)) return row;
    return -1;
  };
  return {
    begin(start) {
      begins = start;
      newest = -1;
      searched = start;
    },
    at(t, beforeT, earliest) {
      let found = search(searched, beforeT, t, earliest);
      if (found < 0) {
        found = newest < 0 ? -1 : search(begins, newest + 1, t, earliest);
        for (let i = 0; i < changes.length; i++) {
          const row = changes.rows[i]!;
          if (row > found && row < searched && time[row]! >= earliest && counts(row, t))
            found = row;
        }
      }
      newest = found;
      searched = beforeT;
      return found;
    },
  };
}
