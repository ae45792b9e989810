import type { Aggregation, CheckCount } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { CheckItem, Item, ItemSource, ItemType, ItemValue } from "../define/items.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { distinctOption, elementCount, listOf } from "./bounded-list.ts";
import { endList } from "./end-list.ts";

/**
 * Lists the values of the `n` newest rows that have one, the newest first; empty over an empty
 * window.
 * With the option `distinct` each value comes once, at its newest row.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or `n` is
 * no whole number from 1 to 1,000.
 *
 * @example
 * const last_vendors_l1w = lastN(transactions.vendor, 5, { distinct: true }).over("7d");
 */
export function lastN<const E extends Item, const N extends number>(
  x: CheckItem<E>,
  n: CheckCount<N>,
  options: { readonly distinct?: boolean | undefined } = {},
): Aggregation<ItemSource<E>, readonly ItemValue<E>[], ListType<ItemType<E>>> {
  const distinct = distinctOption("lastN()", options);
  return makeAggregation(lastNAggregator, [x], { n: n as number, distinct });
}

/** The record of `lastN`. */
export const lastNAggregator: Aggregator = {
  name: "lastN",
  parameters: [{ name: "x", accepts: "any", takesStruct: true }],
  options: { n: elementCount, distinct: "boolean" },
  result: ([form]) => listOf(form!),
  empty: () => [],
  class: "ordered",
  order: true,
  accumulator: (_, { n, distinct }) => endList("last", n as number, distinct === true),
  sql: "answer",
  rule:
    "the values of the `n` newest rows that have one, newest first; " +
    "`distinct`: each value once",
  examples: [
    {
      call: "lastN(k, 2)",
      arguments: ["k"],
      options: { n: 2, distinct: false },
      answer: ["c", "a"],
    },
    {
      call: "lastN(k, 3, { distinct: true })",
      arguments: ["k"],
      options: { n: 3, distinct: true },
      answer: ["c", "a", "b"],
    },
  ],
};
