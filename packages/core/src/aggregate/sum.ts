import type { Aggregation, Numeric } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf, TypeOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { ValueType } from "../specs.ts";
import type { Aggregator } from "./aggregator.ts";
import { sumAccumulator, sumEnds, sumType } from "../statistics/sum-state.ts";

/** Integers sum to bigint, whatever the column's mode (law 3: integers sum to int64). */
export type SumOf<K> = K extends "int32" | "int64"
  ? bigint
  : K extends "decimal"
    ? string
    : K extends "float64"
      ? number
      : never;

/** The type of a sum: integers sum to int64. */
export type TypeOfSum<K> = K extends "int32" | "int64" ? "int64" : Extract<K, ValueType>;

/**
 * Sums a number of each row, exactly and rounded once; 0 over an empty window.
 * A sum of integers is a bigint. A sum of decimals is a string of at most 38 digits at their own
 * scale.
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are no numbers.
 *
 * @example
 * const amount_l1w = sum(transactions.amount).over("7d");
 */
export function sum<E extends AnyExpr>(
  x: Numeric<E>,
): Aggregation<SourceOf<E>, SumOf<TypeOf<E>>, TypeOfSum<TypeOf<E>>> {
  return makeAggregation(sumAggregator, [x]);
}

/**
 * The record of `sum`.
 * A sum of float64 is a float64, of integers an int64, of decimal(p,s) a decimal(38,s).
 * A sum outside its type saturates at the largest value of that type, and is counted.
 */
export const sumAggregator: Aggregator = {
  name: "sum",
  parameters: [{ name: "x", accepts: "number" }],
  result: ([form]) => sumType(form!),
  empty: ({ type }) => (type === "float64" ? 0 : 0n),
  class: "invertible",
  accumulator: ([form]) => sumAccumulator(form!.type, sumEnds(form!)),
  sql: "partial",
  rule: "exact, rounded once; outside its type it is the type's largest value, and counted",
  examples: [{ call: "sum(x)", arguments: ["x"], answer: 20 }],
};
