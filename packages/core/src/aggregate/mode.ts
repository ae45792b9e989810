import type { NullableAggregation, Ordered, PresentValue } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Value } from "../specs.ts";
import type { Aggregator } from "./aggregator.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";

/**
 * Takes the most frequent value of a column; null over an empty window.
 * Of values that are equally frequent it is the least.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when the column is a json column.
 *
 * @example
 * const usual_vendor_l1w = mode(transactions.vendor).over("7d");
 */
export function mode<E extends AnyExpr>(
  x: Ordered<E>,
): NullableAggregation<SourceOf<E>, PresentValue<E>, TypeOf<E>> {
  return makeAggregation(modeAggregator, [x]);
}

/** The record of `mode`. */
export const modeAggregator: Aggregator = {
  name: "mode",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: ([form]) => ({ ...form!, nullable: true }),
  empty: () => null,
  class: "multiset",
  accumulator: ([form]) =>
    multisetAccumulator(form!.type, (values) => {
      let most = 0;
      for (const { rows } of values.values()) if (rows > most) most = rows;
      let least: Value = null;
      for (const { value, rows } of values.values())
        if (rows === most && (least === null || values.compare(value, least) < 0)) least = value;
      return least;
    }),
  sql: "answer",
  rule: "the most frequent value; of equally frequent ones the least",
  examples: [{ call: "mode(k)", arguments: ["k"], answer: "a" }],
};
