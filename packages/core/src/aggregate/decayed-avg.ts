import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { CheckDuration } from "../define/duration.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { decayAccumulator, decayOptions, type Decay } from "./decay-state.ts";
import { ExactSum } from "../statistics/exact-sum.ts";
import { finiteOrNull } from "../statistics/moments.ts";
import { roundRational } from "../statistics/rational.ts";

/**
 * Averages a number of each row by its weight, 2^(−age ÷ halfLife); null over an empty window.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are no numbers.
 * @throws DURATION_INVALID when the half-life is no duration.
 *
 * @example
 * const amount_lately = decayedAvg(transactions.amount, { halfLife: "7d" }).over("90d");
 */
export function decayedAvg<E extends AnyExpr, const H extends string>(
  x: Numeric<E>,
  decay: Decay<CheckDuration<H>>,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(decayedAvgAggregator, [x], decayOptions("decayedAvg", decay));
}

/** The record of `decayedAvg`. */
export const decayedAvgAggregator: Aggregator = {
  name: "decayedAvg",
  parameters: [{ name: "x", accepts: "number" }],
  options: { halfLife: { isDuration: true } },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "rows",
  times: true,
  clock: true,
  accumulator: ([form], options) => {
    const [products, weights] = [new ExactSum(), new ExactSum()];
    return decayAccumulator(form!, options, () => {
      products.reset();
      weights.reset();
      return {
        take: (product, weight) => {
          products.add(product);
          weights.add(weight);
        },
        answer: () => quotient(products, weights),
      };
    });
  },
  rule:
    "the exact sum of the products of `decayedSum` ÷ the exact sum of their weights, rounded " +
    "once; it moves with t",
  examples: [
    {
      call: 'decayedAvg(x, { halfLife: "1h" })',
      arguments: ["x"],
      options: { halfLife: 3_600_000_000 },
      answer: 8.634146341463415,
    },
  ],
};

/** The exact quotient of two sums, rounded once. */
function quotient(products: ExactSum, weights: ExactSum): number | null {
  const [product, weight] = [products.exact(), weights.exact()];
  if (weight.mantissa === 0n) return null;
  return finiteOrNull(
    roundRational(product.mantissa, weight.mantissa, product.exponent - weight.exponent),
  );
}
