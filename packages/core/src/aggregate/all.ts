import type { Aggregation, Truth } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { truthAccumulator } from "./truth-counts.ts";

/**
 * Says whether a boolean column is true in all rows that have it; true over an empty window.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column is no boolean column.
 *
 * @example
 * const always_online_l1w = all(transactions.online).over("7d");
 */
export function all<E extends AnyExpr>(x: Truth<E>): Aggregation<SourceOf<E>, boolean> {
  return makeAggregation(allAggregator, [x]);
}

/** The record of `all`. */
export const allAggregator: Aggregator = {
  name: "all",
  parameters: [{ name: "c", accepts: "boolean" }],
  result: () => ({ type: "boolean", nullable: false }),
  empty: () => true,
  class: "invertible",
  accumulator: () => truthAccumulator(({ no }) => no === 0),
  sql: "answer",
  rule: "whether it is false in no row; unknown is passed over",
  examples: [{ call: "all(ok)", arguments: ["ok"], answer: false }],
};
