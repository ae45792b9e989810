/**
 * Statistics over a plain list of numbers, for the oracle. Each is a rational number of BigInts
 * that is rounded once. The definitions are those of textbooks: a mean, then powers of distances.
 */
import type { AggregateOptions, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import { roundFraction, unitsOf } from "./exact-fraction.ts";
import type { OracleFault } from "./planted-faults.ts";
import { compare, textOf } from "./values.ts";

/** A number as a whole number of units, where `perOne` units are 1. */
export interface Units {
  readonly units: readonly bigint[];
  readonly perOne: bigint;
}

/** Returns numbers of a type in units. */
export function unitsOfAll({ type, scale }: TypeSpec, values: readonly Value[]): Units {
  if (type === "float64")
    return { units: values.map((value) => unitsOf(value as number)), perOne: 1n << 1074n };
  return {
    units: values.map((value) => BigInt(value as bigint | number)),
    perOne: type === "decimal" ? 10n ** BigInt(scale!) : 1n,
  };
}

/** A rational number, and whether its root is asked for. */
export type Exact = readonly [numerator: bigint, denominator: bigint];

/** The double nearest to a rational number; null if it is outside float64. */
export const finite = ([numerator, denominator]: Exact): number | null => {
  const { value, overflow } = roundFraction(numerator, denominator);
  return overflow ? null : value;
};

/** The sum of powers of n times the distance from the mean: Σ(n·x − Σx)^k. */
function distances(units: readonly bigint[], k: bigint): bigint {
  const n = BigInt(units.length);
  const sum = units.reduce((a, b) => a + b, 0n);
  return units.reduce((total, x) => total + (n * x - sum) ** k, 0n);
}

/** Computes a statistic; undefined: it is none of these. `values` has no null. */
export function statistic(
  name: string,
  column: TypeSpec,
  values: readonly Value[],
  options: AggregateOptions,
  fault: OracleFault | null,
): Value | undefined {
  switch (name) {
    case "any":
      return values.some((value) => value === true);
    case "all":
      return values.every((value) => value === true);
    case "share": {
      if (values.length === 0) return null;
      const yes = values.filter((value) => value === true).length;
      return finite([BigInt(yes), BigInt(values.length)]);
    }
    case "mode":
      return mostFrequent(column, values, fault);
    case "entropy":
      return entropy(values);
    case "median":
      return quantile(unitsOfAll(column, values), "0.5", fault);
    case "quantile":
      return quantile(unitsOfAll(column, values), String(options["q"]), fault);
    case "variance":
    case "stddev": {
      const less = lessThanRows(options, fault);
      if (values.length <= less) return null;
      const { units, perOne } = unitsOfAll(column, values);
      const n = BigInt(values.length);
      const exact: Exact = [distances(units, 2n), n * n * (n - BigInt(less)) * perOne ** 2n];
      return name === "variance" ? finite(exact) : nearestRoot(exact);
    }
    case "skewness":
    case "kurtosis": {
      const { units } = unitsOfAll(column, values);
      const n = BigInt(values.length);
      const second = distances(units, 2n);
      if (second === 0n) return null;
      if (name === "kurtosis")
        return finite([n * distances(units, 4n) - 3n * second ** 2n, second ** 2n]);
      const third = distances(units, 3n);
      const root = nearestRoot([n * third ** 2n, second ** 3n])!;
      return third < 0n ? -root : root;
    }
    default:
      return undefined;
  }
}

/** By how much the divisor is less than the number of rows: a sample divides by n − 1. */
export function lessThanRows(options: AggregateOptions, fault: OracleFault | null): 0 | 1 {
  if (options["over"] === "sample") return fault === "population for sample" ? 0 : 1;
  return fault === "sample for population" ? 1 : 0;
}

/** The entropy in bits. Its logarithms are doubles, and all else is exact. */
function entropy(values: readonly Value[]): number | null {
  const n = values.length;
  if (n === 0) return null;
  const counts = new Map<string, number>();
  for (const value of values) counts.set(textOf(value), (counts.get(textOf(value)) ?? 0) + 1);
  const units = [...counts.values()].reduce(
    (left, count) => left - BigInt(count) * unitsOf(log2(count)),
    BigInt(n) * unitsOf(log2(n)),
  );
  return finite([units, BigInt(n) << 1074n]);
}

const logarithms = new Map<number, number>();

/** The double nearest to log₂ of a whole number: the series of atanh, in units of 2^−400. */
export function log2(count: number): number {
  const known = logarithms.get(count);
  if (known !== undefined) return known;
  const power = Math.floor(Math.log2(count));
  const [c, p] = [BigInt(count), 2n ** BigInt(power)];
  // ln(c ÷ p) = 2·atanh((c − p) ÷ (c + p)), and ln 2 = 2·atanh(1 ÷ 3).
  const ln2 = atanh(1n, 3n);
  const { value } = roundFraction(BigInt(power) * ln2 + atanh(c - p, c + p), ln2);
  logarithms.set(count, value);
  return value;
}

function atanh(numerator: bigint, denominator: bigint): bigint {
  let term = (numerator << 400n) / denominator;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += term / k;
    term = (term * numerator ** 2n) / denominator ** 2n;
  }
  return sum;
}

