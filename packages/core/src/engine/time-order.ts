/** Orders rows by entity and time. */
import { sequence } from "../columns/sequence.ts";
import { lowerBound } from "../window/window-law.ts";

/** The next free place of the rows of each time, while they are ordered. */
let taken = new Int32Array(1024);

/**
 * Puts the rows of each entity in the order of their times. The rows of entity e are
 * [starts[e], starts[e + 1]). Rows of one time keep their order. Returns for each place the row
 * that comes there, and sorts `times`; null: they are in this order.
 */
export function orderByTime(starts: Int32Array, times: Float64Array): Int32Array | null {
  let order: Int32Array | null = null;
  for (let e = 0; e + 1 < starts.length; e++) {
    const start = starts[e]!;
    const end = starts[e + 1]!;
    let sorted = true;
    for (let i = start + 1; i < end && sorted; i++) sorted = times[i - 1]! <= times[i]!;
    if (sorted) continue;
    order ??= sequence(times.length);
    orderRange(start, end, times, order);
  }
  return order;
}

/** A sort of numbers is several times faster than one that compares rows. */
function orderRange(start: number, end: number, times: Float64Array, order: Int32Array): void {
  const given = times.slice(start, end);
  const sorted = times.subarray(start, end).sort();
  if (taken.length < sorted.length) taken = new Int32Array(sorted.length * 2);
  taken.fill(0, 0, sorted.length);
  for (let i = 0; i < given.length; i++) {
    const first = lowerBound(sorted, 0, sorted.length, given[i]!);
    order[start + first + taken[first]!++] = start + i;
  }
}
