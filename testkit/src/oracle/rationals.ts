/** Exact numbers for the oracle of functions: fractions of bigints, rounded only where asked. */
import type { TypeSpec, Value } from "../../../packages/core/src/specs.ts";

/** A fraction. Its denominator is positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
const sign = (x: bigint): bigint => (x < 0n ? -1n : x > 0n ? 1n : 0n);

/** The exact value of a number of this type. */
export function rationalOf(value: Exclude<Value, null>, { type, scale = 0 }: TypeSpec): Rational {
  if (type === "decimal") return { n: value as bigint, d: 10n ** BigInt(scale) };
  if (type !== "float64") return { n: BigInt(value as number | bigint), d: 1n };
  // A double is some integer after enough doublings.
  let x = value as number;
  let d = 1n;
  while (!Number.isInteger(x)) {
    x *= 2;
    d *= 2n;
  }
  return { n: BigInt(x), d };
}

/** Adds two fractions. */
export function plus(a: Rational, b: Rational): Rational {
  return { n: a.n * b.d + b.n * a.d, d: a.d * b.d };
}
/** Multiplies two fractions. */
export function times(a: Rational, b: Rational): Rational {
  return { n: a.n * b.n, d: a.d * b.d };
}
/** The fraction with the other sign. */
export function negative(a: Rational): Rational {
  return { n: -a.n, d: a.d };
}
/** Divides by a fraction that is not 0. */
export function over(a: Rational, b: Rational): Rational {
  return { n: a.n * b.d * sign(b.n), d: a.d * abs(b.n) };
}
/** Compares two fractions. */
export function order(a: Rational, b: Rational): number {
  return Number(sign(a.n * b.d - b.n * a.d));
}
/** The integer toward 0. */
export function truncated(a: Rational): Rational {
  return { n: a.n / a.d, d: 1n };
}
/** The nearest multiple of 10^−digits, halves away from 0. */
export function rounded(a: Rational, digits: number): Rational {
  const unit = 10n ** BigInt(digits);
  const doubled = (2n * abs(a.n) * unit) / a.d;
  return { n: sign(a.n) * ((doubled + 1n) / 2n), d: unit };
}

/** The nearest double, halves to even; ±Infinity beyond the largest. No −0. */
export function nearestDouble({ n, d }: Rational): number {
  if (n === 0n) return 0;
  const positive = abs(n);
  // The exponent of the last of 53 bits, not below that of the smallest double.
  let exponent = positive.toString(2).length - d.toString(2).length - 53;
  const scaled = (e: number): readonly [bigint, bigint] =>
    e >= 0 ? [positive, d << BigInt(e)] : [positive << BigInt(-e), d];
  while (
    ((): boolean => {
      const [top, bottom] = scaled(exponent);
      return top >= bottom << 53n;
    })()
  )
    exponent++;
  exponent = Math.max(exponent, -1074);
  const [top, bottom] = scaled(exponent);
  let quotient = top / bottom;
  const rest = 2n * (top % bottom);
  if (rest > bottom || (rest === bottom && quotient % 2n === 1n)) quotient += 1n;
  // The product is exact, or beyond the largest double. 2^−1074 is taken in two steps.
  const half = Math.trunc(exponent / 2);
  const magnitude = Number(quotient) * 2 ** half * 2 ** (exponent - half);
  return n < 0n && magnitude > 0 ? -magnitude : magnitude;
}

/** The value as a number of this type. It saturates; a float64 that is infinite is `beyond`. */
export function heldAs(
  a: Rational,
  { type, scale = 0 }: TypeSpec,
  beyond: "saturates" | "null" = "saturates",
): Value {
  if (type === "float64") {
    const x = nearestDouble(a);
    if (Number.isFinite(x)) return x;
    return beyond === "null" ? null : Math.sign(x) * Number.MAX_VALUE;
  }
  const { n } = rounded(a, type === "decimal" ? scale : 0);
  const most = type === "decimal" ? 10n ** 38n - 1n : 2n ** (type === "int32" ? 31n : 63n) - 1n;
  const least = type === "decimal" ? -most : -most - 1n;
  const held = n < least ? least : n > most ? most : n;
  return type === "int32" ? Number(held) : held;
}
