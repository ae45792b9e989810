/** Quantiles of counted numbers, exact and rounded once. */
import type { TypeSpec, Value } from "../specs.ts";
import type { Accumulator } from "./accumulator.ts";
import { productError, sumError } from "./error-free.ts";
import { scaleFactor } from "./moments.ts";
import { multisetAccumulator, type Counted, type Multiset } from "./multiset.ts";
import { binaryNumber, roundRational, type BinaryNumber } from "./rational.ts";

/** With so many rows and such a denominator, places are computed in doubles without error. */
const MOST_ROWS = 2 ** 32;
const MOST_DENOMINATOR = 10n ** 6n;
const SMALLEST_USUAL = 2 ** -500;
const LARGEST_USUAL = 2 ** 900;

/** Makes the accumulator of a quantile of numbers. */
export function quantileAccumulator(form: TypeSpec, q: number): Accumulator {
  return multisetAccumulator(form.type, quantileFinish(form, q));
}

/** Makes the function that takes a quantile of values; null if there is no value. */
export function quantileFinish(form: TypeSpec, q: number): (values: Multiset) => number | null {
  const [numerator, denominator] = decimalFraction(q);
  const factor = scaleFactor(form);
  const isFast = form.type === "float64" && denominator <= MOST_DENOMINATOR;
  return (values) => {
    const sorted = values.sorted();
    const n = values.rows;
    if (n === 0) return null;
    if (isFast && n <= MOST_ROWS) {
      // Whole numbers below 2^53.
      const h = (n - 1) * Number(numerator);
      const over = h % Number(denominator);
      const below = (h - over) / Number(denominator);
      const low = valueAtPlace(sorted, below) as number;
      const high = over === 0 ? low : (valueAtPlace(sorted, below + 1) as number);
      const between = fastBetween(low, high, over, Number(denominator));
      if (!Number.isNaN(between)) return between;
    }
    const h = BigInt(n - 1) * numerator;
    const below = Number(h / denominator);
    const [low, high] = [below, Math.min(below + 1, n - 1)].map((i) => exactValue(sorted, i));
    const exponent = Math.min(low!.exponent, high!.exponent);
    const [a, b] = [low!, high!].map((one) => one.mantissa << BigInt(one.exponent - exponent)) as [
      bigint,
      bigint,
    ];
    const fraction = h % denominator;
    return roundRational(a * denominator + fraction * (b - a), denominator * factor, exponent);
  };
}

/** The value at a place of all values in their order, as a whole number and a power of two. */
function exactValue(sorted: readonly Counted[], place: number): BinaryNumber {
  const value = valueAtPlace(sorted, place);
  return typeof value === "number"
    ? binaryNumber(value)
    : { mantissa: value as bigint, exponent: 0 };
}

function valueAtPlace(sorted: readonly Counted[], place: number): NonNullable<Value> {
  let left = place;
  for (let i = 0; i < sorted.length; i++) {
    const { value, rows } = sorted[i]!;
    if (left < rows) return value;
    left -= rows;
  }
  throw new RangeError("there is no such place");
}

/**
 * Returns low + (high − low) · over ÷ denominator, rounded once; NaN: doubles cannot decide it.
 * `over` is less than the denominator, and both are whole numbers of at most 20 bits.
 */
export function fastBetween(low: number, high: number, over: number, denominator: number): number {
  if (over === 0 || low === high) return low;
  if (!isUsual(low) || !isUsual(high)) return NaN;
  const under = denominator - over;
  // low · under + high · over is the sum of `sum` and of `rest`, whose error is far below `bound`.
  const [a, b] = [low * under, high * over];
  const [aError, bError] = [productError(low, under, a), productError(high, over, b)];
  const sum = a + b;
  const error = sumError(a, b, sum);
  const quotient = sum / denominator;
  // What a division leaves is a double.
  const product = quotient * denominator;
  const left = sum - product - productError(quotient, denominator, product);
  const more = (left + (error + (aError + bError))) / denominator;
  const all = Math.abs(left) + Math.abs(error) + Math.abs(aError) + Math.abs(bError);
  const bound = (all / denominator) * 2 ** -48;
  const rounded = quotient + (more - bound);
  if (rounded !== quotient + (more + bound)) return NaN;
  return rounded === 0 ? 0 : rounded;
}

/** Whether no sum or product above is subnormal or infinite. */
function isUsual(value: number): boolean {
  const size = Math.abs(value);
  return value === 0 || (size > SMALLEST_USUAL && size < LARGEST_USUAL);
}

/** The fraction that the shortest decimal digits of a number from 0 to 1 say. */
export function decimalFraction(q: number): readonly [bigint, bigint] {
  const [digits = "", exponent = "0"] = String(q).split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  const places = fraction.length - Number(exponent);
  return [BigInt(whole + fraction), 10n ** BigInt(places)];
}
