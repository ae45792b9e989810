import type { Aggregation, CheckCount, Ordered, PresentValue } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { checkOptions } from "../define/options.ts";
import type { Aggregator } from "./aggregator.ts";
import { elementCount, listOf } from "./bounded-list.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";

/**
 * Lists the different values of a column in their order; empty over an empty window.
 * Of more than `atMost` values the least stay, and the answer is counted as truncated.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or
 * `atMost` is no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const vendors_l1w = distinctValues(transactions.vendor, { atMost: 20 }).over("7d");
 */
export function distinctValues<E extends AnyExpr, const K extends number>(
  x: Ordered<E>,
  options: { readonly atMost: CheckCount<K> },
): Aggregation<SourceOf<E>, readonly PresentValue<E>[], ListType<TypeOf<E>>> {
  const { atMost } = checkOptions("distinctValues()", options, ["atMost"]);
  return makeAggregation(distinctValuesAggregator, [x], { atMost: atMost as number });
}

/** The record of `distinctValues`. */
export const distinctValuesAggregator: Aggregator = {
  name: "distinctValues",
  parameters: [{ name: "x", accepts: "ordered" }],
  options: { atMost: elementCount },
  result: ([form]) => listOf(form!),
  empty: () => [],
  class: "multiset",
  accumulator: ([form], { atMost }) =>
    multisetAccumulator(form!.type, (values, overflows) => {
      if (values.size > (atMost as number)) overflows.truncated = (overflows.truncated ?? 0) + 1;
      return values
        .sorted()
        .slice(0, atMost as number)
        .map(({ value }) => value);
    }),
  sql: "answer",
  rule: "the different values in their order; of more than `atMost` the least, and it is counted",
  examples: [
    {
      call: "distinctValues(k, { atMost: 20 })",
      arguments: ["k"],
      options: { atMost: 20 },
      answer: ["a", "b", "c"],
    },
  ],
};
