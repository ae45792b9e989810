import type { Aggregation, CheckCount } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import type { CheckBy, CheckItem, Item, ItemSource, ItemType, ItemValue } from "../define/items.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { elementCount, listOf } from "./bounded-list.ts";
import { valuesByAccumulator } from "./values-by.ts";

/**
 * Lists the values of the `k` rows with the smallest `by`, the smallest first; empty over an
 * empty window. A row counts only if both are there. Of rows with equal `by` the newest is first.
 *
 * @throws DEFINITION_INVALID when an argument is no column, and no function of columns, or `k` is
 * no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when the values of `by` are json.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are of two sources.
 *
 * @example
 * const vendors_of_smallest_amounts_l1w = bottomKBy(
 *   transactions.vendor, transactions.amount, 3,
 * ).over("7d");
 */
export function bottomKBy<const E extends Item, B extends AnyExpr, const K extends number>(
  v: CheckItem<E>,
  by: CheckBy<E, B>,
  k: CheckCount<K>,
): Aggregation<ItemSource<E> | SourceOf<B>, readonly ItemValue<E>[], ListType<ItemType<E>>> {
  return makeAggregation(bottomKByAggregator, [v, by], { k: k as number });
}

/** The record of `bottomKBy`. */
export const bottomKByAggregator: Aggregator = {
  name: "bottomKBy",
  parameters: [
    { name: "v", accepts: "any", takesStruct: true },
    { name: "by", accepts: "ordered" },
  ],
  options: { k: elementCount },
  result: ([form]) => listOf(form!),
  empty: () => [],
  class: "ordered",
  order: true,
  accumulator: ([, by], { k }) => valuesByAccumulator(by!.type, -1, k as number),
  sql: "answer",
  rule:
    "of rows with both: the values of the `k` rows with the smallest `by`, the smallest first; " +
    "of equals the newest first",
  examples: [
    { call: "bottomKBy(k, x, 2)", arguments: ["k", "x"], options: { k: 2 }, answer: ["a", "a"] },
  ],
};
