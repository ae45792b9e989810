/**
 * The weight of decay, 2^(−age ÷ halfLife): the double nearest to it, of the exact quotient.
 *
 * With age = k · halfLife + r the weight is 2^−k · 2^(−r ÷ halfLife). A sum of two doubles holds
 * the second factor to about 78 bits. Where these bits do not decide the nearest double, which
 * happens about once in a million times, integers of 256 bits do.
 */
import { productError } from "../statistics/error-free.ts";
import { roundRational } from "../statistics/rational.ts";

/** Bits of the fixed-point numbers of `exactPower`. */
const BITS = 256n;
const ONE = 1n << BITS;

/**
 * Returns 2^(−r ÷ h) in units of 2^−256. Its error is below 2^−230.
 * No quotient of safe integers is so near to the middle of two doubles that this error matters.
 */
function exactPower(r: number, h: number): bigint {
  // e^−x for x = r · ln 2 ÷ h, as the 2^16-th power of e^(−x ÷ 2^16).
  const x = (((BigInt(r) << BITS) / BigInt(h)) * LN2) >> (BITS + 16n);
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * x) / (n << BITS);
    sum += n % 2n === 1n ? -term : term;
  }
  for (let i = 0; i < 16; i++) sum = (sum * sum) >> BITS;
  return sum;
}

/** ln 2 in units of 2^−256: 2 · atanh(1 ÷ 3). */
const LN2 = ((): bigint => {
  let power = (2n * ONE) / 3n;
  let sum = 0n;
  for (let n = 1n; power !== 0n; n += 2n, power /= 9n) sum += power / n;
  return sum;
})();

/** ln 2 as the sum of two doubles. */
const LN2_HIGH = roundRational(LN2, ONE);
const LN2_LOW = restOf(LN2, LN2_HIGH);

/** What the nearest double, a whole number of 2^−54, lacks of a number from 0.5 to 1. */
function restOf(exact: bigint, nearest: number): number {
  return roundRational(exact - (BigInt(nearest * 2 ** 54) << (BITS - 54n)), ONE);
}

const STEPS = 128;
/** 2^(−j ÷ 128) as the sum of two doubles. */
const [HIGH, LOW] = ((): readonly [Float64Array, Float64Array] => {
  const [high, low] = [new Float64Array(STEPS + 1), new Float64Array(STEPS + 1)];
  for (let j = 0; j <= STEPS; j++) {
    const exact = exactPower(j, STEPS);
    const nearest = roundRational(exact, ONE);
    high[j] = nearest;
    low[j] = restOf(exact, nearest);
  }
  return [high, low];
})();

/** The most that the sum of `high` and `low` in `weightOf` is off. It is less than 2^−77. */
const ERROR = 2 ** -74;
/**
 * Returns the double nearest to 2^(−age ÷ halfLife), half to even. Both are µs: the age is a safe
 * integer from 0 on, the half-life one above 0.
 */
export function weightOf(age: number, halfLife: number): number {
  let k = Math.floor(age / halfLife);
  let r = age - k * halfLife;
  if (r < 0) {
    k--;
    r += halfLife;
  }
  // Less than half of the smallest double, or half of it, which is rounded to even.
  if (k >= 1075) return 0;
  if (r === 0) return 2 ** -k;
  // A subnormal double has fewer bits.
  if (k > 1020) return roundRational(exactPower(r, halfLife), ONE, -k);
  const quotient = r / halfLife;
  const taken = quotient * halfLife;
  const quotientLow = (r - taken - productError(quotient, halfLife, taken)) / halfLife;
  // 2^−f = 2^(−j ÷ 128) · e^x with |x| < 0.0028. The difference is exact.
  const j = Math.round(quotient * STEPS);
  const left = j / STEPS - quotient;
  const x = left * LN2_HIGH;
  const xLow = productError(left, LN2_HIGH, x) + left * LN2_LOW - quotientLow * LN2_HIGH;
  // e^x − 1 = x + x² ÷ 2 + … The first two terms are sums of two doubles.
  const square = (x * x) / 2;
  const squareLow = productError(x, x, x * x) / 2 + x * xLow + square * xLow;
  const rest = x * x * x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x / 5040))));
  const power = x + square;
  const powerLow = x - power + square + xLow + squareLow + rest;
  const table = HIGH[j]!;
  const more = table * power;
  const high = table + more;
  const low =
    table -
    high +
    more +
    productError(table, power, more) +
    (LOW[j]! + table * powerLow + LOW[j]! * power);
  const weight = high + (low - ERROR);
  return weight === high + (low + ERROR)
    ? weight * 2 ** -k
    : roundRational(exactPower(r, halfLife), ONE, -k);
}
