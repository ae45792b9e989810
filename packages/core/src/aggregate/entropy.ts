import type { NullableAggregation, Ordered } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";
import { nearestLog2 } from "./nearest-log2.ts";
import {
  binaryNumber,
  binarySum,
  roundRational,
  type BinaryNumber,
} from "../statistics/rational.ts";

/**
 * Takes the entropy of a column's values in bits: how evenly its values are spread; null over an
 * empty window.
 * One value alone has entropy 0. `n` equally frequent values have log₂(n).
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const vendor_entropy_l1w = entropy(transactions.vendor).over("7d");
 */
export function entropy<E extends AnyExpr>(
  x: Ordered<E>,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(entropyAggregator, [x]);
}

/** The record of `entropy`. */
export const entropyAggregator: Aggregator = {
  name: "entropy",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "multiset",
  accumulator: ([form]) =>
    multisetAccumulator(form!.type, (values) => {
      let n = 0;
      // Many values have few different counts.
      const rowsByCount = new Map<number, number>();
      for (const { rows } of values.values()) {
        n += rows;
        rowsByCount.set(rows, (rowsByCount.get(rows) ?? 0) + rows);
      }
      if (n === 0) return null;
      // Σ c·log₂c is exact: the logarithms are doubles.
      let sum: BinaryNumber = { mantissa: 0n, exponent: 0 };
      for (const [count, rows] of rowsByCount)
        sum = binarySum(sum, times(rows, nearestLog2(count)));
      const { mantissa, exponent } = binarySum(times(n, nearestLog2(n)), times(-1, sum));
      return roundRational(mantissa, BigInt(n), exponent);
    }),
  rule:
    "in bits: log₂n − Σ c·log₂c ÷ n over the counts c of the values; each log₂ is the nearest " +
    "double, and the rest is rounded once",
  examples: [{ call: "entropy(k)", arguments: ["k"], answer: 1.5 }],
};

function times(factor: number, value: number | BinaryNumber): BinaryNumber {
  const { mantissa, exponent } = typeof value === "number" ? binaryNumber(value) : value;
  return { mantissa: BigInt(factor) * mantissa, exponent };
}
