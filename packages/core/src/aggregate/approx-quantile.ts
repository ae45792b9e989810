import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { checkOptions } from "../define/options.ts";
import type { Vector } from "../columns/batch.ts";
import { valueAt } from "../columns/batch.ts";
import type { TypeSpec } from "../specs.ts";
import type { Accumulator } from "../statistics/accumulator.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";
import { decimalFraction } from "../statistics/quantile-finish.ts";
import { decimalToDouble } from "../statistics/rational.ts";
import type { Aggregator } from "./aggregator.ts";

/**
 * Estimates a quantile of a column with counts of bins; null over an empty window. It is the middle
 * of the bin that holds the value of rank ⌊(n − 1)q⌋, so at most `error`, as a share of it, off.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, `q` is no
 * number from 0 to 1, or `error` is none of 0.001, 0.01 and 0.05.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const usual_amount = approxQuantile(transactions.amount, 0.5, { error: 0.01 }).over("90d");
 */
export function approxQuantile<E extends AnyExpr>(
  x: Numeric<E>,
  q: number,
  options: { readonly error: 0.001 | 0.01 | 0.05 },
): NullableAggregation<SourceOf<E>, number> {
  const { error } = checkOptions("approxQuantile()", options, ["error"]);
  return makeAggregation(approxQuantileAggregator, [x], {
    q,
    error: error as number,
    sketch: SKETCH,
  });
}

/** Names the constants of the bins in fingerprints. */
const SKETCH = "binary-bins";
/** Each power of two has 2^bits bins of one width, by the error. */
const BIN_BITS: Readonly<Record<string, number>> = { 0.001: 9, 0.01: 6, 0.05: 4 };

/** The record of `approxQuantile`. */
export const approxQuantileAggregator: Aggregator = {
  name: "approxQuantile",
  parameters: [{ name: "x", accepts: "number" }],
  options: { q: { from: 0, to: 1 }, error: [0.001, 0.01, 0.05], sketch: [SKETCH] },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([form], { q, error }) =>
    binAccumulator(form!, q as number, BIN_BITS[String(error)]!),
  rule:
    "the middle of the bin of the value of rank ⌊(n − 1)q⌋; each power of two has 2⁹, 2⁶ or 2⁴ " +
    "bins of one width, 0 its own; it depends on the values alone",
  examples: [
    {
      call: "approxQuantile(x, 0.5, { error: 0.01 })",
      arguments: ["x"],
      options: { q: 0.5, error: 0.01, sketch: SKETCH },
      answer: 4.03125,
    },
  ],
};

/** The state is the number of values in each bin. A bin's number has the order of its values. */
function binAccumulator(form: TypeSpec, q: number, bits: number): Accumulator {
  const [numerator, denominator] = decimalFraction(q);
  const counts = multisetAccumulator("float64", (values) => {
    const sorted = values.sorted();
    let left = Number((BigInt(Math.max(values.rows - 1, 0)) * numerator) / denominator);
    for (const { value, rows } of sorted) {
      if (left < rows) return middleOf(value as number, bits);
      left -= rows;
    }
    return null;
  });
  const inBins = ([vector]: readonly Vector[], rows: Int32Array, length: number): Vector => {
    const values = new Float64Array(length);
    const valid = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const value = valueAt(vector!, rows[i]!);
      if (value === null) continue;
      valid[i] = 1;
      values[i] = binOfNumber(
        form.type === "decimal"
          ? decimalToDouble(value as bigint, form.scale ?? 0)
          : Number(value as number | bigint),
        bits,
      );
    }
    return { kind: "float64", values, valid };
  };
  const places = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
  return {
    ...counts,
    holds: { name: `bins of ${bits} bits`, detail: 0 },
    add(state, vectors, rows, length) {
      counts.add(state, [inBins(vectors, rows, length)], places(length), length);
    },
    subtract(state, vectors, rows, length) {
      counts.subtract!(state, [inBins(vectors, rows, length)], places(length), length);
    },
  };
}

const float = new Float64Array(1);
const word = new BigUint64Array(float.buffer);

/** The number of the bin of a double: the exponent and the first bits of the fraction. */
function binOfNumber(value: number, bits: number): number {
  if (value === 0) return 0;
  float[0] = Math.abs(value);
  const bin = Number(word[0]! >> BigInt(52 - bits)) + 1;
  return value < 0 ? -bin : bin;
}

/** The double in the middle of a bin. */
function middleOf(bin: number, bits: number): number {
  if (bin === 0) return 0;
  const shift = BigInt(52 - bits);
  word[0] = (BigInt(Math.abs(bin) - 1) << shift) + (1n << (shift - 1n));
  return bin < 0 ? -float[0]! : float[0]!;
}
