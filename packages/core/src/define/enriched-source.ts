/** Enriched sources: the rows of another source with columns of a dimension. */
import { TidemarkError } from "../errors.ts";
import { columnExpression } from "../expr/tree.ts";
import type { Expression, LookupColumn, SourceSpec, ValueType } from "../specs.ts";
import { typeText } from "../types/type-text.ts";
import type { Metadata } from "../metadata.ts";
import type { Columns, ColumnType } from "./column-types.ts";
import { described, type ExpressionState } from "./definition.ts";
import {
  checkAbout,
  checkTwin,
  makeReadSource,
  readSource,
  sourceWord,
  throughOf,
  type CheckComputed,
  type Computed,
  type NameOf,
  type OfSource,
  type ReadSource,
} from "./derived-source.ts";
import { lookedUpColumn } from "./looked-up-column.ts";
import { rowExpressionOf } from "./expression.ts";
import type { AnyExpr, NameOf as NameOfExpression, TypeOf, ValueOf } from "./expression-types.ts";
import { checkDescribed } from "./metadata.ts";
import { checkColumnName, checkName, type CheckName } from "./names.ts";
import { checkMembers } from "./options.ts";
import type { shape, Simplify } from "./shape.ts";
import type { AnySource, Source } from "./source.ts";

type TimingOf<F extends AnySource> = F[typeof shape]["timing"];
type ColumnsOf<F extends AnySource> = F[typeof shape]["columns"];
type KeyOf<F extends AnySource> = F[typeof shape]["key"];

/** The source itself, or the sentence that refuses it. */
type CheckFrom<F extends AnySource> =
  "commit" extends TimingOf<F>
    ? `${NameOf<F>} is a dimension (commitTime()): its rows have no event time to look up at`
    : F;
type CheckWith<D extends AnySource> =
  TimingOf<D> extends "commit"
    ? D
    : `${NameOf<D>} is no dimension, and its past may be corrected: ${DeclareIt}`;
type DeclareIt = "declare it with eventTime: commitTime(), or put both into a unionSource";

/** Each expression itself, or the sentence that says why it cannot find rows of the dimension. */
type CheckOn<O extends Computed, D extends AnySource, F extends string> = {
  readonly [N in keyof O]: N extends KeyOf<D>
    ? CheckKey<O[N], N, ColumnsOf<D>, F>
    : `${N & string} is no column of the primary key of ${NameOf<D>}`;
} & MissingKeys<O, D>;
type CheckKey<E extends AnyExpr, N, C extends Columns, F extends string> = N extends keyof C
  ? OfSource<E, SameType<E, N, C[N]["type"]>, F>
  : OfSource<E, E, F>;
type SameType<E extends AnyExpr, N, Wanted extends ValueType> = [
  Extract<TypeOf<E>, Wanted>,
] extends [never]
  ? `${NameOfExpression<E>} is ${TypeOf<E>}, and ${N & string} is ${Wanted}`
  : E;
/** The columns of the dimension's primary key that `on` does not give. */
type MissingKeys<O extends Computed, D extends AnySource> =
  string extends KeyOf<D>
    ? unknown
    : {
        // an object without members is taken for one of any
        readonly [
          N in string extends keyof O ? KeyOf<D> : Exclude<KeyOf<D>, keyof O>
        ]: `${N} is in the primary key of ${NameOf<D>}: say what finds it`;
      };

type LookedUp<X extends Computed> = {
  [N in keyof X]: ColumnType<TypeOf<X[N]>, ValueOf<X[N]> | null>;
};

/**
 * Declares a source of the rows of another source, with columns that they get from a dimension: of
 * the version that was known at the event time (known from < event time ≤ known to). A row without
 * such a version has null in them. The rows, their key and their event time stay.
 *
 * Nothing is stored for an enriched source: its views read both sources, and look up when they are
 * asked. A change of the dimension counts for the rows after it, and changes no row before it.
 *
 * @throws DEFINITION_INVALID when `with` is no dimension, `on` is not its whole primary key, or an
 * option is wrong.
 * @throws COLUMN_OF_ANOTHER_SOURCE when an expression is about another source.
 * @throws TYPE_MISMATCH when a key and what it is found by have different types.
 * @throws NAME_TAKEN when a looked-up column has the name of a column of the rows.
 * @throws NAME_INVALID when the name, or that of a column, is no name.
 *
 * @example
 * const customers = source("customers", {
 *   table: "public.customers",
 *   columns: { id: string(), segment: string().nullable() },
 *   primaryKey: ["id"],
 *   eventTime: commitTime(),
 * });
 * const enriched = enrichedSource("enriched", {
 *   from: transactions,
 *   with: customers,
 *   on: { id: transactions.user_id },
 *   columns: { segment: customers.segment },
 * });
 */
export function enrichedSource<
  const S extends string,
  F extends AnySource,
  D extends AnySource,
  O extends Computed,
  X extends Computed,
