import type { Aggregation, CheckCount, Ordered, PresentValue } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { distinctOption, elementCount, listOf } from "./bounded-list.ts";
import { extremesAccumulator } from "./extremes.ts";

/**
 * Lists the `k` least values of a column, the least first; empty over an empty window.
 * Equal values stay, unless the option `distinct` says that each comes once.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `k` is
 * no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const smallest_amounts_l1w = bottomK(transactions.amount, 3).over("7d");
 */
export function bottomK<E extends AnyExpr, const K extends number>(
  x: Ordered<E>,
  k: CheckCount<K>,
  options: { readonly distinct?: boolean | undefined } = {},
): Aggregation<SourceOf<E>, readonly PresentValue<E>[], ListType<TypeOf<E>>> {
  const distinct = distinctOption("bottomK()", options);
  return makeAggregation(bottomKAggregator, [x], { k: k as number, distinct });
}

/** The record of `bottomK`. */
export const bottomKAggregator: Aggregator = {
  name: "bottomK",
  parameters: [{ name: "x", accepts: "ordered" }],
  options: { k: elementCount, distinct: "boolean" },
  result: ([form]) => listOf(form!),
  empty: () => [],
  class: "multiset",
  accumulator: ([form], options) => extremesAccumulator(form!.type, 1, options),
  sql: "answer",
  rule: "the `k` least values, the least first; equal values stay, unless `distinct`",
  examples: [
    { call: "bottomK(x, 2)", arguments: ["x"], options: { k: 2, distinct: false }, answer: [2, 4] },
  ],
};
