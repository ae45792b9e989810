import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { momentAccumulator, spread } from "../statistics/moments.ts";
import { roundRational } from "../statistics/rational.ts";

/**
 * Takes the excess kurtosis of a column's values, as of a population; null over an empty window.
 * That of a normal distribution is 0. Values without any spread have none, so it is null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_kurtosis_l1w = kurtosis(transactions.amount).over("7d");
 */
export function kurtosis<E extends AnyExpr>(
  x: Numeric<E>,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(kurtosisAggregator, [x]);
}

/** The record of `kurtosis`. It is a pure number: units and scales of the values cancel out. */
export const kurtosisAggregator: Aggregator = {
  name: "kurtosis",
  parameters: [{ name: "x", accepts: "number" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: () =>
    momentAccumulator(4, (moments) => {
      const second = spread(moments);
      if (second === 0n) return null;
      const n = BigInt(moments.n);
      const [s1, s2, s3, s4] = moments.powers as [bigint, bigint, bigint, bigint];
      const fourth = n ** 3n * s4 - 4n * n * n * s1 * s3 + 6n * n * s1 * s1 * s2 - 3n * s1 ** 4n;
      const square = second * second;
      return roundRational(fourth - 3n * square, square);
    }),
  rule: "m₄ ÷ m₂² − 3 of the population, a rational rounded once; no spread: null",
  examples: [{ call: "kurtosis(x)", arguments: ["x"], answer: -0.8148148148148148 }],
};
