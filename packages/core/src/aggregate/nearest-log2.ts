/**
 * The double nearest to the binary logarithm of a whole number. `Math.log2` may be another double,
 * and another one in each engine.
 */

/**
 * Logarithms of small counts, each computed when it is first asked for. The empty registers of the
 * largest sketch are at most 2^14.
 */
const SMALL = new Float64Array(2 ** 14 + 1).fill(NaN);

/** Returns the double nearest to log₂ of a whole number from 1 to 2^53. */
export function nearestLog2(count: number): number {
  const known = SMALL[count];
  if (known !== undefined && !Number.isNaN(known)) return known;
  const found = computedLog2(count);
  if (count < SMALL.length) SMALL[count] = found;
  return found;
}

function computedLog2(count: number): number {
  const whole = BigInt(count).toString(2).length - 1;
  if (2 ** whole === count) return whole;
  for (let bits = 128; ; bits *= 2) {
    const fraction = fractionBits(BigInt(count), whole, bits);
    // The logarithm is between these two. If both round alike, so does it.
    const low = (BigInt(whole) << BigInt(bits)) + fraction;
    const [down, up] = [scaled(low, bits), scaled(low + 2n, bits)];
    if (down === up) return down;
  }
}

/**
 * The first bits after the point of log₂(count) − whole, as a whole number: the exact one or one
 * less. Each squaring of 2^f doubles f, and brings its next bit before the point.
 */
function fractionBits(count: bigint, whole: number, bits: number): bigint {
  // A squaring drops less than 2^−point, which changes f by less than the last of its bits.
  const point = BigInt(2 * bits + 64);
  const two = 2n << point;
  let power = (count << point) >> BigInt(whole);
  let fraction = 0n;
  for (let i = 0; i < bits; i++) {
    power = (power * power) >> point;
    fraction <<= 1n;
    if (power >= two) {
      power >>= 1n;
      fraction |= 1n;
    }
  }
  return fraction;
}

/** The double nearest to value · 2^−bits. A bigint becomes the nearest double. */
function scaled(value: bigint, bits: number): number {
  return Number(value) * 2 ** -bits;
}
