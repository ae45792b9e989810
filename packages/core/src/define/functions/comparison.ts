/** Comparisons of two values by the one order of values (law 3). */
import * as comparisonFunctions from "../../expr/functions/comparison.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import { TidemarkError } from "../../errors.ts";
import { callExpression } from "../../expr/tree.ts";
import type { InputOf } from "../column-types.ts";
import { argumentOf, defineCall, operandOf, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  Expr,
  NullOf,
  Operand,
  Ordered,
  SourceOf,
  TypeOf,
  ValueOf,
} from "../expression-types.ts";
import { literalOf } from "../literals.ts";
import { and, type Condition } from "./boolean.ts";

/** The answer of a comparison: unknown where a value is missing. */
type Compared<A, B> = Expr<SourceOf<A> | SourceOf<B>, "boolean", boolean | NullOf<A> | NullOf<B>>;

/**
 * True where the first value equals the second: `a = b`.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const inHospital = eq(transactions.vendor, "Hospital");
 */
export function eq<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.eq, left, right);
}
/**
 * True where the first value differs from the second: `a <> b`. Not true for null.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const elsewhere = ne(transactions.vendor, "Hospital");
 */
export function ne<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.ne, left, right);
}
/**
 * True where the first value is less than the second: `a < b`.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const small = lt(transactions.amount, 10);
 */
export function lt<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.lt, left, right);
}
/**
 * True where the first value is at most the second: `a <= b`.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const atMostTen = lte(transactions.amount, 10);
 */
export function lte<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.lte, left, right);
}
/**
 * True where the first value is greater than the second: `a > b`.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const large = gt(transactions.amount, 1000);
 */
export function gt<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.gt, left, right);
}
/**
 * True where the first value is at least the second: `a >= b`.
 *
 * @throws VALUE_INVALID when the second value is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the values are about two sources.
 *
 * @example
 * const atLeastTen = gte(transactions.amount, 10);
 */
export function gte<A extends AnyExpr, B>(left: Ordered<A>, right: Operand<A, B>): Compared<A, B> {
  return compare(comparisonFunctions.gte, left, right);
}

/**
 * True where the value is at least the second and at most the third:
 * `x BETWEEN least AND greatest`.
 *
 * @throws VALUE_INVALID when a bound is null or not of the first one's type.
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 *
 * @example
 * const usual = between(transactions.amount, 10, 100);
 */
export function between<A extends AnyExpr, B, C>(
  x: Ordered<A>,
  least: Operand<A, B>,
  greatest: Operand<A, C>,
): Expr<
  SourceOf<A> | SourceOf<B> | SourceOf<C>,
  "boolean",
  boolean | NullOf<A> | NullOf<B> | NullOf<C>
> {
  return and(
    compare<Condition<string>>(comparisonFunctions.gte, x, least),
    compare<Condition<string>>(comparisonFunctions.lte, x, greatest),
  ) as never;
}

/**
 * True where the value equals one of the values: `x IN (values)`.
 *
 * @throws DEFINITION_INVALID when the list is empty, as SQL refuses it.
 * @throws VALUE_INVALID when a value is null or not of the first one's type.
 *
 * @example
 * const health = inList(transactions.vendor, ["Hospital", "Pharmacy"]);
 */
export function inList<A extends AnyExpr>(
  x: Ordered<A>,
  values: readonly NoInfer<InputOf<TypeOf<A>, ValueOf<A>>>[],
): Expr<SourceOf<A>, "boolean", boolean | NullOf<A>> {
  const first = argumentOf("inList", x);
  const who = whoCalls("inList", [first]);
  if (!Array.isArray(values) || values.length === 0)
    throw new TidemarkError("DEFINITION_INVALID", `${who}: list at least one value`);
  // The value is checked before those that it is compared with.
  callExpression(comparisonFunctions.inList, [first.expression], {}, who);
  const others = values.map((value) => literalOf(who, value, first.expression));
  return defineCall(comparisonFunctions.inList, [first, ...others], {}, who);
}

function compare<T>(of: ScalarFunction, left: unknown, right: unknown): T {
  const { name } = of;
  const first = argumentOf(name, left);
  const who = whoCalls(name, [first]);
  // The value is checked before the one that it is compared with.
  callExpression(of, [first.expression, first.expression], {}, who);
  return defineCall(of, [first, operandOf(who, right, first.expression)], {}, who);
}
