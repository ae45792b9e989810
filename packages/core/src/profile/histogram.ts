/** Counts numbers in bins of equal width. */
const BINS = 20;

/** Numbers in their order, each with its number of rows. */
type CountedNumbers = readonly { readonly value: number; readonly rows: number }[];

/** The edges of the bins from the least to the greatest number. Equal ones have one bin. */
export function binEdges(least: number, greatest: number): readonly number[] {
  const bins = least === greatest ? 1 : BINS;
  const width = greatest / bins - least / bins;
  return Array.from({ length: bins + 1 }, (_, i) => (i === bins ? greatest : least + i * width));
}

/** The rows of each bin. A bin has its lower edge, and the last one has its upper edge too. */
export function countsBetween(
  edges: readonly number[],
  numbers: CountedNumbers,
): readonly number[] {
  const bins = edges.length - 1;
  const counts = new Array<number>(bins).fill(0);
  let bin = 0;
  for (const { value, rows } of numbers) {
    while (bin < bins - 1 && value >= edges[bin + 1]!) bin++;
    counts[bin]! += rows;
  }
  return counts;
}
