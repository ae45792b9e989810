import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { quantileAccumulator } from "../statistics/quantile-finish.ts";

/**
 * Takes a quantile of a column: the value below which the share `q` of all values lies; null over
 * an empty window.
 * Between two values it interpolates, exactly and rounded once.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `q` is
 * no number from 0 to 1.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_p90_l1w = quantile(transactions.amount, 0.9).over("7d");
 */
export function quantile<E extends AnyExpr>(
  x: Numeric<E>,
  q: number,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(quantileAggregator, [x], { q });
}

/** The record of `quantile`. */
export const quantileAggregator: Aggregator = {
  name: "quantile",
  parameters: [{ name: "x", accepts: "number" }],
  options: { q: { from: 0, to: 1 } },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "multiset",
  accumulator: ([form], { q }) => quantileAccumulator(form!, q as number),
  sql: "partial",
  rule:
    "of sorted v₀ … vₙ₋₁ with h = (n − 1)q, by the decimal digits of q: " +
    "v⌊h⌋ + (h − ⌊h⌋)(v⌊h⌋₊₁ − v⌊h⌋), rounded once",
  examples: [{ call: "quantile(x, 0.9)", arguments: ["x"], options: { q: 0.9 }, answer: 8.2 }],
};
