import type { NullableAggregation } from "../define/aggregations.ts";
import type { ListType } from "../define/column-types.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { averageEnds } from "../statistics/sum-state.ts";
import { vectorAccumulator } from "../statistics/vector-state.ts";
import type { Aggregator } from "./aggregator.ts";
import { elementCount, listOf } from "./bounded-list.ts";
import type { Numbers } from "./vector-sum.ts";

/**
 * Averages lists of numbers element by element, as doubles; null over an empty window. A list of
 * another length, or with a null element, is passed over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or the
 * length is no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when its values are no lists of numbers.
 *
 * @example
 * const document = cast(transactions.vendor, json());
 * const taste = vectorAvg(jsonPath(document, "$.embedding", list(float64())), 64).over("30d");
 */
export function vectorAvg<E extends AnyExpr>(
  x: Numbers<E>,
  length: number,
): NullableAggregation<SourceOf<E>, readonly number[], ListType<"float64">> {
  return makeAggregation(vectorAvgAggregator, [x], { length });
}

/** The record of `vectorAvg`. */
export const vectorAvgAggregator: Aggregator = {
  name: "vectorAvg",
  parameters: [{ name: "x", accepts: "numbers" }],
  options: { length: elementCount },
  result: () => ({ ...listOf({ type: "float64", nullable: false }), nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: ([form], { length }) => vectorAccumulator(form!, length as number, averageEnds),
  rule: "the average of each element; a list of another length, or with a null, is passed over",
  examples: [
    { call: "vectorAvg(v, 2)", arguments: ["v"], options: { length: 2 }, answer: [5, 8.25] },
  ],
};
