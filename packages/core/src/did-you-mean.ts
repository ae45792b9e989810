/** The name somebody meant. */

/**
 * `; did you mean "x"?` with the one of `names` that is at most a third of its letters away, or
 * nothing. Names that are too long to compare are passed over.
 */
export function didYouMean(name: string, names: Iterable<string>): string {
  let best: string | null = null;
  let least = Infinity;
  if (name.length > 200) return "";
  for (const candidate of names) {
    const allowed = Math.max(1, Math.ceil(candidate.length / 3));
    if (Math.abs(candidate.length - name.length) > allowed) continue;
    const steps = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (steps < least && steps <= allowed) [best, least] = [candidate, steps];
  }
  return best === null ? "" : `; did you mean "${best}"?`;
}

/** Counts the letters to insert, remove or replace between two names. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length]!;
}