>(
  name: CheckName<S>,
  definition: Metadata & {
    /** The source of the rows. It may be a derived or an enriched source too. */
    readonly from: CheckFrom<F>;
    /** The dimension: a source with `eventTime: commitTime()`. */
    readonly with: CheckWith<D>;
    /** For each column of the dimension's primary key: the column of the rows that holds it. */
    readonly on: CheckOn<O, D, NameOf<F>>;
    /** The looked-up columns: columns of the dimension, or functions of them. */
    readonly columns: CheckComputed<X, NameOf<D>>;
  },
): Source<S, Simplify<ColumnsOf<F> & LookedUp<X>>, TimingOf<F>, KeyOf<F>> {
  const who = `enriched source "${checkName("enriched source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["from", "with", "on", "columns"]);
  const from = rowsOf(who, name as string, options["from"]);
  const dimension = dimensionOf(who, options["with"]);
  const on = foundBy(who, from, dimension.spec, options["on"]);
  const computed = new Map(from.computed);
  const columns: LookupColumn[] = [];
  for (const [column, value] of Object.entries(checkMembers(who, "columns", options["columns"]))) {
    const found = {
      name: column,
      value: valueOfColumn(who, { ...from, computed }, dimension, column, value),
    };
    columns.push(found);
    const spec = lookedUpColumn(found);
    computed.set(column, {
      source: name as string,
      columns: [spec],
      expression: columnExpression(spec),
      size: 1,
      text: `${name as string}.${column}`,
    });
  }
  if (columns.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: columns is empty; list what to look up, as in ` +
        `columns: { segment: ${dimension.name}.segment }`,
    );
  const { spec, rows } = dimension;
  const lookup = { dimension: spec, ...(rows === null ? {} : { rows }), on, columns };
  return makeReadSource(
    `enriched source ${name as string}`,
    {
      ...from,
      name: name as string,
      lookups: [...from.lookups, lookup],
      through: throughOf(name as string, metadata, from, dimension),
      computed,
    },
    null,
  );
}

function rowsOf(who: string, name: string, value: unknown): ReadSource {
  const from = readSource(value);
  if (from === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: from must be a source(...), got ${described(value)}`,
    );
  if (from.parts !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: "${from.name}" is ${sourceWord(from)}, which cannot be enriched; enrich a table`,
    );
  if (name === from.name)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: the source below has this name; give the enriched source another one`,
    );
  if (from.spec.eventTime.kind === "committed")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${from.name} is a dimension (eventTime: commitTime()), whose rows have no event ` +
        "time to look up at; enrich a source of events",
    );
  return from;
}

function dimensionOf(who: string, value: unknown): ReadSource {
  const dimension = readSource(value);
  if (dimension === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: with must be a source(...) with eventTime: commitTime(), got ${described(value)}`,
    );
  if (dimension.spec.eventTime.kind !== "committed")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${dimension.name} is no dimension: its past may be corrected, and each correction ` +
        "would rewrite windows of entities that had no event; declare it with eventTime: " +
        "commitTime(), or put both into a unionSource",
    );
  return dimension;
}

/** For each column of the dimension's primary key: what it is found by. */
function foundBy(
  who: string,
  from: ReadSource,
  { name, columns, primaryKey }: SourceSpec,
  value: unknown,
): readonly Expression[] {
  const given = checkMembers(who, "on", value);
  const whole = `the whole primary key of ${name} is ${primaryKey.join(", ")}`;
  for (const key of Object.keys(given))
    if (!primaryKey.includes(key))
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: on names "${key}", and ${whole}; give exactly its columns`,
      );
  return primaryKey.map((key) => {
    if (!Object.hasOwn(given, key) || given[key] === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: on lacks "${key}", and ${whole}; add it, as in on: { ${key}: ${from.name}.x }`,
      );
    const found = rowExpressionOf(`${who}: on.${key}`, given[key]);
    if (found === undefined || found.source === null)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: on.${key} must be a column of ${from.name}, got ${described(given[key])}`,
      );
    checkAbout(`${who}: on.${key}`, found, from.name);
    const column = columns.find((one) => one.name === key)!;
    const { expression } = found;
    if (expression.type !== column.type || expression.scale !== column.scale)
      throw new TidemarkError(
        "TYPE_MISMATCH",
        `${who}: on.${key}: ${found.text} is ${typeText(expression)}, and ${name}.${key} is ` +
          `${typeText(column)}; make them equal`,
      );
    return expression;
  });
}

function valueOfColumn(
  who: string,
  from: ReadSource,
  { name }: ReadSource,
  column: string,
  value: unknown,
): Expression {
  checkColumnName(who, column);
  if (from.computed.has(column) || from.spec.columns.some((one) => one.name === column))
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: ${from.name} has a column "${column}"; give the looked-up column another name`,
    );
  checkTwin(who, from, column);
  const found: ExpressionState | undefined = rowExpressionOf(`${who}: columns.${column}`, value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: columns.${column} must be a column of ${name}, or a function of its columns, ` +
        `got ${described(value)}`,
    );
  checkAbout(`${who}: columns.${column}`, found, name);
  return found.expression;
}
