/** Rounds exact rational numbers, and their roots, to the nearest double, half to even. */

import { HIGH_WORD, LOW_WORD } from "./double-words.ts";

/** The number `mantissa` · 2^`exponent`. */
export interface BinaryNumber {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** Takes a finite double apart, exactly. The mantissa is odd, or 0. */
export function binaryNumber(value: number): BinaryNumber {
  if (value === 0) return { mantissa: 0n, exponent: 0 };
  float[0] = value;
  const high = words[HIGH_WORD]!;
  const low = words[LOW_WORD]!;
  const biased = (high >>> 20) & 0x7ff;
  if (biased === 0) {
    // No bit is lost: the product is no subnormal.
    const { mantissa, exponent } = binaryNumber(value * 2 ** 100);
    return { mantissa, exponent: exponent - 100 };
  }
  const zeros = low === 0 ? 32 + wordZeros(high | 0x100000) : wordZeros(low);
  // With this exponent the last bit that is set weighs 1.
  words[HIGH_WORD] = (high & 0x800fffff) | ((1075 - zeros) << 20);
  return { mantissa: BigInt(float[0]), exponent: biased - 1075 + zeros };
}

/** The number of zeros at the end of a word that is not 0. */
function wordZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Adds two numbers, exactly. The mantissa of the sum may be even. */
export function binarySum(a: BinaryNumber, b: BinaryNumber): BinaryNumber {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  return {
    mantissa:
      (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent)),
    exponent,
  };
}

/** Returns the number with an odd mantissa, or 0. */
export function reduced({ mantissa, exponent }: BinaryNumber): BinaryNumber {
  if (mantissa === 0n) return { mantissa, exponent: 0 };
  const zeros = trailingZeros(mantissa);
  return { mantissa: mantissa >> BigInt(zeros), exponent: exponent + zeros };
}

/** The number of zeros at the end of a whole number that is not 0. */
export function trailingZeros(value: bigint): number {
  let rest = value;
  let zeros = 0;
  for (; (rest & 0xffffffffn) === 0n; rest >>= 32n) zeros += 32;
  return zeros + wordZeros(Number(rest & 0xffffffffn) | 0);
}

/**
 * Returns the double nearest to numerator ÷ denominator · 2^exponent; ±Infinity if it is outside
 * float64. The denominator is positive. The result is never −0.
 */
export function roundRational(numerator: bigint, denominator: bigint, exponent = 0): number {
  if (numerator === 0n) return 0;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const { quotient, shift } = shiftedQuotient(magnitude, denominator, 56, 0);
  const rounded = roundBinary(quotient, exponent - shift);
  return numerator < 0n && rounded !== 0 ? -rounded : rounded;
}

/**
 * Returns the double nearest to the root of numerator ÷ denominator · 2^exponent, which is not
 * negative.
 */
export function roundRoot(numerator: bigint, denominator: bigint, exponent = 0): number {
  if (numerator === 0n) return 0;
  // A root of 112 bits has 56. The shift is even, so that the root of the power is a power.
  const { quotient, shift } = shiftedQuotient(numerator, denominator, 112, exponent & 1);
  const root = integerRoot(quotient);
  const sticky = root * root === quotient ? root : root | 1n;
  return roundBinary(sticky, (exponent - shift) / 2);
}

/**
 * Returns numerator · 2^shift ÷ denominator with at least `least` bits. Its last bit is set if
 * there was a remainder, so that it still rounds to the right side.
 */
function shiftedQuotient(
  numerator: bigint,
  denominator: bigint,
  least: number,
  parity: number,
): { readonly quotient: bigint; readonly shift: number } {
  let shift = least + 1 - (bitsAbout(numerator) - bitsAbout(denominator));
  if ((shift & 1) !== parity) shift++;
  const n = shift > 0 ? numerator << BigInt(shift) : numerator;
  const d = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = n / d;
  return { quotient: quotient * d === n ? quotient : quotient | 1n, shift };
}

/** Rounds value · 2^exponent. The value has at least 55 bits, and its last bit may be sticky. */
function roundBinary(value: bigint, exponent: number): number {
  // Number() rounds half to even, and the product is exact: it is no subnormal.
  if (Math.abs(exponent) <= 1000) return Number(value) * 2 ** exponent;
  const length = bitLength(value);
  // A subnormal double has fewer than 53 bits.
  const kept = Math.min(53, length + exponent + 1074);
  if (kept < 0) return 0;
  const drop = BigInt(length - kept);
  const half = 1n << (drop - 1n);
  const rest = value & ((1n << drop) - 1n);
  let mantissa = value >> drop;
  if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n;
  const power = exponent + length - kept;
  if (power > 971) return Infinity;
  // Both steps are exact, because the result is a double.
  return power >= -1022
    ? Number(mantissa) * 2 ** power
    : Number(mantissa) * 2 ** -1000 * 2 ** (power + 1000);
}

/** The whole part of the root of a whole number. */
function integerRoot(value: bigint): bigint {
  // The steps go down to the root from a number above it. The value has fewer than 120 bits: the
  // root of the nearest double is off by less than 2^8.
  let root = BigInt(Math.floor(Math.sqrt(Number(value)))) + 256n;
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The number of bits of a positive whole number, or one more. */
function bitsAbout(value: bigint): number {
  float[0] = Number(value);
  const biased = words[HIGH_WORD]! >>> 20;
  // 2^1024 and more become Infinity.
  return biased === 0x7ff ? bitLength(value) : biased - 1022;
}

/** The number of bits of a positive whole number. */
function bitLength(value: bigint): number {
  const text = value.toString(16);
  return text.length * 4 - (Math.clz32(Number.parseInt(text[0]!, 16)) - 28);
}

/**
 * Returns unscaled · 10^−scale, rounded once.
 * Number() rounds a decimal text correctly (ECMA-262, StringToNumber).
 */
export function decimalToDouble(unscaled: bigint, scale: number): number {
  return scale === 0 ? Number(unscaled) : Number(`${unscaled}e-${scale}`);
}
