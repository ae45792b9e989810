/** The sum of three doubles, rounded once. */
import { sumError } from "./error-free.ts";
import { HIGH_WORD, LOW_WORD } from "./double-words.ts";

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/**
 * Rounds a + b + c to the nearest double, half to even. No result of an addition is subnormal or
 * infinite.
 *
 * Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using
 * rounding to odd" (2008).
 */
export function roundedSum(a: number, b: number, c: number): number {
  const bc = b + c;
  const bcError = sumError(b, c, bc);
  const abc = a + bc;
  const abcError = sumError(a, bc, abc);
  return abc + oddSum(abcError, bcError);
}

/** The sum of two doubles, rounded to odd: an inexact sum is the neighbor with an odd mantissa. */
function oddSum(a: number, b: number): number {
  const sum = a + b;
  const error = sumError(a, b, sum);
  if (error === 0) return sum;
  float[0] = sum;
  const low = words[LOW_WORD]!;
  if ((low & 1) === 1) return sum;
  // The sum is even. The exact sum lies between it and an odd neighbor.
  if (error > 0 === sum > 0) words[LOW_WORD] = low + 1;
  else {
    if (low === 0) words[HIGH_WORD]!--;
    words[LOW_WORD] = low - 1;
  }
  return float[0]!;
}
