/** Conditions over the columns of one source, held as data (law 9: SQL's three-valued logic). */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Expression } from "../specs.ts";
import type { AnyColumn, Column, InputOf, OrderedType } from "./column-types.ts";
import { definitionOfKind, described, makeDefinition } from "./definition.ts";
import type { shape } from "./shape.ts";
import { fromUser } from "./user-values.ts";

/** A condition on rows of source `S`. */
export interface Condition<out S extends string> {
  readonly [shape]: { readonly source: S };
}
type AnyCondition = Condition<string>;
type Conditions = readonly [AnyCondition, ...AnyCondition[]];

type Comparable<C extends AnyColumn> = [Extract<C["type"], OrderedType>] extends [never]
  ? `${C["name"]} is a json column, whose values have no order: it can only be isNull or isNotNull`
  : C;
type Input<C extends AnyColumn> = NoInfer<InputOf<C["type"], C[typeof shape]>>;

/**
 * True where the column equals the value: `column = value`.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const inHospital = eq(transactions.vendor, "Hospital");
 */
export function eq<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("eq", "=", column, value);
}
/**
 * True where the column differs from the value: `column <> value`. Not true for null.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const elsewhere = ne(transactions.vendor, "Hospital");
 */
export function ne<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("ne", "<>", column, value);
}
/**
 * True where the column is less than the value: `column < value`.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const small = lt(transactions.amount, 10);
 */
export function lt<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("lt", "<", column, value);
}
/**
 * True where the column is at most the value: `column <= value`.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const atMostTen = lte(transactions.amount, 10);
 */
export function lte<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("lte", "<=", column, value);
}
/**
 * True where the column is greater than the value: `column > value`.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const large = gt(transactions.amount, 1000);
 */
export function gt<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("gt", ">", column, value);
}
/**
 * True where the column is at least the value: `column >= value`.
 *
 * @throws VALUE_INVALID when the value is null or not of the column's type.
 *
 * @example
 * const atLeastTen = gte(transactions.amount, 10);
 */
export function gte<C extends AnyColumn>(
  column: Comparable<C>,
  value: Input<C>,
): Condition<C["source"]> {
  return compare("gte", ">=", column, value);
}

/**
 * True where the column equals one of the values: `column IN (values)`.
 *
 * @throws DEFINITION_INVALID when the list is empty, as SQL refuses it.
 * @throws VALUE_INVALID when a value is null or not of the column's type.
 *
 * @example
 * const health = inList(transactions.vendor, ["Hospital", "Pharmacy"]);
 */
export function inList<C extends AnyColumn>(
  column: Comparable<C>,
  values: readonly Input<C>[],
): Condition<C["source"]> {
  const { source, spec } = comparableColumn("inList", column);
  if (!Array.isArray(values) || values.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `inList(${source}.${spec.name}): list at least one value`,
    );
  const who = `inList(${source}.${spec.name})`;
  return condition(source, [spec], {
    kind: "in",
    column: spec.name,
    values: values.map((value) => comparedValue(who, value, spec)),
  });
}

/**
 * True where the column has no value: `column IS NULL`.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 *
 * @example
 * const unpriced = isNull(transactions.amount);
 */
export function isNull<S extends string>(
  column: Column<S, string, AnyColumn["type"], unknown>,
): Condition<S> {
  return nullCheck("isNull", column, false);
}
/**
 * True where the column has a value: `column IS NOT NULL`.
 *
 * @throws DEFINITION_INVALID when the argument is no column of a source.
 *
 * @example
 * const priced = isNotNull(transactions.amount);
 */
export function isNotNull<S extends string>(
  column: Column<S, string, AnyColumn["type"], unknown>,
): Condition<S> {
  return nullCheck("isNotNull", column, true);
}

/**
 * True where all of the conditions are true. They must be about one source.
 *
 * @throws DEFINITION_INVALID when there is no condition.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the conditions are about two sources.
 *
 * @example
 * const largeInHospital = and(eq(transactions.vendor, "Hospital"), gt(transactions.amount, 1000));
 */
