import type { Aggregation, Truth } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { streakAccumulator } from "./streak-state.ts";

/**
 * Counts the rows of the streak up to the newest row: rows in order without one in which the
 * condition is false.
 * Rows in which it is unknown are passed over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when it is no condition.
 *
 * @example
 * const streak_l1w = currentStreak(transactions.online).over("7d");
 */
export function currentStreak<E extends AnyExpr>(c: Truth<E>): Aggregation<SourceOf<E>, number> {
  return makeAggregation(currentStreakAggregator, [c]);
}

/** The record of `currentStreak`. */
export const currentStreakAggregator: Aggregator = {
  name: "currentStreak",
  parameters: [{ name: "c", accepts: "boolean" }],
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "ordered",
  order: true,
  accumulator: () => streakAccumulator("trailing"),
  sql: "answer",
  rule: "true rows after the last false one; unknown is passed over",
  examples: [{ call: "currentStreak(ok)", arguments: ["ok"], answer: 2n }],
};
