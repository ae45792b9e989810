import type { NullableAggregation, Numeric, Second } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { jointMomentAccumulator, jointSpread } from "../statistics/joint-moments.ts";
import { divisorOf, finiteOrNull, scaleFactor } from "../statistics/moments.ts";
import { roundRational } from "../statistics/rational.ts";
import type { Estimator } from "./variance.ts";

/**
 * Takes the covariance of two columns, exact and rounded once; null over an empty window.
 * A row counts only if both are there. The covariance of a sample of one row is null.
 *
 * @throws DEFINITION_INVALID when an argument is no column, and no function of columns, or the
 * estimator is neither `sample` nor `population`.
 * @throws TYPE_MISMATCH when a column holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the columns are of two sources.
 *
 * @example
 * const hour = hourOf(transactions.time, "UTC");
 * const covariance_l1w = covariance(transactions.amount, hour, "sample").over("7d");
 */
export function covariance<A extends AnyExpr, B extends AnyExpr>(
  x: Numeric<A>,
  y: Second<A, B, Numeric<B>>,
  over: Estimator,
): NullableAggregation<SourceOf<A | B>, number> {
  return makeAggregation(covarianceAggregator, [x, y], { over });
}

/** The record of `covariance`. */
export const covarianceAggregator: Aggregator = {
  name: "covariance",
  parameters: [
    { name: "x", accepts: "number" },
    { name: "y", accepts: "number" },
  ],
  options: { over: ["sample", "population"] },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([x, y], options) =>
    jointMomentAccumulator((moments) => {
      const rows = divisorOf(moments.n, options);
      if (rows === null) return null;
      const { mantissa, exponent } = jointSpread(moments);
      return finiteOrNull(
        roundRational(mantissa, rows * scaleFactor(x!) * scaleFactor(y!), exponent),
      );
    }),
  rule:
    "of rows with both: (nΣxy − ΣxΣy) ÷ n(n − 1), of a population ÷ n², rounded once; " +
    "no spread: 0; a sample of one: null",
  examples: [
    {
      call: 'covariance(x, hour, "sample")',
      arguments: ["x", "hour"],
      options: { over: "sample" },
      answer: 7,
    },
    {
      call: 'covariance(x, hour, "population")',
      arguments: ["x", "hour"],
      options: { over: "population" },
      answer: 5.25,
    },
  ],
};
