import type { NullableAggregation } from "../define/aggregations.ts";
import { durationMicros, type CheckDuration } from "../define/duration.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { DURATION_UNITS, type DurationUnit } from "../time/duration-unit.ts";
import type { Aggregator } from "./aggregator.ts";
import { sessionAccumulator } from "./session-state.ts";
import { unitOf } from "./time-since.ts";

/**
 * Takes the length of the longest session, in a unit; null over an empty window. A row begins a
 * session if the row before it is at least `gap` older. A session of one row has the length 0.
 *
 * @throws DURATION_INVALID when the gap is no duration.
 * @throws DEFINITION_INVALID when the unit is none of seconds, minutes, hours and days.
 *
 * @example
 * const max_session_l1w = maxSession("30m", "minutes").over("7d");
 */
export function maxSession<const G extends string>(
  gap: CheckDuration<G>,
  unit: DurationUnit,
): NullableAggregation<never, number> {
  return makeAggregation(maxSessionAggregator, [], {
    gap: durationMicros("maxSession()", gap),
    unit,
  });
}

/** The record of `maxSession`. */
export const maxSessionAggregator: Aggregator = {
  name: "maxSession",
  parameters: [],
  options: { gap: { isDuration: true }, unit: DURATION_UNITS },
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "ordered",
  times: true,
  accumulator: (_, options) => {
    const unit = unitOf(options);
    return sessionAccumulator(options, ({ sessions, longest }) =>
      sessions === 0 ? null : longest / unit,
    );
  },
  sql: "answer",
  rule: "the length of the longest session ÷ unit; a length is newest − oldest row",
  examples: [
    {
      call: 'maxSession("2h", "hours")',
      arguments: [],
      options: { gap: 7_200_000_000, unit: "hours" },
      answer: 1,
    },
  ],
};
