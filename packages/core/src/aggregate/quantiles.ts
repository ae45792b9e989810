import { MAX_ELEMENTS } from "../define/aggregation-kind.ts";
import type { Aggregation, Numeric } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { listOf } from "./bounded-list.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";
import { quantileFinish } from "../statistics/quantile-finish.ts";

/**
 * Takes several quantiles of a column, in the order of `q`; empty over an empty window.
 * Each is what `quantile` answers.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `q` is
 * no list of 1 to 1,000 numbers from 0 to 1.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_quartiles_l1w = quantiles(transactions.amount, [0.25, 0.5, 0.75]).over("7d");
 */
export function quantiles<E extends AnyExpr>(
  x: Numeric<E>,
  q: readonly number[],
): Aggregation<SourceOf<E>, readonly number[], ListType<"float64">> {
  return makeAggregation(quantilesAggregator, [x], { q: Array.isArray(q) ? [...q] : q });
}

/** The record of `quantiles`. */
export const quantilesAggregator: Aggregator = {
  name: "quantiles",
  parameters: [{ name: "x", accepts: "number" }],
  options: { q: { length: MAX_ELEMENTS, each: { from: 0, to: 1 } } },
  result: () => listOf({ type: "float64", nullable: false }),
  empty: () => [],
  class: "multiset",
  accumulator: ([form], { q }) => {
    const each = (q as readonly number[]).map((one) => quantileFinish(form!, one));
    return multisetAccumulator(form!.type, (values) =>
      values.size === 0 ? [] : each.map((finish) => finish(values)),
    );
  },
  sql: "partial",
  rule: "the quantile for each `q`, in the order of `q`",
  examples: [
    {
      call: "quantiles(x, [0.5, 0.9])",
      arguments: ["x"],
      options: { q: [0.5, 0.9] },
      answer: [4, 8.2],
    },
  ],
};
