/** Counts the bits in which two values of one type differ. */
import { ExactNumber } from "../entity-files/exact-json.ts";
import { memberText } from "../serving-log/json-values.ts";
import type { TypeSpec } from "../specs.ts";

/**
 * The number of bits in which two parsed JSON values of a type differ. Numbers are compared in
 * their own bits: a double in its 64, an integer in two's complement. Other values are compared in
 * the UTF-8 bytes of their text. Null and a value differ in every bit of the value.
 */
export function differingBits(type: TypeSpec["type"], a: unknown, b: unknown): number {
  if (isNull(a) && isNull(b)) return 0;
  switch (type) {
    case "float64":
      return onesOf(
        isNull(a) || isNull(b) ? ALL : bitsOfDouble(digitsOf(a)) ^ bitsOfDouble(digitsOf(b)),
      );
    case "int64":
    case "int32":
      return onesOf(
        isNull(a) || isNull(b)
          ? type === "int64"
            ? ALL
            : ALL_32
          : BigInt.asUintN(type === "int64" ? 64 : 32, BigInt(digitsOf(a)) ^ BigInt(digitsOf(b))),
      );
    case "boolean":
      return a === b ? 0 : 1;
    default:
      return differingTextBits(textOf(a), textOf(b));
  }
}

const ALL = 2n ** 64n - 1n;
const ALL_32 = 2n ** 32n - 1n;

const isNull = (value: unknown): boolean => value === null || value === undefined;

/** A text is itself, without the quotes of JSON. */
function textOf(value: unknown): string {
  if (isNull(value)) return "";
  return typeof value === "string" ? value : memberText(value);
}

function digitsOf(value: unknown): string {
  return value instanceof ExactNumber ? value.digits : String(value as number | string);
}

const double = new DataView(new ArrayBuffer(8));

function bitsOfDouble(digits: string): bigint {
  double.setFloat64(0, Number(digits));
  return double.getBigUint64(0);
}

function onesOf(bits: bigint): number {
  let ones = 0;
  for (let left = bits; left > 0n; left >>= 32n) ones += onesOf32(Number(left & ALL_32));
  return ones;
}

function onesOf32(word: number): number {
  let ones = 0;
  for (let left = word >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) ones++;
  return ones;
}

const utf8 = new TextEncoder();

/** A byte that only one text has differs in all of its bits. */
function differingTextBits(a: string, b: string): number {
  const [left, right] = [utf8.encode(a), utf8.encode(b)];
  const shorter = Math.min(left.length, right.length);
  let bits = 8 * (Math.max(left.length, right.length) - shorter);
  for (let i = 0; i < shorter; i++) bits += onesOf32(left[i]! ^ right[i]!);
  return bits;
}
