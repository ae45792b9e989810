/**
 * Computes with doubles exactly, for the oracle. A double is a whole number of units of 2^-1074, so
 * a sum of doubles is a sum of BigInts. Only the end result is rounded (law 3: rounded once, half
 * to even).
 */

const FRACTION_BITS = 52n;
const SMALLEST = 1074n;

/** Returns a finite double in units of 2^-1074. */
export function unitsOf(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> FRACTION_BITS) & 0x7ffn;
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const magnitude =
    exponent === 0n ? fraction : (fraction | (1n << FRACTION_BITS)) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

/** A rounded number. */
export interface Rounded {
  /** The finite result, never −0. */
  readonly value: number;
  /**
   * True if the exact number is beyond the largest double. `value` is then the largest double with
   * its sign.
   */
  readonly overflow: boolean;
}

/**
 * Returns the double nearest to numerator / denominator, half to even. Larger results saturate at
 * the largest finite double.
 */
export function roundFraction(numerator: bigint, denominator: bigint): Rounded {
  if (numerator === 0n) return { value: 0, overflow: false };
  const negative = numerator < 0n !== denominator < 0n;
  const n = (numerator < 0n ? -numerator : numerator) << SMALLEST;
  const d = denominator < 0n ? -denominator : denominator;
  // In units of 2^-1074, keep 53 bits: the last kept bit is worth 2^shift units.
  const bits = (n / d).toString(2).length;
  const shift = BigInt(Math.max(0, bits - 53));
  const step = d << shift;
  let kept = n / step;
  const twice = (n % step) * 2n;
  if (twice > step || (twice === step && kept % 2n === 1n)) kept += 1n;
  const magnitude = Number(kept) * 2 ** (Number(shift) - Number(SMALLEST));
  const overflow = magnitude === Infinity || Number.isNaN(magnitude);
  const value = overflow ? Number.MAX_VALUE : magnitude;
  if (value === 0) return { value: 0, overflow: false };
  return { value: negative ? -value : value, overflow };
}

/** Returns the exact sum of doubles, rounded once. */
export function sumOfDoubles(values: readonly number[]): Rounded {
  let units = 0n;
  for (const value of values) units += unitsOf(value);
  return roundFraction(units, 1n << SMALLEST);
}
