/** Numbers of all types: their exact values, conversions that lose nothing, and their bounds. */
import type { Overflows } from "../columns/overflows.ts";
import type { TypeSpec } from "../specs.ts";
import { scaleOf } from "./number-types.ts";

/** A number as Tidemark holds it: a double, an int32, an int64 or the digits of a decimal. */
export type HeldNumber = number | bigint;

/** Compares two numbers of any types by their exact values. */
export function compareNumbers(
  a: HeldNumber,
  aSpec: TypeSpec,
  b: HeldNumber,
  bSpec: TypeSpec,
): number {
  const aScale = scaleOf(aSpec);
  const bScale = scaleOf(bSpec);
  if (aScale !== null && bScale !== null) {
    const left = BigInt(a) * powerOfTen(Math.max(bScale - aScale, 0));
    const right = BigInt(b) * powerOfTen(Math.max(aScale - bScale, 0));
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (aScale === null && bScale === null) return a < b ? -1 : a > b ? 1 : 0;
  return aScale === null
    ? compareFloat(a as number, BigInt(b), bScale!)
    : -compareFloat(b as number, BigInt(a), aScale);
}

/** Compares a double with `digits` ÷ 10^scale, exactly. */
function compareFloat(float: number, digits: bigint, scale: number): number {
  const { numerator, shift } = exactFloat(float);
  const left = numerator * powerOfTen(scale);
  const right = digits << BigInt(shift);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The exact value of a finite double: `numerator` ÷ 2^shift. */
export function exactFloat(float: number): { readonly numerator: bigint; readonly shift: number } {
  bitsOf.setFloat64(0, float);
  const bits = bitsOf.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  const signed = float < 0 ? -magnitude : magnitude;
  // The value is magnitude · 2^(exponent − 1075); subnormal numbers have the least exponent.
  const power = Math.max(exponent, 1) - 1075;
  return power >= 0
    ? { numerator: signed << BigInt(power), shift: 0 }
    : { numerator: signed, shift: -power };
}
const bitsOf = new DataView(new ArrayBuffer(8));

/** Converts numbers to a type that holds them: exactly, or to the nearest double. */
export function convertNumber(from: TypeSpec, to: TypeSpec): (value: HeldNumber) => HeldNumber {
  if (to.type === "float64")
    return from.type === "decimal"
      ? (value) => decimalToFloat(value as bigint, from.scale ?? 0)
      : Number;
  if (to.type === "int32") return (value) => value;
  const factor = powerOfTen(scaleOf(to)! - scaleOf(from)!);
  if (from.type === "int32")
    return factor === 1n ? BigInt : (value) => BigInt(value as number) * factor;
  return factor === 1n ? (value) => value : (value) => (value as bigint) * factor;
}

/** The double nearest to `digits` ÷ 10^scale. */
function decimalToFloat(digits: bigint, scale: number): number {
  // Reading digits rounds to the nearest double.
  return scale === 0 ? Number(digits) : Number(`${digits}e-${scale}`);
}

/** Divides by a positive number, and rounds halves away from zero. */
export function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return dividend < 0n ? -((-dividend + half) / divisor) : (dividend + half) / divisor;
}

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_DECIMAL = 10n ** 38n - 1n;

/** The nearest int64. Another one is counted as overflow (law 3: it saturates). */
export function saturatedInt64(value: bigint, overflows: Overflows): bigint {
  return saturated(value, -MAX_INT64 - 1n, MAX_INT64, overflows);
}

/** The nearest int32. Another one is counted as overflow. */
export function saturatedInt32(value: number, overflows: Overflows): number {
  if (value === (value | 0)) return value;
  overflows.count++;
  return value < 0 ? -2147483648 : 2147483647;
}

/** The nearest decimal of 38 digits. Another one is counted as overflow. */
export function saturatedDecimal(value: bigint, overflows: Overflows): bigint {
  return saturated(value, -MAX_DECIMAL, MAX_DECIMAL, overflows);
}

function saturated(value: bigint, least: bigint, most: bigint, overflows: Overflows): bigint {
  if (value >= least && value <= most) return value;
  overflows.count++;
  return value < least ? least : most;
}

/** The nearest finite double, without −0. Another one is counted as overflow. */
export function saturatedFloat(value: number, overflows: Overflows): number {
  if (Number.isFinite(value)) return value + 0;
  overflows.count++;
  return value < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE;
}

/** The value, without −0; null if it is not finite. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value + 0 : null;
}

const powers: bigint[] = [1n];
/** 10^n as a bigint. */
export function powerOfTen(n: number): bigint {
  while (powers.length <= n) powers.push(powers.at(-1)! * 10n);
  return powers[n]!;
}
