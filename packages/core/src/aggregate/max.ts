import type { NullableAggregation, Ordered, PresentValue } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { extremeAccumulator } from "../statistics/extreme.ts";
import { extremeQueue, isNumber } from "./window-queue.ts";

/**
 * Takes the largest value; null over an empty window. Strings order by code point.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const largest_amount_l1w = max(transactions.amount).over("7d");
 */
export function max<E extends AnyExpr>(
  x: Ordered<E>,
): NullableAggregation<SourceOf<E>, PresentValue<E>, TypeOf<E>> {
  return makeAggregation(maxAggregator, [x]);
}

/** The record of `max`. */
export const maxAggregator: Aggregator = {
  name: "max",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: ([form]) => ({ ...form!, nullable: true }),
  empty: () => null,
  class: "mergeable",
  accumulator: ([form]) => extremeAccumulator(form!.type, 1),
  queue: ([form]) => (isNumber(form!) ? extremeQueue(1) : null),
  sql: "answer",
  rule: "the largest value; strings order by code point",
  examples: [{ call: "max(x)", arguments: ["x"], answer: 10 }],
};
