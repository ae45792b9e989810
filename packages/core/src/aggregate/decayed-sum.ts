import type { Aggregation, Numeric } from "../define/aggregations.ts";
import type { CheckDuration } from "../define/duration.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { decayAccumulator, decayOptions, type Decay } from "./decay-state.ts";
import { ExactSum } from "../statistics/exact-sum.ts";
import { saturatedFloat } from "../statistics/sum-state.ts";

/**
 * Sums a number of each row by its weight, 2^(−age ÷ halfLife); 0 over an empty window. It decays
 * with time, although no row leaves.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are no numbers.
 * @throws DURATION_INVALID when the half-life is no duration.
 *
 * @example
 * const spent_lately = decayedSum(transactions.amount, { halfLife: "7d" }).over("90d");
 */
export function decayedSum<E extends AnyExpr, const H extends string>(
  x: Numeric<E>,
  decay: Decay<CheckDuration<H>>,
): Aggregation<SourceOf<E>, number> {
  return makeAggregation(decayedSumAggregator, [x], decayOptions("decayedSum", decay));
}

/** The record of `decayedSum`. */
export const decayedSumAggregator: Aggregator = {
  name: "decayedSum",
  parameters: [{ name: "x", accepts: "number" }],
  options: { halfLife: { isDuration: true } },
  result: () => ({ type: "float64", nullable: false }),
  empty: () => 0,
  class: "rows",
  times: true,
  clock: true,
  accumulator: ([form], options) => {
    const sum = new ExactSum();
    return decayAccumulator(form!, options, (overflows) => {
      sum.reset();
      return {
        take: (product) => {
          sum.add(product);
        },
        answer: () => saturatedFloat(sum, overflows),
      };
    });
  },
  rule:
    "Σ value · 2^(−age ÷ halfLife): each weight and each product is rounded, the sum once; " +
    "it moves with t",
  examples: [
    {
      call: 'decayedSum(x, { halfLife: "1h" })',
      arguments: ["x"],
      options: { halfLife: 3_600_000_000 },
      answer: 5.53125,
    },
  ],
};
