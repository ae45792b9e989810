import type { Aggregation, Truth } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { streakAccumulator } from "./streak-state.ts";

/**
 * Counts the rows of the longest streak: rows in order without one in which the condition is false.
 * Rows in which it is unknown are passed over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when it is no condition.
 *
 * @example
 * const streak_l1w = longestStreak(transactions.online).over("7d");
 */
export function longestStreak<E extends AnyExpr>(c: Truth<E>): Aggregation<SourceOf<E>, number> {
  return makeAggregation(longestStreakAggregator, [c]);
}

/** The record of `longestStreak`. */
export const longestStreakAggregator: Aggregator = {
  name: "longestStreak",
  parameters: [{ name: "c", accepts: "boolean" }],
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "ordered",
  order: true,
  accumulator: () => streakAccumulator("longest"),
  sql: "answer",
  rule: "the most true rows without a false one between them; unknown is passed over",
  examples: [{ call: "longestStreak(ok)", arguments: ["ok"], answer: 2n }],
};
