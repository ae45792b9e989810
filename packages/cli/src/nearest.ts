/** The name somebody meant. */

/** The one of `names` that is at most a third of its letters away from `name`; null: none is. */
function nearest(name: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Infinity;
  for (const candidate of names) {
    const steps = distance(name.toLowerCase(), candidate.toLowerCase());
    if (steps < least && steps <= Math.max(1, Math.ceil(candidate.length / 3))) [best, least] = [candidate, steps];
  }
  return best;
}

/** `, did you mean "x"`, or nothing. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const found = nearest(name, names);
  return found === null ? "" : `; did you mean "${found}"?`;
}

/** Letters to insert, drop or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
