import type { Aggregation } from "../define/aggregations.ts";
import type { ListType, NumericType } from "../define/column-types.ts";
import type { AnyExpr, ElementType, ListArg, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { sumEnds, sumType } from "../statistics/sum-state.ts";
import { vectorAccumulator } from "../statistics/vector-state.ts";
import type { Aggregator } from "./aggregator.ts";
import { elementCount, listOf } from "./bounded-list.ts";
import type { SumOf, TypeOfSum } from "./sum.ts";

/** The list itself, or why it is none of numbers. */
export type Numbers<E extends AnyExpr> = ListArg<E, NumericType, "this takes a list of numbers">;

/**
 * Sums lists of numbers element by element, each exactly and rounded once; zeros over an empty
 * window. A list of another length, or with a null element, is passed over.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns, or the
 * length is no whole number from 1 to 1,000.
 * @throws TYPE_MISMATCH when its values are no lists of numbers.
 *
 * @example
 * const document = cast(transactions.vendor, json());
 * const spent = vectorSum(jsonPath(document, "$.prices", list(float64())), 3).over("7d");
 */
export function vectorSum<E extends AnyExpr>(
  x: Numbers<E>,
  length: number,
): Aggregation<SourceOf<E>, readonly SumOf<ElementType<E>>[], ListType<TypeOfSum<ElementType<E>>>> {
  return makeAggregation(vectorSumAggregator, [x], { length });
}

/** The record of `vectorSum`. */
export const vectorSumAggregator: Aggregator = {
  name: "vectorSum",
  parameters: [{ name: "x", accepts: "numbers" }],
  options: { length: elementCount },
  result: ([form]) => listOf(sumType(form!.element!)),
  empty: ({ element }, { length }) =>
    Array.from({ length: length as number }, () => (element!.type === "float64" ? 0 : 0n)),
  class: "invertible",
  accumulator: ([form], { length }) => vectorAccumulator(form!, length as number, sumEnds),
  rule: "the sum of each element; a list of another length, or with a null, is passed over",
  examples: [
    { call: "vectorSum(v, 2)", arguments: ["v"], options: { length: 2 }, answer: [20, 33] },
  ],
};
