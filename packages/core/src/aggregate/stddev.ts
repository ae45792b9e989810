import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { deviationAccumulator } from "../statistics/moments.ts";
import type { Estimator } from "./variance.ts";

/**
 * Takes the standard deviation of a column; null over an empty window.
 * It is the root of the exact variance, rounded once. Of a sample of one row it is null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or the
 * estimator is neither `sample` nor `population`.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_spread_l1w = stddev(transactions.amount, "sample").over("7d");
 */
export function stddev<E extends AnyExpr>(
  x: Numeric<E>,
  over: Estimator,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(stddevAggregator, [x], { over });
}

/** The record of `stddev`. */
export const stddevAggregator: Aggregator = {
  name: "stddev",
  parameters: [{ name: "x", accepts: "number" }],
  options: { over: ["sample", "population"] },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([form], options) => deviationAccumulator(form!, options),
  rule: "the root of the exact variance, rounded once; of a sample of one: null",
  examples: [
    {
      call: 'stddev(x, "population")',
      arguments: ["x"],
      options: { over: "population" },
      answer: 3,
    },
  ],
};
