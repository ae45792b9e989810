/**
 * Law 1 and law 6, once: every path asks these. Times in µs. A window of length `w` asked at `t`
 * holds t − w ≤ event time < t; of row versions it holds those with max(event time, known from) < t
 * ≤ min(event time + w, known to), so "as corrected" is the case of open versions known from −∞ to
 * ∞.
 */

/** A version known in (from, to] is seen at `t`. */
export function isKnown(from: number, to: number, t: number): boolean {
  return from < t && t <= to;
}

/**
 * The first of `times[start, end)`, which are sorted, that is not below `bound`; `end` where there
 * is none.
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
