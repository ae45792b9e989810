import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { finiteOrNull, momentAccumulator, varianceOf } from "../statistics/moments.ts";
import { roundRational } from "../statistics/rational.ts";

/** What the rows are: all that there are, or a sample of them. A sample divides by n − 1. */
export type Estimator = "sample" | "population";

/**
 * Takes the variance of a column, exact and rounded once; null over an empty window.
 * The variance of a sample of one row is null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or the
 * estimator is neither `sample` nor `population`.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_variance_l1w = variance(transactions.amount, "sample").over("7d");
 */
export function variance<E extends AnyExpr>(
  x: Numeric<E>,
  over: Estimator,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(varianceAggregator, [x], { over });
}

/** The record of `variance`. */
export const varianceAggregator: Aggregator = {
  name: "variance",
  parameters: [{ name: "x", accepts: "number" }],
  options: { over: ["sample", "population"] },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([form], options) =>
    momentAccumulator(2, (moments) => {
      const ratio = varianceOf(moments, form!, options);
      return ratio === null ? null : finiteOrNull(roundRational(...ratio));
    }),
  rule: "(nΣx² − (Σx)²) ÷ n(n − 1), of a population ÷ n², rounded once; a sample of one: null",
  examples: [
    { call: 'variance(x, "sample")', arguments: ["x"], options: { over: "sample" }, answer: 12 },
    {
      call: 'variance(x, "population")',
      arguments: ["x"],
      options: { over: "population" },
      answer: 9,
    },
  ],
};
