/** Types of lists and structs, which values of JSON documents may have. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, TypeSpec, ValueType } from "../specs.ts";
import { MAX_ELEMENTS } from "./aggregation-kind.ts";
import type { ListType, StructType } from "./column-types.ts";
import { definitionOfKind, described, makeDefinition } from "./definition.ts";
import { checkMemberName } from "./names.ts";
import { checkMembers } from "./options.ts";
import type { shape } from "./shape.ts";

/** The type of values with parts. A column type is one too, but no column of a table has parts. */
export interface PartsType<out K extends ValueType, out V> {
  readonly type: K;
  readonly [shape]: V;
}
type AnyParts = PartsType<ValueType, unknown>;
type Members = { readonly [name: string]: AnyParts };

/**
 * The type of lists, for `jsonPath`. An element that does not fit is null.
 *
 * @throws DEFINITION_INVALID when the type of elements is none, or names a column of a database.
 *
 * @example
 * const tags = jsonPath(cast(transactions.vendor, json()), "$.tags", list(string()));
 */
export function list<T extends AnyParts>(
  element: T,
): PartsType<ListType<T["type"]>, readonly (T[typeof shape] | null)[]> {
  const spec = typeGiven("list()", element);
  if ("database" in spec && spec.database !== "")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "list(): elements have no name; leave the name out of their type",
    );
  return partsType({ type: "list", nullable: true, element: spec });
}

/**
 * The type of structs, for `jsonPath`: JSON objects of which these members are read. A member that
 * is missing or does not fit is null. A name in a column type is the name in JSON.
 *
 * @throws DEFINITION_INVALID when there is no member, or the type of one is none.
 * @throws NAME_INVALID when a name is no name of a member.
 * @throws NAME_TAKEN when two members have one name in SQL.
 *
 * @example
 * const item = struct({ product: string("product-id"), quantity: int32() });
 * const items = jsonPath(cast(transactions.vendor, json()), "$.items", list(item));
 */
export function struct<M extends Members>(
  members: M,
): PartsType<
  StructType<{ readonly [N in keyof M]: M[N]["type"] }>,
  { readonly [N in keyof M]: M[N][typeof shape] | null }
> {
  const who = "struct()";
  const taken = new Map<string, string>();
  const fields = Object.entries(checkMembers(who, "members", members)).map(([name, type]) => {
    checkMemberName(who, name, taken);
    return { database: "", ...typeGiven(`${who}: ${name}`, type), name };
  });
  if (fields.length === 0 || fields.length > MAX_ELEMENTS)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: list 1 to ${MAX_ELEMENTS.toLocaleString("en")} members, as in ` +
        "struct({ product: string(), quantity: int32() })",
    );
  return partsType({ type: "struct", nullable: true, fields });
}

/** The type of values with parts that a user gave; undefined: the value is none. */
export function partsGiven(value: unknown): TypeSpec | undefined {
  return definitionOfKind(value, "parts type")?.spec;
}

function typeGiven(who: string, value: unknown): TypeSpec | ColumnSpec {
  const found = definitionOfKind(value, "column type")?.spec ?? partsGiven(value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: name a type, such as int64() or list(string()), got ${described(value)}`,
    );
  return { ...found, nullable: true };
}

function partsType<T>(spec: TypeSpec): T {
  return makeDefinition({ kind: "parts type", spec }, `${spec.type} type`, { type: spec.type });
}
