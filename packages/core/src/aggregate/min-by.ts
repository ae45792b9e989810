import type { NullableAggregation } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import type { CheckBy, CheckItem, Item, ItemSource, ItemType, ItemValue } from "../define/items.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { valueByAccumulator } from "./value-by.ts";

/**
 * Takes the value of the row with the smallest `by`; null over an empty window.
 * A row counts only if both are there. Of rows with equal `by` it is the newest one's.
 *
 * @throws DEFINITION_INVALID when an argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the values of `by` are json.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are of two sources.
 *
 * @example
 * const vendor_of_smallest_amount_l1w = minBy(transactions.vendor, transactions.amount).over("7d");
 */
export function minBy<const E extends Item, B extends AnyExpr>(
  v: CheckItem<E>,
  by: CheckBy<E, B>,
): NullableAggregation<ItemSource<E> | SourceOf<B>, ItemValue<E>, ItemType<E>> {
  return makeAggregation(minByAggregator, [v, by]);
}

/** The record of `minBy`. */
export const minByAggregator: Aggregator = {
  name: "minBy",
  parameters: [
    { name: "v", accepts: "any", takesStruct: true },
    { name: "by", accepts: "ordered" },
  ],
  result: ([form]) => ({ ...form!, nullable: true }),
  empty: () => null,
  class: "ordered",
  order: true,
  accumulator: ([, by]) => valueByAccumulator(by!.type, -1),
  sql: "answer",
  rule: "of rows with both: the value of the row with the smallest `by`; of equals the newest",
  examples: [{ call: "minBy(k, x)", arguments: ["k", "x"], answer: "a" }],
};
