/** Sets of days as ranges: ascending, apart from each other, both ends included. */
import type { DayRange } from "./day-rows.ts";

/** All days that there are. */
export const EVERY_DAY: DayRange = { from: -Infinity, to: Infinity };

/** The days of all these ranges. */
export function joinedRanges(ranges: readonly DayRange[]): readonly DayRange[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    if (from > to || from === Infinity || to === -Infinity) continue;
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** The days of the ranges that are in another range. */
export function rangesWithin(
  ranges: readonly DayRange[],
  { from, to }: DayRange,
): readonly DayRange[] {
  return joinedRanges(
    ranges.map((one) => ({ from: Math.max(one.from, from), to: Math.min(one.to, to) })),
  );
}

/** The days of the ranges that are not in another range. */
export function rangesWithout(
  ranges: readonly DayRange[],
  { from, to }: DayRange,
): readonly DayRange[] {
  return joinedRanges(
    ranges.flatMap((one) => [
      { from: one.from, to: Math.min(one.to, from - 1) },
      { from: Math.max(one.from, to + 1), to: one.to },
    ]),
  );
}

/** Whether a day is in one of the ranges. */
export function isInRanges(ranges: readonly DayRange[], day: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.to < day) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low]!.from <= day;
}

/** The ranges in groups that are read together: few days lie between those of a group. */
export function clusters(ranges: readonly DayRange[], gap: number): readonly DayRange[][] {
  const groups: DayRange[][] = [];
  for (const range of ranges) {
    const last = groups.at(-1);
    if (last !== undefined && range.from - last.at(-1)!.to <= gap) last.push(range);
    else groups.push([range]);
  }
  return groups;
}
