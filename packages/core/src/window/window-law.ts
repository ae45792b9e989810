/**
 * The window law, in one place: every path calls these functions. Times are in µs.
 * A window of length `w` at `t` holds the rows with t − w ≤ event time < t (law 1).
 * Of row versions it holds those with max(event time, known from) < t ≤ min(event time + w, known
 * to) (law 6).
 * "As corrected" is the case of open versions, known from −∞ to ∞.
 */

/** Whether a version known in (from, to] is seen at `t` (law 6: known from < t ≤ known to). */
export function isKnown(from: number, to: number, t: number): boolean {
  return from < t && t <= to;
}

/**
 * The index of the first of the sorted `times[start, end)` that is at least `bound`.
 * The result is `end` if all of them are smaller.
 */
export function lowerBound(times: Float64Array, start: number, end: number, bound: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the first of the sorted `times[start, end)` that is after `bound`. */
export function upperBound(times: Float64Array, start: number, end: number, bound: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * As `lowerBound`, where the result is likely near `start`: the sorted times of a window's edge
 * that moves forward.
 */
export function lowerBoundAfter(
  times: Float64Array,
  start: number,
  end: number,
  bound: number,
): number {
  let from = start;
  let step = 1;
  while (from + step <= end && times[from + step - 1]! < bound) {
    from += step;
    step *= 2;
  }
  return lowerBound(times, from, Math.min(end, from + step), bound);
}
