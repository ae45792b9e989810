import type { Aggregation } from "../define/aggregations.ts";
import { durationMicros, type CheckDuration } from "../define/duration.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { int64Count, type Aggregator } from "./aggregator.ts";
import { sessionAccumulator } from "./session-state.ts";

/**
 * Counts sessions. A row begins a session if the row before it is at least `gap` older.
 *
 * @throws DURATION_INVALID when the gap is no duration.
 *
 * @example
 * const sessions_l1w = sessionCount("30m").over("7d");
 */
export function sessionCount<const G extends string>(
  gap: CheckDuration<G>,
): Aggregation<never, number> {
  return makeAggregation(sessionCountAggregator, [], {
    gap: durationMicros("sessionCount()", gap),
  });
}

/** The record of `sessionCount`. */
export const sessionCountAggregator: Aggregator = {
  name: "sessionCount",
  parameters: [],
  options: { gap: { isDuration: true } },
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "ordered",
  times: true,
  accumulator: (_, options) => sessionAccumulator(options, ({ sessions }) => int64Count(sessions)),
  sql: "answer",
  rule: "sessions; a gap of at least `gap` begins one",
  examples: [
    { call: 'sessionCount("2h")', arguments: [], options: { gap: 7_200_000_000 }, answer: 3n },
  ],
};
