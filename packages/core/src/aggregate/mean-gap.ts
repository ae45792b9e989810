import type { NullableAggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { gapAccumulator, meanLength } from "./gap-state.ts";

/**
 * Takes the mean time between a row and the next one, in a unit; null for fewer than two rows.
 *
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const mean_gap_l1w = meanGap("hours").over("7d");
 */
export function meanGap(unit: DurationUnit): NullableAggregation<never, number> {
  return makeAggregation(meanGapAggregator, [], { unit });
}

/** The record of `meanGap`. */
export const meanGapAggregator: Aggregator = {
  name: "meanGap",
  parameters: [],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "ordered",
  times: true,
  accumulator: (_, options) =>
    gapAccumulator(options, ({ rows, first, last }, unit) =>
      meanLength(last - first, rows - 1, unit),
    ),
  sql: "partial",
  rule: "(newest − oldest event time) ÷ ((n − 1) · unit), rounded once; fewer than two rows: null",
  examples: [{ call: 'meanGap("hours")', arguments: [], options: { unit: "hours" }, answer: 1.25 }],
};
