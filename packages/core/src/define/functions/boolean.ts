/** Functions of truth values (law 9: SQL's three-valued logic). */
import * as booleanFunctions from "../../expr/functions/boolean.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import type { ValueType } from "../../specs.ts";
import { TidemarkError } from "../../errors.ts";
import { described, type ExpressionState } from "../definition.ts";
import { argumentOf, conditionOf, defineCall } from "../expression.ts";
import type {
  AnyExpr,
  Arg,
  Expr,
  NullOf,
  SameSource,
  ScopeText,
  SourceOf,
} from "../expression-types.ts";

/** A condition on rows of source `S`: an expression that is true, false or unknown. */
export interface Condition<out S extends string> extends Expr<S, "boolean", boolean | null> {}

type Conditions = readonly [AnyExpr, ...AnyExpr[]];
type Takes = "this takes conditions, such as eq(column, value)";
type CheckConditions<L extends Conditions> = {
  [I in keyof L]: SameSource<L[0], L[I]> extends true
    ? Arg<L[I], "boolean", Takes>
    : OtherCondition<SourceOf<L[I]>, SourceOf<L[0]>>;
};
type OtherCondition<S, First> =
  `this is about ${ScopeText<S>}, the first condition about ${ScopeText<First>}`;
type Combined<L extends Conditions> = Expr<
  SourceOf<L[number]>,
  "boolean",
  boolean | NullOf<L[number]>
>;

/**
 * True where all of the conditions are true. They must be about one source.
 *
 * @throws DEFINITION_INVALID when there is no condition.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the conditions are about two sources.
 *
 * @example
 * const largeInHospital = and(eq(transactions.vendor, "Hospital"), gt(transactions.amount, 1000));
 */
export function and<const L extends Conditions>(...conditions: CheckConditions<L>): Combined<L> {
  return combine(booleanFunctions.and, conditions);
}
/**
 * True where one of the conditions is true. They must be about one source.
 *
 * @throws DEFINITION_INVALID when there is no condition.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the conditions are about two sources.
 *
 * @example
 * const odd = or(isNull(transactions.amount), gt(transactions.amount, 1000));
 */
export function or<const L extends Conditions>(...conditions: CheckConditions<L>): Combined<L> {
  return combine(booleanFunctions.or, conditions);
}
/**
 * True where the condition is false. An unknown condition stays unknown.
 *
 * @throws DEFINITION_INVALID when the argument is no condition.
 *
 * @example
 * const elsewhere = not(eq(transactions.vendor, "Hospital"));
 */
export function not<A extends AnyExpr>(
  negated: Arg<A, "boolean", Takes>,
): Expr<SourceOf<A>, "boolean", boolean | NullOf<A>> {
  return defineCall(booleanFunctions.not, [checkedCondition("not", negated)]);
}

/**
 * True where the value is missing: `x IS NULL`.
 *
 * @throws DEFINITION_INVALID when the argument is no expression.
 *
 * @example
 * const unpriced = isNull(transactions.amount);
 */
export function isNull<S extends string>(
  x: Expr<S, ValueType, unknown>,
): Expr<S, "boolean", boolean> {
  return defineCall(booleanFunctions.isNull, [argumentOf("isNull", x)]);
}
/**
 * True where the value is there: `x IS NOT NULL`.
 *
 * @throws DEFINITION_INVALID when the argument is no expression.
 *
 * @example
 * const priced = isNotNull(transactions.amount);
 */
export function isNotNull<S extends string>(
  x: Expr<S, ValueType, unknown>,
): Expr<S, "boolean", boolean> {
  return defineCall(booleanFunctions.isNotNull, [argumentOf("isNotNull", x)]);
}

function combine<T>(of: ScalarFunction, conditions: readonly unknown[]): T {
  const { name } = of;
  if (conditions.length === 0)
    throw new TidemarkError("DEFINITION_INVALID", `${name}(): give at least one condition`);
  return defineCall(
    of,
    conditions.map((one) => checkedCondition(name, one)),
    {},
    `${name}()`,
  );
}

/** The condition of a user, which a function takes. */
export function checkedCondition(name: string, value: unknown): ExpressionState {
  const found = conditionOf(value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${name}(): it takes conditions such as eq(transactions.vendor, "Hospital"), ` +
        `got ${described(value)}`,
    );
  return found;
}
