/** Distances between two distributions. */
import { ExactSum } from "../statistics/exact-sum.ts";

/** Numbers in their order, each with its number of rows. */
export type CountedNumbers = readonly { readonly value: number; readonly rows: number }[];

/** A share of zero counts as this in a PSI, which has no value otherwise. */
const LEAST_SHARE = 1e-4;

/**
 * The population stability index Σ (c − r) · ln(c ÷ r) of the shares of bins. A share of zero
 * counts as 0.0001. A bin that is empty on both sides counts nothing.
 */
export function stabilityIndex(current: readonly number[], reference: readonly number[]): number {
  const [c, r] = [sharesOf(current), sharesOf(reference)];
  const sum = new ExactSum();
  c.forEach((share, i) => {
    if (share === 0 && r[i] === 0) return;
    const [a, b] = [share === 0 ? LEAST_SHARE : share, r[i] === 0 ? LEAST_SHARE : r[i]!];
    sum.add((a - b) * Math.log(a / b));
  });
  return sum.round();
}

/**
 * The Jensen–Shannon distance of the shares of bins: the root of the divergence, with natural
 * logarithms. It is from 0 to √ln 2 = 0.8326.
 */
export function jensenShannon(current: readonly number[], reference: readonly number[]): number {
  const [c, r] = [sharesOf(current), sharesOf(reference)];
  const sum = new ExactSum();
  c.forEach((share, i) => {
    const middle = (share + r[i]!) / 2;
    for (const one of [share, r[i]!]) if (one > 0) sum.add(one * Math.log(one / middle));
  });
  // equal shares have a sum of 0, and roundings may leave less
  return Math.sqrt(Math.max(0, sum.round()) / 2);
}

function sharesOf(rows: readonly number[]): readonly number[] {
  const all = rows.reduce((sum, one) => sum + one, 0);
  return rows.map((one) => one / all);
}

/** The two-sample statistic of Kolmogorov and Smirnov: the greatest distance of the CDFs. */
export function kolmogorovSmirnov(current: CountedNumbers, reference: CountedNumbers): number {
  let greatest = 0;
  for (const { distance } of steps(current, reference)) greatest = Math.max(greatest, distance);
  return greatest;
}

/** The first Wasserstein distance: the area between the CDFs, in the unit of the numbers. */
export function wasserstein(current: CountedNumbers, reference: CountedNumbers): number {
  const area = new ExactSum();
  let before: { readonly value: number; readonly distance: number } | null = null;
  for (const step of steps(current, reference)) {
    if (before !== null) area.add(before.distance * (step.value - before.value));
    before = step;
  }
  return area.round();
}

/** The distance of the CDFs from each value on. */
function* steps(
  current: CountedNumbers,
  reference: CountedNumbers,
): Generator<{ readonly value: number; readonly distance: number }> {
  const [ofCurrent, ofReference] = [rowsIn(current), rowsIn(reference)];
  let [c, r, below, belowReference] = [0, 0, 0, 0];
  while (c < current.length || r < reference.length) {
    const value = Math.min(current[c]?.value ?? Infinity, reference[r]?.value ?? Infinity);
    while (c < current.length && current[c]!.value === value) below += current[c++]!.rows;
    while (r < reference.length && reference[r]!.value === value)
      belowReference += reference[r++]!.rows;
    yield { value, distance: Math.abs(below / ofCurrent - belowReference / ofReference) };
  }
}

/** The number of rows of all numbers. */
export function rowsIn(numbers: CountedNumbers): number {
  return numbers.reduce((sum, { rows }) => sum + rows, 0);
}
