import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { momentAccumulator, spread } from "../statistics/moments.ts";
import { roundRoot } from "../statistics/rational.ts";

/**
 * Takes the skewness of a column's values, as of a population; null over an empty window.
 * Values without any spread have none, so it is null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_skewness_l1w = skewness(transactions.amount).over("7d");
 */
export function skewness<E extends AnyExpr>(
  x: Numeric<E>,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(skewnessAggregator, [x]);
}

/** The record of `skewness`. It is a pure number: units and scales of the values cancel out. */
export const skewnessAggregator: Aggregator = {
  name: "skewness",
  parameters: [{ name: "x", accepts: "number" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: () =>
    momentAccumulator(3, (moments) => {
      const second = spread(moments);
      if (second === 0n) return null;
      const n = BigInt(moments.n);
      const [s1, s2, s3] = moments.powers as [bigint, bigint, bigint];
      const third = n * n * s3 - 3n * n * s1 * s2 + 2n * s1 ** 3n;
      const root = roundRoot(third * third, second ** 3n);
      return third < 0n && root !== 0 ? -root : root;
    }),
  rule: "m₃ ÷ m₂^1.5 of the population: the root of a rational, rounded once; no spread: null",
  examples: [{ call: "skewness(x)", arguments: ["x"], answer: 0.8888888888888888 }],
};
