/** Functions of one number. */
import * as mathFunctions from "../../expr/functions/math.ts";
import * as roundingFunctions from "../../expr/functions/rounding.ts";
import { TidemarkError } from "../../errors.ts";
import { edgesText } from "../../expr/functions/math.ts";
import type { NumericType } from "../column-types.ts";
import { described } from "../definition.ts";
import { argumentOf, defineCall, whoCalls } from "../expression.ts";
import type { AnyExpr, Arg, Expr, NullOf, SourceOf, TypeOf, ValueOf } from "../expression-types.ts";

type NumberArg<A extends AnyExpr> = Arg<A, NumericType, "this takes a number">;
type SameNumber<A extends AnyExpr> = Expr<SourceOf<A>, TypeOf<A>, ValueOf<A>>;
type Double<A extends AnyExpr> = Expr<SourceOf<A>, "float64", number | null>;

/**
 * The number with the other sign.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const outgoing = neg(transactions.amount);
 */
export function neg<A extends AnyExpr>(x: NumberArg<A>): SameNumber<A> {
  return defineCall(roundingFunctions.neg, [argumentOf("neg", x)]);
}

/**
 * The number without its sign.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const size = abs(transactions.amount);
 */
export function abs<A extends AnyExpr>(x: NumberArg<A>): SameNumber<A> {
  return defineCall(roundingFunctions.abs, [argumentOf("abs", x)]);
}

/**
 * −1, 0 or 1, in the type of the number.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const direction = sign(transactions.amount);
 */
export function sign<A extends AnyExpr>(x: NumberArg<A>): SameNumber<A> {
  return defineCall(roundingFunctions.sign, [argumentOf("sign", x)]);
}

/**
 * The greatest whole number that is not greater. A decimal keeps its digits.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const whole = floor(transactions.amount);
 */
export function floor<A extends AnyExpr>(x: NumberArg<A>): SameNumber<A> {
  return defineCall(roundingFunctions.floor, [argumentOf("floor", x)]);
}

/**
 * The least whole number that is not less. A decimal keeps its digits.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const whole = ceil(transactions.amount);
 */
export function ceil<A extends AnyExpr>(x: NumberArg<A>): SameNumber<A> {
  return defineCall(roundingFunctions.ceil, [argumentOf("ceil", x)]);
}

/**
 * Rounds to `digits` digits after the point, halves away from zero. A decimal keeps its digits.
 *
 * @throws VALUE_INVALID when `digits` is no whole number from 0 to 18.
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const francs = round(transactions.amount, 0);
 */
export function round<A extends AnyExpr>(x: NumberArg<A>, digits: number = 0): SameNumber<A> {
  const argument = argumentOf("round", x);
  const who = whoCalls("round", [argument]);
  if (!Number.isInteger(digits) || digits < 0 || digits > 18)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: digits is a whole number from 0 to 18, got ${described(digits)}`,
    );
  return defineCall(roundingFunctions.round, [argument], { digits });
}

/**
 * The square root as a double. Null below 0.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const root = sqrt(transactions.amount);
 */
export function sqrt<A extends AnyExpr>(x: NumberArg<A>): Double<A> {
  return defineCall(mathFunctions.sqrt, [argumentOf("sqrt", x)]);
}

/**
 * e to the power of the number, as a double. Null if it is too large.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const grown = exp(transactions.amount);
 */
export function exp<A extends AnyExpr>(x: NumberArg<A>): Double<A> {
  return defineCall(mathFunctions.exp, [argumentOf("exp", x)]);
}

/**
 * The natural logarithm of 1 + the number, as a double. Null at −1 and below.
 *
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const damped = log1p(transactions.amount);
 */
export function log1p<A extends AnyExpr>(x: NumberArg<A>): Double<A> {
  return defineCall(mathFunctions.log1p, [argumentOf("log1p", x)]);
}

/**
 * The natural logarithm as a double, or that to base 2 or 10. Null at 0 and below.
 *
 * @throws VALUE_INVALID when the base is not 2 or 10.
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const magnitude = log(transactions.amount, 10);
 */
export function log<A extends AnyExpr>(x: NumberArg<A>, base?: 2 | 10): Double<A> {
  const argument = argumentOf("log", x);
  if (base === undefined) return defineCall(mathFunctions.log, [argument]);
  // A caller without types may give any base.
  if (![2, 10].includes(base as number))
    throw new TidemarkError(
      "VALUE_INVALID",
      `${whoCalls("log", [argument])}: the base is 2 or 10, got ${described(base)}; ` +
        "without it the logarithm is the natural one",
    );
  return defineCall(mathFunctions.log, [argument], { base });
}
/**
 * The number to the power of `exponent`, as a double. Null if the power is no finite number.
 *
 * @throws VALUE_INVALID when the exponent is no finite number.
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const squared = power(transactions.amount, 2);
 */
export function power<A extends AnyExpr>(x: NumberArg<A>, exponent: number): Double<A> {
  const argument = argumentOf("power", x);
  checkFinite(whoCalls("power", [argument]), "the exponent", exponent);
  return defineCall(mathFunctions.power, [argument], { exponent: exponent + 0 });
}
/**
 * Counts how many of the edges are not above the number: the bin that holds it.
 *
 * @throws VALUE_INVALID when the edges are no rising list of finite numbers.
 * @throws TYPE_MISMATCH when the argument holds no numbers.
 *
 * @example
 * const size = binOf(transactions.amount, [10, 100, 1000]);
 */
export function binOf<A extends AnyExpr>(
  x: NumberArg<A>,
  edges: readonly number[],
): Expr<SourceOf<A>, "int32", number | NullOf<A>> {
  const argument = argumentOf("binOf", x);
  const who = whoCalls("binOf", [argument]);
  if (!Array.isArray(edges) || edges.length === 0 || edges.length > MAX_EDGES)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: list 1 to ${MAX_EDGES} edges, such as [10, 100]`,
    );
  edges.forEach((edge: unknown, i) => {
    checkFinite(who, `edge ${i}`, edge);
    if (i > 0 && edges[i - 1]! >= (edge as number))
      throw new TidemarkError("VALUE_INVALID", `${who}: its edges must rise, as in [10, 100]`);
  });
  return defineCall(mathFunctions.binOf, [argument], { edges: edgesText(edges) });
}

const MAX_EDGES = 1000;

function checkFinite(who: string, what: string, value: unknown): void {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: ${what} is a finite number, got ${described(value)}`,
    );
}
