import type { NullableAggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { gapAccumulator } from "./gap-state.ts";

/**
 * Takes the shortest time between a row and the next one, in a unit; null for fewer than two rows.
 *
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const min_gap_l1w = minGap("hours").over("7d");
 */
export function minGap(unit: DurationUnit): NullableAggregation<never, number> {
  return makeAggregation(minGapAggregator, [], { unit });
}

/** The record of `minGap`. */
export const minGapAggregator: Aggregator = {
  name: "minGap",
  parameters: [],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "ordered",
  times: true,
  accumulator: (_, options) => gapAccumulator(options, ({ shortest }, unit) => shortest / unit),
  sql: "answer",
  rule: "the shortest time between neighbours ÷ unit; fewer than two rows: null",
  examples: [{ call: 'minGap("hours")', arguments: [], options: { unit: "hours" }, answer: 0 }],
};
