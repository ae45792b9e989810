import type { NullableAggregation } from "../define/aggregations.ts";
import type { CheckItem, Item, ItemSource, ItemType, ItemValue } from "../define/items.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { endValue } from "./end-value.ts";

/**
 * Takes the value of the oldest row in which it is not null; null over an empty window.
 * Of rows with one event time, the later `createdAt` is the newer, then the larger primary key.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 *
 * @example
 * const first_vendor_l1w = first(transactions.vendor).over("7d");
 */
export function first<const E extends Item>(
  x: CheckItem<E>,
): NullableAggregation<ItemSource<E>, ItemValue<E>, ItemType<E>> {
  return makeAggregation(firstAggregator, [x]);
}

/** The record of `first`. */
export const firstAggregator: Aggregator = {
  name: "first",
  parameters: [{ name: "x", accepts: "any", takesStruct: true }],
  result: ([form]) => ({ ...form!, nullable: true }),
  empty: () => null,
  class: "ordered",
  order: true,
  accumulator: () => endValue("first"),
  sql: "answer",
  rule: "the value of the oldest row that has one",
  examples: [{ call: "first(x)", arguments: ["x"], answer: 2 }],
};
