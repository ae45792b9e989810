/** Orders rows by entity and time. */
import { sequence } from "../columns/sequence.ts";
import { upperBound } from "../window/window-law.ts";

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

/** Where the runs of a range begin, and their end. */
let bounds = new Int32Array(64);
/** The rows of the run that is merged into the next one. */
let leftTimes = new Float64Array(1024);
let leftRows = new Int32Array(1024);

/**
 * Sorts the rows [start, end). Rows come in runs that ascend, since files are sorted. Neighbours
 * are merged until one run is left. The method is known as the natural merge sort.
 */
function orderRange(start: number, end: number, times: Float64Array, order: Int32Array): void {
  let runs = 0;
  for (let i = start; i < end; i++) {
    if (i > start && times[i - 1]! <= times[i]!) continue;
    if (runs + 1 === bounds.length) bounds = extended(bounds);
    bounds[runs++] = i;
  }
  bounds[runs] = end;
  while (runs > 1) {
    let kept = 0;
    for (let run = 0; run < runs; run += 2) {
      const first = bounds[run]!;
      if (run + 1 < runs) mergeRuns(first, bounds[run + 1]!, bounds[run + 2]!, times, order);
      bounds[kept++] = first;
    }
    bounds[kept] = end;
    runs = kept;
  }
}

/** Merges the runs [start, middle) and [middle, end). Rows of the first one come first. */
function mergeRuns(
  start: number,
  middle: number,
  end: number,
  times: Float64Array,
  order: Int32Array,
): void {
  // rows at the start that come before all of the second run stay where they are
  let to = upperBound(times, start, middle, times[middle]!);
  const left = middle - to;
  if (left === 0) return;
  if (leftTimes.length < left) {
    leftTimes = new Float64Array(left * 2);
    leftRows = new Int32Array(left * 2);
  }
  leftTimes.set(times.subarray(to, middle));
  leftRows.set(order.subarray(to, middle));
  let right = middle;
  for (let l = 0; l < left;) {
    const isLeft = right === end || leftTimes[l]! <= times[right]!;
    times[to] = isLeft ? leftTimes[l]! : times[right]!;
    order[to++] = isLeft ? leftRows[l++]! : order[right++]!;
  }
}

function extended(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}