function mostFrequent(
  column: TypeSpec,
  values: readonly Value[],
  fault: OracleFault | null,
): Value {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(textOf(value), (counts.get(textOf(value)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const often = values.filter((value) => counts.get(textOf(value)) === most);
  if (fault === "mode of ties by arrival") return often[0] ?? null;
  return often.toSorted((a, b) => compare(column.type, a, b))[0] ?? null;
}

/** The quantile for the digits of q: linear between the two neighbours. */
export function quantile(
  { units, perOne }: Units,
  q: string,
  fault: OracleFault | null,
): number | null {
  if (units.length === 0) return null;
  const sorted = units.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const tenths = 10n ** 400n;
  const share = decimalUnits(q, tenths);
  const place = BigInt(units.length - 1) * share;
  const below = Number(place / tenths);
  const low = sorted[below]!;
  const high = sorted[below + 1] ?? low;
  if (fault === "quantile is a value") return finite([low, perOne]);
  return finite([low * tenths + (high - low) * (place % tenths), tenths * perOne]);
}

/** The number that a text such as `0.9` or `1e-7` says, in units of which `perOne` are 1. */
export function decimalUnits(text: string, perOne: bigint): bigint {
  const [, whole, fraction = "", power = "0"] = /^(\d+)(?:\.(\d+))?(?:e(-?\d+))?$/.exec(text)!;
  const digits = BigInt(whole! + fraction) * perOne;
  return digits / 10n ** BigInt(fraction.length - Number(power));
}

/**
 * Returns the double nearest to the root of a rational number; null if it is outside float64. The
 * double is found by halving the range of all doubles.
 */
export function nearestRoot([numerator, denominator]: Exact): number | null {
  if (numerator === 0n) return 0;
  const view = new DataView(new ArrayBuffer(8));
  const doubleAt = (place: bigint): number => {
    view.setBigUint64(0, place);
    return view.getFloat64(0);
  };
  // Squares of half units, which middles between doubles are whole numbers of.
  const target = numerator * (1n << 1075n) ** 2n;
  const isBelow = (halfUnits: bigint): boolean => halfUnits ** 2n * denominator < target;
  let low = 0n;
  let high = 0x7ff0000000000000n;
  // The root is at least the double at `low`, and below that at `high`.
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const units = unitsOf(doubleAt(middle)) * 2n;
    if (isBelow(units) || units ** 2n * denominator === target) low = middle;
    else high = middle;
  }
  const units = unitsOf(doubleAt(low));
  const next = high === 0x7ff0000000000000n ? units + (1n << 2045n) : unitsOf(doubleAt(high));
  const half = units + next;
  const isHigher = isBelow(half) || (half ** 2n * denominator === target && low % 2n === 1n);
  const nearest = doubleAt(isHigher ? high : low);
  return Number.isFinite(nearest) ? nearest : null;
}
