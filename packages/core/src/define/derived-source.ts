/** Derived sources: some rows of another source, with columns computed from theirs. */
import { and } from "../expr/functions/boolean.ts";
import { TidemarkError } from "../errors.ts";
import { callExpression } from "../expr/tree.ts";
import { metadataOf, type Described, type Metadata } from "../metadata.ts";
import type { Expression, ReadThrough } from "../specs.ts";
import type { ColumnType } from "./column-types.ts";
import {
  definitionOf,
  described,
  HIDDEN,
  makeDefinition,
  type Definition,
  type ExpressionState,
} from "./definition.ts";
import { rowExpressionOf } from "./expression.ts";
import type { AnyExpr, Arg, SourceOf, TypeOf, ValueOf } from "./expression-types.ts";
import { checkColumnName, checkName, type CheckName } from "./names.ts";
import { checkDescribed } from "./metadata.ts";
import { checkMembers } from "./options.ts";
import type { shape, Simplify } from "./shape.ts";
import type { AnySource, Source } from "./source.ts";

/** The name of a source. */
export type NameOf<F extends AnySource> = F[typeof shape]["name"];
/** Expressions by the name of the column that they compute. */
export type Computed = { readonly [name: string]: AnyExpr };
type ComputedColumns<X extends Computed> = {
  [N in keyof X]: ColumnType<TypeOf<X[N]>, ValueOf<X[N]>>;
};
/** Each computed column itself, or the sentence that refuses it. */
export type CheckComputed<X extends Computed, S extends string> = {
  readonly [N in keyof X]: OfSource<X[N], X[N], S>;
};
type CheckWhere<W extends AnyExpr, S extends string> = OfSource<
  W,
  Arg<W, "boolean", "where takes a condition">,
  S
>;
/** `Then` if the expression is about the source `S`, or the sentence that refuses it. */
export type OfSource<X extends AnyExpr, Then, S extends string> = [SourceOf<X>] extends [S]
  ? Then
  : `this is about ${SourceOf<X>}, and must be about ${S}`;

/**
 * Declares a source of those rows of another source that meet a condition, with further columns
 * computed from theirs. The primary key and the event time stay.
 *
 * A row that stops meeting the condition is gone, as if it was deleted. Nothing is stored for a
 * derived source: its views read the rows of the source below.
 *
 * @throws DEFINITION_INVALID when `from` is no source, or an option is wrong.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the condition or a column is about another source.
 * @throws NAME_TAKEN when a computed column has the name of a column of the key or the time.
 * @throws NAME_INVALID when the name, or that of a column, is no name.
 *
 * @example
 * const hospitals = derivedSource("hospitals", {
 *   from: transactions,
 *   where: like(transactions.vendor, "%Hospital%"),
 *   columns: { cents: mul(transactions.amount, 100) },
 * });
 */
export function derivedSource<
  const S extends string,
  F extends AnySource,
  X extends Computed = {},
  W extends AnyExpr = never,
>(
  name: CheckName<S>,
  definition: Metadata & {
    /** A source, or another derived source. */
    readonly from: F;
    /** Which rows are there. Without it, all. */
    readonly where?: CheckWhere<W, NameOf<F>> | undefined;
    /** Further columns. A column of the name of another one takes its place. */
    readonly columns?: CheckComputed<X, NameOf<F>> | undefined;
  },
): Source<
  S,
  Simplify<Omit<F[typeof shape]["columns"], keyof X> & ComputedColumns<X>>,
  F[typeof shape]["timing"],
  F[typeof shape]["key"]
