/** What the rounded sum or product of two doubles lacks, which is a double. */

/** Splits a double into halves of 26 bits (Dekker). */
const SPLIT = 134_217_729;

/** The error of the rounded `sum` of two doubles: a + b − sum, exactly (Knuth). */
export function sumError(a: number, b: number, sum: number): number {
  const roundedB = sum - a;
  return a - (sum - roundedB) + (b - roundedB);
}

/** The error of the rounded `product` of two doubles: a · b − product, exactly (Dekker). */
export function productError(a: number, b: number, product: number): number {
  const aBig = a * SPLIT;
  const aHigh = aBig - (aBig - a);
  const aLow = a - aHigh;
  const bBig = b * SPLIT;
  const bHigh = bBig - (bBig - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
