/** Functions that take a part out of a list, a map or a struct. */
import * as partFunctions from "../../expr/functions/parts.ts";
import { TidemarkError } from "../../errors.ts";
import type { TypeSpec } from "../../specs.ts";
import type { OrderedType } from "../column-types.ts";
import { described } from "../definition.ts";
import { argumentOf, defineCall, operandOf, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  Arg,
  ElementType,
  ElementValue,
  Expr,
  KeysType,
  ListArg,
  MapKey,
  MapValue,
  MemberType,
  NullOf,
  SoughtPart,
  SourceOf,
  ValueOf,
  ValuesType,
} from "../expression-types.ts";

/** A name of a member of the struct. */
type MemberName<A extends AnyExpr, N> = N extends keyof NonNullable<ValueOf<A>>
  ? N
  : keyof NonNullable<ValueOf<A>> & string;

/**
 * The value of a member of a struct, such as a category of `byEach`.
 *
 * @throws TYPE_MISMATCH when the argument is no struct, or has no such member.
 *
 * @example
 * const by_vendor = count().byEach(transactions.vendor, ["Hospital", "Sport"]).over("7d");
 * const sport_part = div(member(by_vendor, "Sport"), count().over("7d"));
 */
export function member<A extends AnyExpr, const N extends string>(
  struct: Arg<A, "struct", "only a struct has members">,
  name: MemberName<A, N>,
): Expr<
  SourceOf<A>,
  MemberType<A, N>,
  NonNullable<ValueOf<A>>[N & keyof NonNullable<ValueOf<A>>] | NullOf<A>
> {
  const argument = argumentOf("member", struct);
  const who = whoCalls("member", [argument]);
  if (typeof name !== "string")
    throw new TidemarkError("VALUE_INVALID", `${who}: name a member, got ${described(name)}`);
  return defineCall(partFunctions.member, [argument], { name }, who);
}

/**
 * One element of a list. The first has index 0, the last −1. Null if there is none.
 *
 * @throws VALUE_INVALID when the index is no whole number.
 * @throws TYPE_MISMATCH when the argument is no list.
 *
 * @example
 * const last_vendor = elementOf(lastN(transactions.vendor, 5).over("90d"), 0);
 */
export function elementOf<A extends AnyExpr>(
  list: Arg<A, "list", "only a list has elements">,
  index: number,
): Expr<SourceOf<A>, ElementType<A>, ElementValue<A> | null> {
  const argument = argumentOf("elementOf", list);
  const who = whoCalls("elementOf", [argument]);
  if (!Number.isSafeInteger(index))
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: its index is a whole number, 0 for the first and -1 for the last, ` +
        `got ${described(index)}`,
    );
  return defineCall(partFunctions.elementOf, [argument], { index: index + 0 }, who);
}

/**
 * True where an element of the list equals the value. Missing elements equal nothing.
 *
 * @throws VALUE_INVALID when the value is null or not of the type of elements.
 * @throws TYPE_MISMATCH when the first argument is no list, or its elements have no order.
 *
 * @example
 * const lately_in_hospital = contains(lastN(transactions.vendor, 5).over("90d"), "Hospital");
 */
export function contains<A extends AnyExpr, B>(
  list: ListArg<A, OrderedType, "this takes a list of values with an order">,
  value: SoughtPart<A, B, ElementType<A>, NonNullable<ElementValue<A>>>,
): Expr<SourceOf<A> | SourceOf<B>, "boolean", boolean | NullOf<A> | NullOf<B>> {
  const argument = argumentOf("contains", list);
  const who = whoCalls("contains", [argument]);
  const sought = operandOf(who, value, partOf(argument.expression, "element"));
  return defineCall(partFunctions.contains, [argument, sought], {}, who);
}

/**
 * The value of a key of a map, such as a category of `by`. Null if the map has no such key.
 *
 * @throws VALUE_INVALID when the key is null or not of the type of keys.
 * @throws TYPE_MISMATCH when the first argument is no map.
 *
 * @example
 * const spent = sum(transactions.amount).by(transactions.vendor).over("30d");
 * const spent_in_hospital = coalesce(valueAt(spent, "Hospital"), 0);
 */
export function valueAt<A extends AnyExpr, B>(
  map: Arg<A, "map", "only a map has keys">,
  key: SoughtPart<A, B, KeysType<A>, MapKey<A>>,
): Expr<SourceOf<A> | SourceOf<B>, ValuesType<A>, MapValue<A> | null> {
  const argument = argumentOf("valueAt", map);
  const who = whoCalls("valueAt", [argument]);
  const sought = operandOf(who, key, partOf(argument.expression, "keys"));
  return defineCall(partFunctions.valueAt, [argument, sought], {}, who);
}

/** The type of what is looked for. An argument without such parts is refused by the call. */
function partOf(spec: TypeSpec, part: "element" | "keys"): TypeSpec {
  return spec[part] ?? { type: "string", nullable: false };
}
