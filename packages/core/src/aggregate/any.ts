import type { Aggregation, Truth } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import { truthAccumulator } from "./truth-counts.ts";

/**
 * Says whether a boolean column is true in any row; false over an empty window. Never null.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column is no boolean column.
 *
 * @example
 * const was_online_l1w = any(transactions.online).over("7d");
 */
export function any<E extends AnyExpr>(x: Truth<E>): Aggregation<SourceOf<E>, boolean> {
  return makeAggregation(anyAggregator, [x]);
}

/** The record of `any`. */
export const anyAggregator: Aggregator = {
  name: "any",
  parameters: [{ name: "c", accepts: "boolean" }],
  result: () => ({ type: "boolean", nullable: false }),
  empty: () => false,
  class: "invertible",
  accumulator: () => truthAccumulator(({ yes }) => yes > 0),
  sql: "answer",
  rule: "whether it is true in a row; unknown is passed over",
  examples: [{ call: "any(ok)", arguments: ["ok"], answer: true }],
};
