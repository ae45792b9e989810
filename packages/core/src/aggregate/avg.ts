import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { averageEnds, sumAccumulator } from "../statistics/sum-state.ts";

/**
 * Averages a number of each row as a double; null over an empty window.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are no numbers.
 *
 * @example
 * const mean_amount_l1w = avg(transactions.amount).over("7d");
 */
export function avg<E extends AnyExpr>(x: Numeric<E>): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(avgAggregator, [x]);
}

/**
 * The record of `avg`: the sum rounded to double, divided once by the count (law 3: an average is a
 * float64).
 */
export const avgAggregator: Aggregator = {
  name: "avg",
  parameters: [{ name: "x", accepts: "number" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([form]) => sumAccumulator(form!.type, averageEnds(form!)),
  sql: "partial",
  rule: "the sum as a double, divided once by the number of values",
  examples: [{ call: "avg(x)", arguments: ["x"], answer: 5 }],
};
