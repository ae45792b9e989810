import type { NullableAggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { gapAccumulator } from "./gap-state.ts";

/**
 * Takes the longest time between a row and the next one, in a unit; null for fewer than two rows.
 *
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const max_gap_l1w = maxGap("hours").over("7d");
 */
export function maxGap(unit: DurationUnit): NullableAggregation<never, number> {
  return makeAggregation(maxGapAggregator, [], { unit });
}

/** The record of `maxGap`. */
export const maxGapAggregator: Aggregator = {
  name: "maxGap",
  parameters: [],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "ordered",
  times: true,
  accumulator: (_, options) => gapAccumulator(options, ({ longest }, unit) => longest / unit),
  sql: "answer",
  rule: "the longest time between neighbours ÷ unit; fewer than two rows: null",
  examples: [{ call: 'maxGap("hours")', arguments: [], options: { unit: "hours" }, answer: 2 }],
};
