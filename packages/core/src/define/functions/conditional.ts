/** Functions that choose one of their arguments. */
import * as conditionalFunctions from "../../expr/functions/conditional.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import { TidemarkError } from "../../errors.ts";
import type { ValueType } from "../../specs.ts";
import { definitionOfKind, described, makeDefinition } from "../definition.ts";
import { argumentOf, defineCall, operandOf, termsOfOneType, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  Arg,
  ArithmeticType,
  ArithmeticValue,
  Expr,
  NullOf,
  Operand,
  Ordered,
  OtherSource,
  SameSource,
  SourceOf,
  Term,
  TypeOf,
  ValueOf,
} from "../expression-types.ts";
import type { NumericType } from "../column-types.ts";
import type { branch, Invalid } from "../shape.ts";
import { checkedCondition } from "./boolean.ts";

/** A branch of `caseWhen`: a condition, and the value where it is true. */
export interface When<out S extends string, out K, out V> {
  readonly [branch]: { readonly source: S; readonly type: K; readonly value: V };
}
type AnyWhen = When<string, unknown, unknown>;

/**
 * Makes a branch of `caseWhen`.
 *
 * @throws DEFINITION_INVALID when the first argument is no condition.
 *
 * @example
 * const size = caseWhen([when(gt(transactions.amount, 1000), "large")], "small");
 */
export function when<C extends AnyExpr, const T extends Term>(
  condition: Arg<C, "boolean", "when takes a condition first">,
  then: SameSource<C, T> extends true ? T : OtherSource<C, T>,
): When<SourceOf<C> | SourceOf<T>, TypeOf<T>, ValueOf<T>> {
  return makeDefinition(
    { kind: "when", condition: checkedCondition("when", condition), value: then },
    "when(...)",
  );
}

type BranchOf<L extends readonly AnyWhen[]> = L[number][typeof branch];
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;
type OneType<K> = true extends IsUnion<K> ? ([K] extends [NumericType] ? ArithmeticType<K> : K) : K;
type CaseType<L extends readonly AnyWhen[], E> = OneType<BranchOf<L>["type"] | TypeOf<E>>;
type CaseValue<K, V> = K extends NumericType
  ? ArithmeticValue<K, NonNullable<V>> | Extract<V, null>
  : V;
type Otherwise<L extends readonly AnyWhen[], E> =
  true extends IsUnion<CaseType<L, E>>
    ? Invalid<"the branches are of several types: cast them to one">
    : E;

/**
 * Takes the value of the first branch whose condition is true, else `otherwise`, else null.
 *
 * @throws DEFINITION_INVALID when there is no branch.
 * @throws TYPE_MISMATCH when the values are of several types that are not numbers.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the branches are about two sources.
 *
 * @example
 * const size = caseWhen(
 *   [when(gt(transactions.amount, 1000), "large"), when(gt(transactions.amount, 10), "medium")],
 *   "small",
 * );
 */
export function caseWhen<
  const L extends readonly [AnyWhen, ...AnyWhen[]],
  const E extends Term = never,
>(
  branches: L,
  otherwise?: Otherwise<L, E>,
): Expr<
  BranchOf<L>["source"] | SourceOf<E>,
  Extract<CaseType<L, E>, ValueType>,
  CaseValue<CaseType<L, E>, BranchOf<L>["value"] | ([E] extends [never] ? null : ValueOf<E>)>
> {
  if (!Array.isArray(branches) || branches.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "caseWhen(): list at least one branch, such as when(condition, value)",
    );
  const found = (branches as readonly unknown[]).map((one) => {
    const state = definitionOfKind(one, "when");
    if (state === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `caseWhen(): its branches are when(condition, value), got ${described(one)}`,
      );
    return state;
  });
  const values = termsOfOneType("caseWhen()", [
    ...found.map(({ value }) => value),
    ...(otherwise === undefined ? [] : [otherwise]),
  ]);
  const branchTerms = found.flatMap(({ condition }, i) => [condition, values[i]!]);
  return defineCall(
    conditionalFunctions.caseWhen,
    [...branchTerms, ...values.slice(found.length)],
    {},
    "caseWhen()",
  );
}

/**
 * Takes the first value, or the second where the first is null.
 *
 * @throws TYPE_MISMATCH when the first one's type cannot hold the second.
 *
 * @example
 * const vendor = coalesce(transactions.vendor, "unknown");
 */
export function coalesce<A extends AnyExpr, B>(
  first: A,
  otherwise: Operand<A, B>,
): Expr<
  SourceOf<A> | SourceOf<B>,
  TypeOf<A>,
  NonNullable<ValueOf<A>> | (B extends AnyExpr ? NullOf<B> : never)
> {
  return ofFirstType(conditionalFunctions.coalesce, first, [otherwise]);
}
/**
 * Takes the value, or null where it equals the second.
 *
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 *
 * @example
 * const named = nullIf(transactions.vendor, "");
 */
export function nullIf<A extends AnyExpr, B>(
  x: Ordered<A>,
  equal: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, TypeOf<A>, ValueOf<A> | null> {
  return ofFirstType(conditionalFunctions.nullIf, x, [equal]);
}
/**
 * Takes the smaller of two values. Null if one of them is null.
 *
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 *
 * @example
 * const capped = least(transactions.amount, 1000);
 */
export function least<A extends AnyExpr, B>(
  left: Ordered<A>,
  right: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, TypeOf<A>, ValueOf<A> | NullOf<B>> {
  return ofFirstType(conditionalFunctions.least, left, [right]);
}
/**
 * Takes the larger of two values. Null if one of them is null.
 *
 * @throws TYPE_MISMATCH when the values have no order, or are of two types.
 *
 * @example
 * const atLeastOne = greatest(transactions.amount, 1);
 */
export function greatest<A extends AnyExpr, B>(
  left: Ordered<A>,
  right: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, TypeOf<A>, ValueOf<A> | NullOf<B>> {
  return ofFirstType(conditionalFunctions.greatest, left, [right]);
}
/**
 * Keeps a number within two bounds. Null if the number or a bound is null.
 *
 * @throws TYPE_MISMATCH when the first one's type cannot hold a bound.
 *
 * @example
 * const usual = clamp(transactions.amount, 0, 1000);
 */
export function clamp<A extends AnyExpr, B, C>(
  x: Arg<A, NumericType, "this takes a number">,
  least: Operand<A, B>,
  greatest: Operand<A, C>,
): Expr<SourceOf<A> | SourceOf<B> | SourceOf<C>, TypeOf<A>, ValueOf<A> | NullOf<B> | NullOf<C>> {
  return ofFirstType(conditionalFunctions.clamp, x, [least, greatest]);
}

function ofFirstType<T>(of: ScalarFunction, value: unknown, others: readonly unknown[]): T {
  const { name } = of;
  const first = argumentOf(name, value);
  const who = whoCalls(name, [first]);
  const operands = others.map((one) => operandOf(who, one, first.expression));
  return defineCall(of, [first, ...operands], {}, who);
}
