import type { NullableAggregation, Numeric, Second } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { slopeAccumulator } from "../statistics/joint-moments.ts";
import { scaleFactor } from "../statistics/moments.ts";

/**
 * Takes the slope of the least-squares line of `y` over `x`, exact and rounded once; null over an
 * empty window.
 * A row counts only if both are there. If `x` has no spread, it is null.
 *
 * @throws DEFINITION_INVALID when an argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when a column holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the columns are of two sources.
 *
 * @example
 * const hour = hourOf(transactions.time, "UTC");
 * const amount_by_hour_l1w = slope(transactions.amount, hour).over("7d");
 */
export function slope<A extends AnyExpr, B extends AnyExpr>(
  y: Numeric<A>,
  x: Second<A, B, Numeric<B>>,
): NullableAggregation<SourceOf<A | B>, number> {
  return makeAggregation(slopeAggregator, [y, x]);
}

/** The record of `slope`. Its first argument is y. */
export const slopeAggregator: Aggregator = {
  name: "slope",
  parameters: [
    { name: "y", accepts: "number" },
    { name: "x", accepts: "number" },
  ],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([y, x]) => slopeAccumulator(scaleFactor(x!), scaleFactor(y!)),
  rule:
    "slope(y, x) of rows with both: (nΣxy − ΣxΣy) ÷ (nΣx² − (Σx)²), rounded once; " +
    "no spread of x: null",
  examples: [{ call: "slope(x, hour)", arguments: ["x", "hour"], answer: 1.6470588235294117 }],
};
