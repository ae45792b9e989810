import type { Aggregation, CheckCount, Ordered, PresentValue } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { elementCount, listOf } from "./bounded-list.ts";
import { byFrequency, multisetAccumulator } from "../statistics/multiset.ts";

/**
 * Lists the `k` most frequent values of a column, the most frequent first; empty over an empty
 * window. Values that are equally frequent come in their order.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `k` is
 * no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const usual_vendors_l1w = mostFrequent(transactions.vendor, 3).over("7d");
 */
export function mostFrequent<E extends AnyExpr, const K extends number>(
  x: Ordered<E>,
  k: CheckCount<K>,
): Aggregation<SourceOf<E>, readonly PresentValue<E>[], ListType<TypeOf<E>>> {
  return makeAggregation(mostFrequentAggregator, [x], { k: k as number });
}

/** The record of `mostFrequent`. */
export const mostFrequentAggregator: Aggregator = {
  name: "mostFrequent",
  parameters: [{ name: "x", accepts: "ordered" }],
  options: { k: elementCount },
  result: ([form]) => listOf(form!),
  empty: () => [],
  class: "multiset",
  accumulator: ([form], { k }) =>
    multisetAccumulator(form!.type, (values) =>
      byFrequency(values)
        .slice(0, k as number)
        .map(({ value }) => value),
    ),
  sql: "answer",
  rule:
    "the `k` most frequent values, the most frequent first; " +
    "equally frequent ones in their order",
  examples: [
    { call: "mostFrequent(k, 2)", arguments: ["k"], options: { k: 2 }, answer: ["a", "b"] },
  ],
};
