import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { quantileAccumulator } from "../statistics/quantile-finish.ts";

/**
 * Takes the median of a column: the middle value, or the mean of the two middle ones; null over an
 * empty window.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const middle_amount_l1w = median(transactions.amount).over("7d");
 */
export function median<E extends AnyExpr>(x: Numeric<E>): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(medianAggregator, [x]);
}

/** The record of `median`: the quantile 0.5. */
export const medianAggregator: Aggregator = {
  name: "median",
  parameters: [{ name: "x", accepts: "number" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "multiset",
  accumulator: ([form]) => quantileAccumulator(form!, 0.5),
  sql: "partial",
  rule: "the quantile 0.5: the middle value, or the exact mean of the two middle ones",
  examples: [{ call: "median(x)", arguments: ["x"], answer: 4 }],
};
