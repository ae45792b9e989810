/** Estimates, for the oracle: from the whole list of values, as the page of aggregations says. */
import { createHash } from "node:crypto";
import type { AggregateOptions, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import { textOf } from "./conversions.ts";
import { roundFraction, unitsOf } from "./exact-fraction.ts";
import { decimalUnits, log2, unitsOfAll } from "./statistics.ts";

/** Computes an estimate; undefined: the aggregation is none. `values` has no null. */
export function estimated(
  name: string,
  column: TypeSpec,
  values: readonly Value[],
  options: AggregateOptions,
): Value | undefined {
  if (name === "approxCountDistinct") return approximateCount(column, values, options);
  return name === "approxQuantile" ? approximateQuantile(column, values, options) : undefined;
}

/** HyperLogLog: in each register the longest run of zeros, plus one, of the hashes that it gets. */
function approximateCount(
  column: TypeSpec,
  values: readonly Value[],
  { error }: AggregateOptions,
): bigint {
  const bits = { "0.01": 14, "0.02": 12, "0.05": 9 }[String(error)]!;
  const registers = new Map<string, number>();
  for (const value of values) {
    const text = textOf(Object.is(value, -0) ? 0 : value!, column);
    const digest = createHash("md5").update(escaped(text)).digest("hex").slice(0, 16);
    const binary = BigInt(`0x${digest}`).toString(2).padStart(64, "0");
    const register = binary.slice(0, bits);
    const rest = binary.slice(bits);
    const rank = (rest.includes("1") ? rest.indexOf("1") : rest.length) + 1;
    registers.set(register, Math.max(rank, registers.get(register) ?? 0));
  }
  const m = 2 ** bits;
  const empty = m - registers.size;
  let sum = BigInt(empty) << 100n;
  for (const rank of registers.values()) sum += 1n << BigInt(100 - rank);
  // α·m² ÷ sum, where α = 0.7213 ÷ (1 + 1.079 ÷ m): all times 10⁴·m.
  const top = 7213n * BigInt(m) ** 3n * (1n << 100n);
  const bottom = (10_000n * BigInt(m) + 10_790n) * sum;
  if (empty > 0 && top * 2n <= bottom * 5n * BigInt(m))
    return BigInt(Math.round(m * ((bits - log2(empty)) * Math.LN2)));
  return (top + bottom / 2n) / bottom;
}

/** The text with each half of a surrogate pair as its escape. */
function escaped(text: string): string {
  return [...text]
    .map((point) => (/^\p{Surrogate}$/u.test(point) ? JSON.stringify(point).slice(1, -1) : point))
    .join("");
}

/** The middle of the bin of one of the values. A bin is a range of doubles of one length. */
function approximateQuantile(
  column: TypeSpec,
  values: readonly Value[],
  { q, error }: AggregateOptions,
): number | null {
  if (values.length === 0) return null;
  const { units, perOne } = unitsOfAll(column, values);
  const sorted = units.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const tenths = 10n ** 400n;
  const rank = Number((BigInt(values.length - 1) * decimalUnits(String(q), tenths)) / tenths);
  const value = unitsOf(roundFraction(sorted[rank]!, perOne).value);
  if (value === 0n) return 0;
  const bits = { "0.001": 9, "0.01": 6, "0.05": 4 }[String(error)]!;
  const magnitude = value < 0n ? -value : value;
  const width = BigInt(Math.max(magnitude.toString(2).length, 53) - 1 - bits);
  const middle = ((magnitude >> width) << width) + (1n << (width - 1n));
  return roundFraction(value < 0n ? -middle : middle, 1n << 1074n).value;
}
