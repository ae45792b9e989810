/** Summarizes measurements. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Returns the value that this share of the values does not exceed; NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
