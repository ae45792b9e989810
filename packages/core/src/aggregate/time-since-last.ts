import type { NullableAggregation } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { timeSince } from "./time-since.ts";

/**
 * Takes the time since the newest row, in a unit; null over an empty window. It grows with time,
 * although no row comes.
 *
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const last_seen_hours = timeSinceLast("hours").over("7d");
 */
export function timeSinceLast(unit: DurationUnit): NullableAggregation<never, number> {
  return makeAggregation(timeSinceLastAggregator, [], { unit });
}

/** The record of `timeSinceLast`. */
export const timeSinceLastAggregator: Aggregator = {
  name: "timeSinceLast",
  parameters: [],
  options: { unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "mergeable",
  times: true,
  clock: true,
  accumulator: (_, options) => timeSince(1, options),
  sql: "partial",
  rule: "(t − event time of the newest row) ÷ unit, rounded once; it moves with t",
  examples: [
    { call: 'timeSinceLast("hours")', arguments: [], options: { unit: "hours" }, answer: 1 },
  ],
};
