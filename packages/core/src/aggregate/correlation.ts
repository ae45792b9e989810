import type { NullableAggregation, Numeric, Second } from "../define/aggregations.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import type { Aggregator } from "./aggregator.ts";
import {
  jointMomentAccumulator,
  jointSpread,
  spreadOfX,
  spreadOfY,
} from "../statistics/joint-moments.ts";
import { roundRoot } from "../statistics/rational.ts";

/**
 * Takes Pearson's correlation of two columns, from −1 to 1; null over an empty window.
 * A row counts only if both are there. If one of them has no spread, it is null.
 *
 * @throws DEFINITION_INVALID when an argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when a column holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the columns are of two sources.
 *
 * @example
 * const hour = hourOf(transactions.time, "UTC");
 * const correlation_l1w = correlation(transactions.amount, hour).over("7d");
 */
export function correlation<A extends AnyExpr, B extends AnyExpr>(
  x: Numeric<A>,
  y: Second<A, B, Numeric<B>>,
): NullableAggregation<SourceOf<A | B>, number> {
  return makeAggregation(correlationAggregator, [x, y]);
}

/** The record of `correlation`. It is a pure number: units and scales of the values cancel out. */
export const correlationAggregator: Aggregator = {
  name: "correlation",
  parameters: [
    { name: "x", accepts: "number" },
    { name: "y", accepts: "number" },
  ],
  result: () => ({ type: "float64", nullable: true }),
  empty: () => null,
  class: "invertible",
  accumulator: () =>
    jointMomentAccumulator((moments) => {
      const [joint, x, y] = [jointSpread(moments), spreadOfX(moments), spreadOfY(moments)];
      if (x.mantissa === 0n || y.mantissa === 0n) return null;
      const root = roundRoot(
        joint.mantissa * joint.mantissa,
        x.mantissa * y.mantissa,
        2 * joint.exponent - x.exponent - y.exponent,
      );
      return joint.mantissa < 0n && root !== 0 ? -root : root;
    }),
  rule: "of rows with both: the root of a rational, rounded once; no spread: null",
  examples: [
    { call: "correlation(x, hour)", arguments: ["x", "hour"], answer: 0.9801960588196068 },
  ],
};
