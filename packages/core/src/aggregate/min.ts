import type { NullableAggregation, Ordered, PresentValue } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { extremeAccumulator } from "../statistics/extreme.ts";
import { extremeQueue, isNumber } from "./window-queue.ts";

/**
 * Takes the smallest value; null over an empty window. Strings order by code point.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const least_amount_l1w = min(transactions.amount).over("7d");
 */
export function min<E extends AnyExpr>(
  x: Ordered<E>,
): NullableAggregation<SourceOf<E>, PresentValue<E>, TypeOf<E>> {
  return makeAggregation(minAggregator, [x]);
}

/** The record of `min`. */
export const minAggregator: Aggregator = {
  name: "min",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: ([form]) => ({ ...form!, nullable: true }),
  empty: () => null,
  class: "mergeable",
  accumulator: ([form]) => extremeAccumulator(form!.type, -1),
  queue: ([form]) => (isNumber(form!) ? extremeQueue(-1) : null),
  sql: "answer",
  rule: "the smallest value; strings order by code point",
  examples: [{ call: "min(x)", arguments: ["x"], answer: 2 }],
};
