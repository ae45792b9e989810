/** Functions that make a value of another type. */
import * as conversionFunctions from "../../expr/functions/conversion.ts";
import { TidemarkError } from "../../errors.ts";
import { typeOptions } from "../../expr/casts.ts";
import { jsonSteps } from "../../expr/json-path.ts";
import type { TypeSpec, ValueType } from "../../specs.ts";
import type { ColumnType, NumericType } from "../column-types.ts";
import { definitionOfKind, described } from "../definition.ts";
import { partsGiven, type PartsType } from "../parts-types.ts";
import { argumentOf, defineCall, whoCalls } from "../expression.ts";
import type {
  AnyExpr,
  Arg,
  Expr,
  NameOf,
  NullOf,
  Ordered,
  SourceOf,
  TypeOf,
} from "../expression-types.ts";
import type { Invalid } from "../shape.ts";

type AnyType = ColumnType<ValueType, unknown>;
type AnyJsonType = PartsType<ValueType, unknown>;
/** An expression of a type's values, which may be null. */
type Converted<A extends AnyExpr, T extends AnyJsonType> =
  T extends PartsType<infer K, infer V> ? Expr<SourceOf<A>, K, V | null> : never;

/** The types to which values of type `K` are cast. */
type CastTargets<K> = K extends "string"
  ? ValueType
  : K extends NumericType
    ? NumericType | "string"
    : K extends "boolean"
      ? NumericType | "string" | "boolean"
      : K | "string";
/** The type itself, or the sentence that refuses it. */
type CastTo<A extends AnyExpr, T extends AnyType> =
  T["type"] extends CastTargets<TypeOf<A>>
    ? T
    : TypeOf<A> extends "timestamp"
      ? Invalid<`${NameOf<A>} is timestamp: it is cast to string; dateOf(x, zone) gives its date`>
      : Invalid<`${NameOf<A>} is ${TypeOf<A>}: it is cast to ${CastTargets<TypeOf<A>>}`>;

/**
 * Makes a value of another type. Null where the value does not fit the type.
 *
 * A number is rounded, halves away from zero. Text is read as a column of the type reads it. A
 * value becomes the text that `toJson` gives.
 *
 * @throws TYPE_MISMATCH when values of one type are not cast to the other.
 * @throws DEFINITION_INVALID when the second argument is no column type.
 *
 * @example
 * const number = cast(transactions.vendor, int64());
 */
export function cast<A extends AnyExpr, T extends AnyType>(
  x: Arg<A, Exclude<ValueType, "json">, "jsonPath takes a value out of it">,
  type: CastTo<A, T>,
): Converted<A, T> {
  const argument = argumentOf("cast", x);
  const who = whoCalls("cast", [argument]);
  return defineCall(conversionFunctions.cast, [argument], typeOptions(typeGiven(who, type)), who);
}

/**
 * Takes a value out of a JSON document. Null where there is none, or a value of another JSON type.
 *
 * The path has names and indexes: `$.device.os`, `$.tags[0]`, `$["any name"]`. A number is read
 * from its digits, and then cast. A JSON string is never a number.
 *
 * With `list(type)` it gives a list: null if there is no JSON array. Elements that do not fit are
 * null. Of more than 1,000 elements the first 1,000 stay, and the answer is counted as truncated.
 *
 * @throws TYPE_MISMATCH when the argument holds no JSON documents.
 * @throws VALUE_INVALID when the path is none.
 * @throws DEFINITION_INVALID when the third argument is no type.
 *
 * @example
 * const document = cast(transactions.vendor, json());
 * const city = jsonPath(document, "$.address.city", string());
 * const tags = jsonPath(document, "$.tags", list(string()));
 */
export function jsonPath<A extends AnyExpr, T extends AnyJsonType>(
  x: Arg<A, "json", "only a json column has paths">,
  path: `$${string}`,
  type: T,
): Converted<A, T> {
  const argument = argumentOf("jsonPath", x);
  const who = whoCalls("jsonPath", [argument]);
  if (typeof path !== "string" || jsonSteps(path) === null)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: a path has names and indexes, such as $.device.os, $.tags[0] or $["any name"], ` +
        `got ${described(path)}`,
    );
  return defineCall(
    conversionFunctions.jsonPath,
    [argument],
    { path, ...typeOptions(partsGiven(type) ?? typeGiven(who, type)) },
    who,
  );
}

/**
 * Puts values into buckets 0 to `buckets` − 1 by a hash. Equal values share a bucket.
 *
 * @throws VALUE_INVALID when `buckets` is no whole number from 1 to 2147483647.
 * @throws TYPE_MISMATCH when the values have no order.
 *
 * @example
 * const bucket = hashBucket(transactions.vendor, 1000);
 */
export function hashBucket<A extends AnyExpr>(
  x: Ordered<A>,
  buckets: number,
): Expr<SourceOf<A>, "int32", number | NullOf<A>> {
  const argument = argumentOf("hashBucket", x);
  const who = whoCalls("hashBucket", [argument]);
  if (!Number.isInteger(buckets) || buckets < 1 || buckets > MOST_BUCKETS)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: buckets is a whole number from 1 to ${MOST_BUCKETS}, got ${described(buckets)}`,
    );
  return defineCall(conversionFunctions.hashBucket, [argument], { buckets }, who);
}

const MOST_BUCKETS = 2 ** 31 - 1;

function typeGiven(who: string, type: unknown): TypeSpec {
  const found = definitionOfKind(type, "column type");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: name a column type, such as int64() or decimal({ precision: 12, scale: 2 }), ` +
        `got ${described(type)}`,
    );
  return found.spec;
}
