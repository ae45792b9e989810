/** Functions of the elements of a list. Each answers what the aggregation of its name answers. */
import * as listFunctions from "../../expr/functions/lists.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import { TidemarkError } from "../../errors.ts";
import type { CallOptions } from "../../specs.ts";
import type { NumericType, OrderedType } from "../column-types.ts";
import { described } from "../definition.ts";
import { argumentOf, defineCall, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  ArithmeticType,
  ArithmeticValue,
  ElementType,
  ElementValue,
  Expr,
  ListArg,
  NullOf,
  SourceOf,
} from "../expression-types.ts";

type Numbers<A extends AnyExpr> = ListArg<A, NumericType, "this takes a list of numbers">;
type Ordered<A extends AnyExpr> = ListArg<
  A,
  OrderedType,
  "this takes a list of values with an order"
>;
type Present<A extends AnyExpr> = NonNullable<ElementValue<A>>;
type Statistic<A extends AnyExpr> = Expr<SourceOf<A>, "float64", number | null>;

/**
 * The sum of a list's numbers, exact and rounded once; 0 of an empty list.
 *
 * @throws TYPE_MISMATCH when the argument is no list of numbers.
 *
 * @example
 * const largest_three = sumOf(topK(transactions.amount, 3).over("30d"));
 */
export function sumOf<A extends AnyExpr>(
  list: Numbers<A>,
): Expr<
  SourceOf<A>,
  ArithmeticType<ElementType<A>>,
  ArithmeticValue<ArithmeticType<ElementType<A>>, Present<A>> | NullOf<A>
> {
  return ofList(listFunctions.sumOf, list);
}

/**
 * The average of a list's numbers as a double; null of an empty list.
 *
 * @throws TYPE_MISMATCH when the argument is no list of numbers.
 *
 * @example
 * const usual_day = avgOf(sum(transactions.amount).over(series("1d", 30)));
 */
export function avgOf<A extends AnyExpr>(list: Numbers<A>): Statistic<A> {
  return ofList(listFunctions.avgOf, list);
}

/**
 * The smallest element of a list; null of an empty list.
 *
 * @throws TYPE_MISMATCH when the argument is no list of values with an order.
 *
 * @example
 * const quietest_day = minOf(count().over(series("1d", 30)));
 */
export function minOf<A extends AnyExpr>(
  list: Ordered<A>,
): Expr<SourceOf<A>, ElementType<A>, Present<A> | null> {
  return ofList(listFunctions.minOf, list);
}

/**
 * The largest element of a list; null of an empty list.
 *
 * @throws TYPE_MISMATCH when the argument is no list of values with an order.
 *
 * @example
 * const busiest_day = maxOf(count().over(series("1d", 30)));
 */
export function maxOf<A extends AnyExpr>(
  list: Ordered<A>,
): Expr<SourceOf<A>, ElementType<A>, Present<A> | null> {
  return ofList(listFunctions.maxOf, list);
}

/**
 * The standard deviation of a list's numbers; null of an empty list. Of a sample of one it is null.
 *
 * @throws DEFINITION_INVALID when the estimator is neither `sample` nor `population`.
 * @throws TYPE_MISMATCH when the argument is no list of numbers.
 *
 * @example
 * const unevenness = stddevOf(sum(transactions.amount).over(series("1d", 30)), "sample");
 */
export function stddevOf<A extends AnyExpr>(
  list: Numbers<A>,
  over: "sample" | "population",
): Statistic<A> {
  // A caller without types may give any estimator.
  if (!["sample", "population"].includes(over))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `stddevOf(): over must be "sample" or "population", got ${described(over)}`,
    );
  return ofList(listFunctions.stddevOf, list, { over });
}

/**
 * The slope of the least-squares line of a list's numbers over their positions 0, 1, 2 …; null of
 * fewer than two. A missing element leaves the positions of the others as they are.
 *
 * @throws TYPE_MISMATCH when the argument is no list of numbers.
 *
 * @example
 * const growth = slopeOf(sum(transactions.amount).over(series("1d", 30)));
 */
export function slopeOf<A extends AnyExpr>(list: Numbers<A>): Statistic<A> {
  return ofList(listFunctions.slopeOf, list);
}

/**
 * A quantile of a list's numbers, as `quantile` takes it; null of an empty list.
 *
 * @throws DEFINITION_INVALID when `q` is no number from 0 to 1.
 * @throws TYPE_MISMATCH when the argument is no list of numbers.
 *
 * @example
 * const usual_day = quantileOf(sum(transactions.amount).over(series("1d", 30)), 0.5);
 */
export function quantileOf<A extends AnyExpr>(list: Numbers<A>, q: number): Statistic<A> {
  if (typeof q !== "number" || !(q >= 0 && q <= 1))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `quantileOf(): q must be a number from 0 to 1, got ${described(q)}`,
    );
  return ofList(listFunctions.quantileOf, list, { q: q + 0 });
}

function ofList<T>(of: ScalarFunction, list: unknown, options: CallOptions = {}): T {
  const argument = argumentOf(of.name, list);
  return defineCall(of, [argument], options, whoCalls(of.name, [argument]));
}
