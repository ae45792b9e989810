import type { NullableAggregation, Truth } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { truthAccumulator } from "./truth-counts.ts";

/**
 * Takes the share of rows in which a boolean column is true, of those that have it; else null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column is no boolean column.
 *
 * @example
 * const share_online_l1w = share(transactions.online).over("7d");
 */
export function share<E extends AnyExpr>(x: Truth<E>): NullableAggregation<SourceOf<E>, number> {
  return makeAggregation(shareAggregator, [x]);
}

/** The record of `share`. */
export const shareAggregator: Aggregator = {
  name: "share",
  parameters: [{ name: "c", accepts: "boolean" }],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: () => truthAccumulator(({ yes, no }) => (yes + no === 0 ? null : yes / (yes + no))),
  sql: "partial",
  rule: "true ÷ known, divided once; unknown is passed over",
  examples: [{ call: "share(ok)", arguments: ["ok"], answer: 0.6 }],
};