export function and<const L extends Conditions>(
  ...conditions: SameSource<L>
): Condition<SourceOf<L>> {
  return combineConditions("and", conditions);
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
export function or<const L extends Conditions>(
  ...conditions: SameSource<L>
): Condition<SourceOf<L>> {
  return combineConditions("or", conditions);
}
/**
 * True where the condition is false. An unknown condition stays unknown.
 *
 * @throws DEFINITION_INVALID when the argument is no condition.
 *
 * @example
 * const elsewhere = not(eq(transactions.vendor, "Hospital"));
 */
export function not<S extends string>(negated: Condition<S>): Condition<S> {
  const found = conditionOf("not", negated);
  return condition(found.source, found.columns, { kind: "not", term: found.expression });
}

type SourceOf<L extends Conditions> = L[0][typeof shape]["source"];
type SameSource<L extends Conditions> = {
  [I in keyof L]: L[I] extends Condition<SourceOf<L>>
    ? L[I]
    : `this is about ${L[I][typeof shape]["source"]}, the first condition about ${SourceOf<L>}`;
};

function compare<T>(
  name: string,
  op: "=" | "<>" | "<" | "<=" | ">" | ">=",
  column: unknown,
  value: unknown,
): T {
  const { source, spec } = comparableColumn(name, column);
  return condition(source, [spec], {
    kind: "compare",
    op,
    column: spec.name,
    value: comparedValue(`${name}(${source}.${spec.name})`, value, spec),
  });
}

function comparedValue(who: string, value: unknown, spec: ColumnSpec): ReturnType<typeof fromUser> {
  if (value === null || value === undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: comparing with ${String(value)} is true for no row; use isNull or isNotNull`,
    );
  return fromUser(value, { ...spec, nullable: false }, who);
}

function nullCheck<T>(name: string, column: unknown, not: boolean): T {
  const { source, spec } = columnOf(name, column);
  return condition(source, [spec], { kind: "null", column: spec.name, not });
}

function combineConditions<T>(kind: "and" | "or", conditions: readonly unknown[]): T {
  const found = conditions.map((one) => conditionOf(kind, one));
  const first = found[0];
  if (first === undefined)
    throw new TidemarkError("DEFINITION_INVALID", `${kind}(): give at least one condition`);
  const other = found.find((one) => one.source !== first.source);
  if (other !== undefined)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${kind}(): one condition is about source "${first.source}", ` +
        `another about "${other.source}"; a condition reads one source`,
    );
  return condition(
    first.source,
    found.flatMap((one) => one.columns),
    { kind, terms: found.map((one) => one.expression) },
  );
}

function condition<T>(source: string, columns: readonly ColumnSpec[], expression: Expression): T {
  return makeDefinition(
    { kind: "condition", source, columns, expression },
    `condition on ${source}`,
  );
}

function comparableColumn(
  name: string,
  column: unknown,
): { readonly source: string; readonly spec: ColumnSpec } {
  const found = columnOf(name, column);
  if (found.spec.type === "json")
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${name}(${found.source}.${found.spec.name}): a json column has no order; ` +
        "it can only be isNull or isNotNull",
    );
  return found;
}

function columnOf(
  name: string,
  column: unknown,
): { readonly source: string; readonly spec: ColumnSpec } {
  const found = definitionOfKind(column, "column");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${name}(): it takes a column of a source, as in ${name}(transactions.vendor), ` +
        `got ${described(column)}`,
    );
  return found;
}

function conditionOf(
  name: string,
  value: unknown,
): {
  readonly source: string;
  readonly columns: readonly ColumnSpec[];
  readonly expression: Expression;
} {
  const found = definitionOfKind(value, "condition");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${name}(): it takes conditions such as eq(transactions.vendor, "Hospital"), ` +
        `got ${described(value)}`,
    );
  return found;
}