> {
  const who = `derived source "${checkName("derived source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["from", "where", "columns"]);
  const from = readSource(options["from"]);
  if (from === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: from must be a source(...), got ${described(options["from"])}`,
    );
  if ((name as string) === from.name)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: the source below has this name; give the derived source another one`,
    );
  const computed = new Map(from.computed);
  for (const [column, value] of Object.entries(
    checkMembers(who, "columns", options["columns"] ?? {}),
  ))
    computed.set(column, computedColumn(who, from, column, value));
  const where = options["where"] === undefined ? null : whereOf(who, from, options["where"]);
  return makeReadSource(
    `derived source ${name as string}`,
    { ...from, name: name as string, computed, through: throughOf(name as string, metadata, from) },
    where,
  );
}

/** The sources of sources with metadata: this one, if it has any, and those that it reads. */
export function throughOf(
  name: string,
  metadata: Described,
  ...reads: readonly Pick<ReadSource, "through">[]
): readonly ReadThrough[] {
  const own = metadataOf(metadata) === undefined ? [] : [{ name, ...metadata }];
  const below = reads.flatMap(({ through }) => through);
  return [...own, ...below.filter((one, i) => below.findIndex((b) => b.name === one.name) === i)];
}

/**
 * A source as views read it: its rows are those of `spec` that meet `rows`. Its columns have its
 * name: that of the derived source, if it is one.
 */
export type ReadSource = Omit<Extract<Definition, { readonly kind: "derived source" }>, "kind">;

/** Returns the source of a user; undefined if the value is none. */
export function readSource(value: unknown): ReadSource | undefined {
  const found = definitionOf(value);
  if (found?.kind === "derived source") return found;
  if (found?.kind !== "source") return undefined;
  const { spec } = found;
  return { name: spec.name, spec, lookups: [], through: [], rows: null, computed: new Map() };
}

/** What the source is, in words. */
export function sourceWord({ parts, lookups }: Pick<ReadSource, "parts" | "lookups">): string {
  if (parts === undefined) return lookups.length > 0 ? "an enriched source" : "a derived source";
  return parts[0]!.explode === undefined ? "a union" : "an exploded source";
}

/** Whether the column of the source comes from a dimension. */
export function isLookedUp({ lookups }: ReadSource, column: string): boolean {
  return lookups.some(({ columns }) => columns.some(({ name }) => name === column));
}

/** Makes the definition of a source of those rows that meet the condition too. */
export function makeReadSource<T>(
  title: string,
  { name, spec, parts, lookups, through, rows, computed }: ReadSource,
  where: Expression | null,
): T {
  const members: Record<string, unknown> = {};
  for (const column of spec.columns)
    if (!computed.has(column.name) && !column.name.startsWith(HIDDEN))
      members[column.name] = makeDefinition(
        { kind: "column", source: name, spec: column },
        `column ${name}.${column.name}`,
        { source: name, name: column.name, type: column.type },
      );
  const own = new Map<string, ExpressionState>();
  for (const [column, state] of computed) {
    const renamed = { ...state, source: name, text: `${name}.${column}` };
    own.set(column, renamed);
    members[column] = makeDefinition(
      { kind: "expression", ...renamed },
      `column ${name}.${column}`,
      { source: name, name: column, type: state.expression.type },
    );
  }
  const both = rows === null ? where : where === null ? rows : callExpression(and, [rows, where]);
  return makeDefinition(
    {
      kind: "derived source",
      name,
      spec,
      ...(parts === undefined ? {} : { parts }),
      lookups,
      through,
      rows: both,
      computed: own,
    },
    title,
    members,
  );
}

function computedColumn(
  who: string,
  source: ReadSource,
  column: string,
  value: unknown,
): ExpressionState {
  const { name, spec } = source;
  checkColumnName(who, column);
  const { primaryKey, eventTime, createdAt } = spec;
  const fixed = [
    ...primaryKey,
    eventTime.kind === "column" ? eventTime.column : eventTime.since,
    createdAt,
  ];
  if (fixed.includes(column))
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: column "${column}" belongs to the key or the time of the rows, which stay; ` +
        "give the computed column another name",
    );
  checkTwin(who, source, column);
  const found = rowExpressionOf(`${who}: columns.${column}`, value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: columns.${column} must be a function of columns of ${name}, such as ` +
        `lower(${name}.vendor), got ${described(value)}`,
    );
  checkAbout(`${who}: columns.${column}`, found, name);
  return found;
}

/**
 * Refuses a column whose name differs only in case from that of another one.
 *
 * @throws NAME_TAKEN when it does.
 */
export function checkTwin(who: string, { spec, computed }: ReadSource, column: string): void {
  const twin = [...spec.columns.map((one) => one.name), ...computed.keys()].find(
    (one) => one !== column && one.toLowerCase() === column.toLowerCase(),
  );
  if (twin !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: columns "${twin}" and "${column}" differ only in case; rename one`,
    );
}

function whereOf(who: string, { name }: ReadSource, value: unknown): Expression {
  const found = rowExpressionOf(`${who}: where`, value);
  if (found?.expression.type !== "boolean")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: where must be a condition on columns of ${name}, such as ` +
        `isNotNull(${name}.vendor), got ${described(value)}`,
    );
  checkAbout(`${who}: where`, found, name);
  return found.expression;
}

/**
 * Refuses an expression of another source.
 *
 * @throws COLUMN_OF_ANOTHER_SOURCE when it is about another one.
 */
export function checkAbout(who: string, { source, text }: ExpressionState, name: string): void {
  if (source !== null && source !== name)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}: ${text} is about source "${source}", and must be about "${name}"`,
    );
}
