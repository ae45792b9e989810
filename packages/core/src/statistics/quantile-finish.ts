/** Quantiles of counted numbers, exact and rounded once. */
import type { TypeSpec } from "../specs.ts";
import type { Accumulator } from "./accumulator.ts";
import { scaleFactor } from "./moments.ts";
import { multisetAccumulator, type Counted, type Multiset } from "./multiset.ts";
import { binaryNumber, roundRational } from "./rational.ts";

/** Makes the accumulator of a quantile of numbers. */
export function quantileAccumulator(form: TypeSpec, q: number): Accumulator {
  return multisetAccumulator(form.type, quantileFinish(form, q));
}

/** Makes the function that takes a quantile of values; null if there is no value. */
export function quantileFinish(form: TypeSpec, q: number): (values: Multiset) => number | null {
  const [numerator, denominator] = decimalFraction(q);
  const factor = scaleFactor(form);
  return (values) => {
    const sorted = values.sorted();
    const n = sorted.reduce((rows, one) => rows + one.rows, 0);
    if (n === 0) return null;
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
function exactValue(sorted: readonly Counted[], place: number): ReturnType<typeof binaryNumber> {
  let left = place;
  for (const { value, rows } of sorted) {
    if (left < rows)
      return typeof value === "number"
        ? binaryNumber(value)
        : { mantissa: value as bigint, exponent: 0 };
    left -= rows;
  }
  throw new RangeError("there is no such place");
}

/** The fraction that the shortest decimal digits of a number from 0 to 1 say. */
export function decimalFraction(q: number): readonly [bigint, bigint] {
  const [digits = "", exponent = "0"] = String(q).split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  const places = fraction.length - Number(exponent);
  return [BigInt(whole + fraction), 10n ** BigInt(places)];
}
