import { MAX_ELEMENTS } from "../define/aggregation-kind.ts";
import type { Aggregation, Key, PresentValue } from "../define/aggregations.ts";
import type { MapType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { int64Count, type Aggregator } from "./aggregator.ts";
import { byFrequency, multisetAccumulator } from "../statistics/multiset.ts";

/**
 * Counts how often each value of a column occurs; empty over an empty window.
 * The keys are in their order. Of more than 1,000 values the most frequent stay, of equally
 * frequent ones the least, and the answer is counted as truncated.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column holds float64 or json values.
 *
 * @example
 * const vendor_counts_l1w = histogram(transactions.vendor).over("7d");
 */
export function histogram<E extends AnyExpr>(
  x: Key<E>,
): Aggregation<SourceOf<E>, ReadonlyMap<PresentValue<E>, number>, MapType<TypeOf<E>, "int64">> {
  return makeAggregation(histogramAggregator, [x]);
}

/** The record of `histogram`. */
export const histogramAggregator: Aggregator = {
  name: "histogram",
  parameters: [{ name: "x", accepts: "key" }],
  result: ([form]) => ({
    type: "map",
    nullable: false,
    keys: { ...form!, nullable: false },
    values: { type: "int64", nullable: false, mode: "number" },
  }),
  empty: () => [],
  class: "multiset",
  accumulator: ([form]) =>
    multisetAccumulator(form!.type, (values, overflows) => {
      if (values.size > MAX_ELEMENTS) overflows.truncated = (overflows.truncated ?? 0) + 1;
      const kept =
        values.size > MAX_ELEMENTS
          ? byFrequency(values)
              .slice(0, MAX_ELEMENTS)
              .sort((a, b) => values.compare(a.value, b.value))
          : values.sorted();
      return kept.map(({ value, rows }) => [value, int64Count(rows)]);
    }),
  sql: "answer",
  rule:
    "value → number of rows, in the order of values; of more than 1,000 values the most " +
    "frequent, of equally frequent ones the least, and it is counted",
  examples: [
    {
      call: "histogram(k)",
      arguments: ["k"],
      answer: [
        ["a", 2n],
        ["b", 1n],
        ["c", 1n],
      ],
    },
  ],
};
