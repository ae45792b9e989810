import type { NullableAggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { timeSince } from "./time-since.ts";

/**
 * Takes the time since the oldest row, in a unit; null over an empty window. It grows with time,
 * although no row comes.
 *
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const first_seen_hours = timeSinceFirst("hours").over("7d");
 */
export function timeSinceFirst(unit: DurationUnit): NullableAggregation<never, number> {
  return makeAggregation(timeSinceFirstAggregator, [], { unit });
}

/** The record of `timeSinceFirst`. */
export const timeSinceFirstAggregator: Aggregator = {
  name: "timeSinceFirst",
  parameters: [],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "mergeable",
  times: true,
  clock: true,
  accumulator: (_, options) => timeSince(-1, options),
  sql: "partial",
  rule: "(t − event time of the oldest row) ÷ unit, rounded once; it moves with t",
  examples: [
    { call: 'timeSinceFirst("hours")', arguments: [], options: { unit: "hours" }, answer: 6 },
  ],
};
