/** Numbers as whole numbers of a common unit, which is a power of two. */
import type { Vector } from "../columns/batch.ts";
import { binaryNumber, type BinaryNumber } from "./rational.ts";

/** The unit 2^exponent. */
export interface BinaryUnit {
  readonly exponent: number;
  /** 2^−exponent, which may be Infinity or 0. */
  readonly factor: number;
}

export const ONE: BinaryUnit = { exponent: 0, factor: 1 };

/** A unit that is no finer than this is kept when the rows of a state are taken away. */
const FINEST_KEPT = -200;

/** Makes the unit 2^exponent. */
export function binaryUnit(exponent: number): BinaryUnit {
  return { exponent, factor: 2 ** -exponent };
}

/** The unit with which a state without rows begins. Usually the next rows need the same. */
export function keptUnit(unit: BinaryUnit): BinaryUnit {
  return unit.exponent >= FINEST_KEPT && unit.exponent <= 0 ? unit : ONE;
}

/** A number that is there in units; null: it is no whole number of units. */
export function inUnits(
  { exponent, factor }: BinaryUnit,
  vector: Vector,
  row: number,
): bigint | null {
  if (vector.kind === "float64") {
    const value = vector.values[row]!;
    if (value === 0) return 0n;
    // The product is exact unless it is below the smallest normal number, or beyond the largest.
    const units = value * factor;
    if (units !== 0 && Number.isInteger(units)) return BigInt(units);
  }
  const { mantissa, exponent: own } = exactNumber(vector, row);
  if (mantissa === 0n) return 0n;
  return own < exponent ? null : mantissa << BigInt(own - exponent);
}

/** The exact value of a number that is there. That of a decimal is its unscaled digits. */
export function exactNumber(vector: Vector, row: number): BinaryNumber {
  if (vector.kind === "float64") return binaryNumber(vector.values[row]!);
  if (vector.kind === "int32" || vector.kind === "int64" || vector.kind === "big")
    return { mantissa: BigInt(vector.values[row]!), exponent: 0 };
  throw new TypeError(`a ${vector.kind} vector has no moments`);
}
