import type { NullableAggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { scaleFactor } from "../statistics/moments.ts";
import { slopeAccumulator } from "../statistics/joint-moments.ts";
import { unitOf } from "./time-since.ts";

/**
 * Takes the trend of a column: by how much it grows in a unit of time, along the least-squares line
 * over event time; null over an empty window.
 * It is exact and rounded once. If all rows have one event time, it is null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or the
 * unit is none of seconds, minutes, hours and days.
 * @throws TYPE_MISMATCH when the column holds no numbers.
 *
 * @example
 * const amount_growth_per_day_l1w = trend(transactions.amount, "days").over("7d");
 */
export function trend<E extends AnyExpr>(
  x: Numeric<E>,
  unit: DurationUnit,
): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(trendAggregator, [x], { unit });
}

/** The record of `trend`: the slope over event times. */
export const trendAggregator: Aggregator = {
  name: "trend",
  parameters: [{ name: "x", accepts: "number" }],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  times: true,
  // The event times follow the argument, in µs.
  accumulator: ([x], options) => slopeAccumulator(BigInt(unitOf(options)), scaleFactor(x!)),
  rule: "the slope of x over event time, per unit, rounded once; one event time alone: null",
  examples: [
    {
      call: 'trend(x, "hours")',
      arguments: ["x"],
      options: { unit: "hours" },
      answer: 1.6470588235294117,
    },
  ],
};
