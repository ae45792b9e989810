/**
 * Aggregations whose rows lose weight with time, for the oracle. A weight is a product of roots:
 * 2^(−1/2), 2^(−1/4) and so on, one for each binary digit of the quotient.
 */
import type { TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Aggregated } from "./aggregate.ts";
import { roundFraction, sumOfDoubles, unitsOf } from "./exact-fraction.ts";
import type { OracleFault } from "./planted-faults.ts";
import { finite, unitsOfAll } from "./statistics.ts";

const DIGITS = 320;
const ONE = 1n << BigInt(DIGITS);

/** The whole part of the root of a whole number, one binary digit after the other. */
function wholeRoot(value: bigint): bigint {
  let root = 0n;
  for (let digit = 1n << BigInt(Math.ceil(value.toString(2).length / 2)); digit > 0n; digit >>= 1n)
    if ((root + digit) ** 2n <= value) root += digit;
  return root;
}

/** 2^(−1/2), 2^(−1/4), 2^(−1/8) …, in units of which `ONE` are 1. */
const roots: readonly bigint[] = ((): bigint[] => {
  const list = [wholeRoot(ONE ** 2n / 2n)];
  while (list.length < DIGITS) list.push(wholeRoot(list.at(-1)! * ONE));
  return list;
})();

const weights = new Map<string, number>();

/** The double nearest to 2^(−age ÷ halfLife). */
export function decayWeight(age: bigint, halfLife: bigint): number {
  const key = `${age} ${halfLife}`;
  let weight = weights.get(key);
  if (weight !== undefined) return weight;
  const whole = age / halfLife;
  let rest = age % halfLife;
  let product = ONE;
  for (const root of rest === 0n ? [] : roots) {
    rest *= 2n;
    if (rest < halfLife) continue;
    rest -= halfLife;
    product = (product * root) / ONE;
  }
  weight = whole > 2000n ? 0 : roundFraction(product, ONE << whole).value;
  weights.set(key, weight);
  return weight;
}

/** Computes `decayedSum`, `decayedCount` or `decayedAvg` of rows. */
export function decayed(
  name: "decayedSum" | "decayedCount" | "decayedAvg",
  type: TypeSpec | undefined,
  rows: readonly { readonly age: bigint; readonly value: Value }[],
  halfLife: bigint,
  fault: OracleFault | null,
): Aggregated {
  const weightOf = (age: bigint): number =>
    fault === "decay by a rounded quotient"
      ? 2 ** -(Number(age) / Number(halfLife))
      : decayWeight(age, halfLife);
  if (name === "decayedCount") return sumOfDoubles(rows.map(({ age }) => weightOf(age)));
  const counted = rows.filter(({ value }) => value !== null);
  const { units, perOne } = unitsOfAll(
    type!,
    counted.map(({ value }) => value),
  );
  const products = counted.map(
    ({ age }, i) => roundFraction(units[i]!, perOne).value * weightOf(age),
  );
  if (name === "decayedSum") return sumOfDoubles(products);
  const sumOf = (list: readonly number[]): bigint => list.reduce((a, b) => a + unitsOf(b), 0n);
  const weight = sumOf(counted.map(({ age }) => weightOf(age)));
  return { value: weight === 0n ? null : finite([sumOf(products), weight]), overflow: false };
}
