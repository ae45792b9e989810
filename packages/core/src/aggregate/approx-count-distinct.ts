import type { Aggregation, Ordered } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { checkOptions } from "../define/options.ts";
import { valueAt } from "../columns/batch.ts";
import { hashOfText } from "../expr/text-hash.ts";
import { textWriter } from "../expr/value-text.ts";
import type { Accumulator } from "../statistics/accumulator.ts";
import { decoded, encoded } from "../statistics/state-codec.ts";
import type { TypeSpec } from "../specs.ts";
import { damaged } from "../bytes/bytes.ts";
import { int64Count, type Aggregator } from "./aggregator.ts";
import { nearestLog2 } from "./nearest-log2.ts";

/**
 * Estimates how many different values there are, in a state of at most 16 kB. The estimate depends
 * on the set of values alone. Its standard error is at most `error`: a share of the number.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `error`
 * is none of 0.01, 0.02 and 0.05.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const vendors = approxCountDistinct(transactions.vendor, { error: 0.02 }).over("90d");
 */
export function approxCountDistinct<E extends AnyExpr>(
  x: Ordered<E>,
  options: { readonly error: 0.01 | 0.02 | 0.05 },
): Aggregation<SourceOf<E>, number, "int64"> {
  const { error } = checkOptions("approxCountDistinct()", options, ["error"]);
  return makeAggregation(approxCountDistinctAggregator, [x], {
    error: error as number,
    sketch: SKETCH,
  });
}

/** Names the constants of the sketch in fingerprints. */
const SKETCH = "hyperloglog-md5";
/** The bits of a hash that choose a register, by the error. */
const INDEX_BITS: Readonly<Record<string, number>> = { 0.01: 14, 0.02: 12, 0.05: 9 };

/** The record of `approxCountDistinct`. */
export const approxCountDistinctAggregator: Aggregator = {
  name: "approxCountDistinct",
  parameters: [{ name: "x", accepts: "ordered" }],
  options: { error: [0.01, 0.02, 0.05], sketch: [SKETCH] },
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "mergeable",
  large: true,
  accumulator: ([form], { error }) => sketchAccumulator(form!, INDEX_BITS[String(error)]!),
  rule:
    "HyperLogLog of the first 8 bytes of the MD5 of each value's text, with 2¹⁴, 2¹² or 2⁹ " +
    "registers; few values are counted by the empty registers; it depends on the set alone",
  examples: [
    {
      call: "approxCountDistinct(k, { error: 0.02 })",
      arguments: ["k"],
      options: { error: 0.02, sketch: SKETCH },
      answer: 3n,
    },
  ],
};

function sketchAccumulator(form: TypeSpec, bits: number): Accumulator {
  const size = 2 ** bits;
  const text = textWriter(form);
  const accumulator: Accumulator<Uint8Array> = {
    create: () => new Uint8Array(size),
    clear(registers) {
      registers.fill(0);
    },
    add(registers, vectors, rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vectors[0]!, rows[i]!);
        if (value === null) continue;
        const { high, low } = hashOfText(text(value === 0 ? 0 : value));
        const index = high >>> (32 - bits);
        const rank = rankOf(high, low, bits);
        if (rank > registers[index]!) registers[index] = rank;
      }
    },
    merge(registers, others) {
      for (let i = 0; i < size; i++) if (others[i]! > registers[i]!) registers[i] = others[i]!;
    },
    encode: (registers) =>
      encoded((writer) => {
        writer.raw(registers);
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        if (bytes.length !== size) throw damaged("has another number of registers");
        return reader.raw(size).slice();
      }),
    finish: (registers) => int64Count(estimate(registers, bits)),
  };
  return accumulator as Accumulator;
}

/** One more than the number of zeros behind the bits that choose the register. */
function rankOf(high: number, low: number, bits: number): number {
  const zeros = Math.clz32(high << bits);
  const own = 32 - bits;
  return (zeros < own ? zeros : own + Math.clz32(low)) + 1;
}

/** The estimate, rounded to a whole number. The sum over the registers is exact. */
function estimate(registers: Uint8Array, bits: number): number {
  const counts = new Array<number>(66).fill(0);
  for (const rank of registers) counts[rank]!++;
  const sum = counts.reduce((all, count, rank) => all + (BigInt(count) << BigInt(65 - rank)), 0n);
  const m = BigInt(registers.length);
  // α·m² ÷ Σ2^−rank with α = 0.7213 ÷ (1 + 1.079 ÷ m).
  const numerator = (7213n * m ** 3n) << 65n;
  const denominator = (10_000n * m + 10_790n) * sum;
  const empty = counts[0]!;
  // Up to 2.5·m the empty registers say more: m·ln(m ÷ empty).
  if (empty > 0 && 2n * numerator <= 5n * m * denominator)
    return Math.round(registers.length * ((bits - nearestLog2(empty)) * Math.LN2));
  return Number((2n * numerator + denominator) / (2n * denominator));
}
