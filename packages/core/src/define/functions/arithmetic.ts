/** Arithmetic with columns and literals. */
import * as arithmeticFunctions from "../../expr/functions/arithmetic.ts";
import { defineCall, numberArguments } from "../expression.ts";
import type {
  ArithmeticTerm,
  Expr,
  NullOf,
  NumberTerm,
  ResultType,
  ResultValue,
  SecondNumber,
  SourceOf,
} from "../expression-types.ts";

type Sources<A, B> = SourceOf<A> | SourceOf<B>;
type Result<A, B> = Expr<
  Sources<A, B>,
  ResultType<A, B>,
  ResultValue<A, B> | NullOf<A> | NullOf<B>
>;

/**
 * Adds two numbers. Integers are added as int64, and an overflow saturates.
 *
 * @throws VALUE_INVALID when a literal is no number.
 * @throws TYPE_MISMATCH when an argument holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are about two sources.
 *
 * @example
 * const withFee = add(transactions.amount, 0.5);
 */
export function add<const A extends ArithmeticTerm, const B extends ArithmeticTerm>(
  left: NumberTerm<A>,
  right: SecondNumber<A, B>,
): Result<A, B> {
  return defineCall(arithmeticFunctions.add, numberArguments("add", [left, right]));
}

/**
 * Subtracts the second number from the first. An overflow saturates.
 *
 * @throws VALUE_INVALID when a literal is no number.
 * @throws TYPE_MISMATCH when an argument holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are about two sources.
 *
 * @example
 * const net = sub(transactions.amount, 0.5);
 */
export function sub<const A extends ArithmeticTerm, const B extends ArithmeticTerm>(
  left: NumberTerm<A>,
  right: SecondNumber<A, B>,
): Result<A, B> {
  return defineCall(arithmeticFunctions.sub, numberArguments("sub", [left, right]));
}

/**
 * Multiplies two numbers. The digits of a product of decimals add up, to at most 18.
 *
 * @throws VALUE_INVALID when a literal is no number.
 * @throws TYPE_MISMATCH when an argument holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are about two sources.
 *
 * @example
 * const inCents = mul(transactions.amount, 100);
 */
export function mul<const A extends ArithmeticTerm, const B extends ArithmeticTerm>(
  left: NumberTerm<A>,
  right: SecondNumber<A, B>,
): Result<A, B> {
  return defineCall(arithmeticFunctions.mul, numberArguments("mul", [left, right]));
}

/**
 * Divides the first number by the second, as doubles. Null if the second is 0.
 *
 * @throws VALUE_INVALID when a literal is no number.
 * @throws TYPE_MISMATCH when an argument holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are about two sources.
 *
 * @example
 * const thousands = div(transactions.amount, 1000);
 */
export function div<const A extends ArithmeticTerm, const B extends ArithmeticTerm>(
  left: NumberTerm<A>,
  right: SecondNumber<A, B>,
): Expr<Sources<A, B>, "float64", number | null> {
  return defineCall(arithmeticFunctions.div, numberArguments("div", [left, right]));
}

/**
 * The remainder of a division, with the sign of the first number. Null if the second is 0.
 *
 * @throws VALUE_INVALID when a literal is no number.
 * @throws TYPE_MISMATCH when an argument holds no numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are about two sources.
 *
 * @example
 * const cents = mod(transactions.amount, 1);
 */
export function mod<const A extends ArithmeticTerm, const B extends ArithmeticTerm>(
  left: NumberTerm<A>,
  right: SecondNumber<A, B>,
): Expr<Sources<A, B>, ResultType<A, B>, ResultValue<A, B> | null> {
  return defineCall(arithmeticFunctions.mod, numberArguments("mod", [left, right]));
}
