import type { Aggregation } from "../define/aggregations.ts";
import type { CheckDuration } from "../define/duration.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { decayAccumulator, decayOptions, type Decay } from "./decay-state.ts";
import { ExactSum } from "../statistics/exact-sum.ts";
import { saturatedFloat } from "../statistics/sum-state.ts";

/**
 * Counts rows by their weights, 2^(−age ÷ halfLife); 0 over an empty window. It decays with time,
 * although no row leaves.
 *
 * @throws DURATION_INVALID when the half-life is no duration.
 *
 * @example
 * const active_lately = decayedCount({ halfLife: "7d" }).over("90d");
 */
export function decayedCount<const H extends string>(
  decay: Decay<CheckDuration<H>>,
): Aggregation<never, number> {
  return makeAggregation(decayedCountAggregator, [], decayOptions("decayedCount", decay));
}

/** The record of `decayedCount`. */
export const decayedCountAggregator: Aggregator = {
  name: "decayedCount",
  parameters: [],
  options: { halfLife: { isDuration: true } },
  result: () => ({ type: "float64", nullable: false }),
  empty: () => 0,
  class: "rows",
  times: true,
  clock: true,
  accumulator: (_, options) => {
    const sum = new ExactSum();
    return decayAccumulator(null, options, (overflows) => {
      sum.reset();
      return {
        take: (_, weight) => {
          sum.add(weight);
        },
        answer: () => saturatedFloat(sum, overflows),
      };
    });
  },
  rule: "Σ 2^(−age ÷ halfLife): each weight is rounded, the sum once; it moves with t",
  examples: [
    {
      call: 'decayedCount({ halfLife: "1h" })',
      arguments: [],
      options: { halfLife: 3_600_000_000 },
      answer: 0.890625,
    },
  ],
};
