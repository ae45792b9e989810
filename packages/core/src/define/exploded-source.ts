/** Exploded sources: each element of a list is a row. */
import { TidemarkError } from "../errors.ts";
import { elementOf } from "../expr/functions/parts.ts";
import { callExpression, columnExpression, literalExpression, typeSpecOf } from "../expr/tree.ts";
import type { Metadata } from "../metadata.ts";
import type { ColumnSpec, Expression, SourceSpec, UnionPart } from "../specs.ts";
import type { ColumnType } from "./column-types.ts";
import { described, HIDDEN, type ExpressionState } from "./definition.ts";
import {
  checkAbout,
  checkTwin,
  makeReadSource,
  readSource,
  sourceWord,
  throughOf,
  type NameOf,
  type OfSource,
  type ReadSource,
} from "./derived-source.ts";
import { rowExpressionOf } from "./expression.ts";
import type { AnyExpr, Arg, ElementType, ElementValue } from "./expression-types.ts";
import { checkDescribed } from "./metadata.ts";
import { checkColumnName, checkName, type CheckName } from "./names.ts";
import type { shape, Simplify } from "./shape.ts";
import type { AnySource, Source } from "./source.ts";
import type { CheckEvents } from "./union-source.ts";

type ColumnsOf<F extends AnySource> = F[typeof shape]["columns"];
/** The name itself, or why no column can have it. */
type CheckAs<A extends string, F extends AnySource> = A extends keyof ColumnsOf<F>
  ? `${NameOf<F>} has a column ${A}: give the element another name`
  : A;

/**
 * Declares a source in which each element of a list is a row. A row has the columns of the row that
 * it comes from, and the element. The event time stays, and the primary key is that of the row with
 * the index of the element. So of rows with one event time and one key the later element is newer.
 *
 * An update of a row replaces all of its elements, and a delete removes them. A row whose list is
 * null or empty has none. Nothing is stored for an exploded source: its views read the rows of the
 * source below.
 *
 * @throws DEFINITION_INVALID when `from` is no source of events, or a union, an enriched or an
 * exploded source, or an option is wrong.
 * @throws TYPE_MISMATCH when `list` is no list.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the list is about another source.
 * @throws NAME_TAKEN when the source has a column of the name of the element.
 * @throws NAME_INVALID when the name, or that of the element, is no name.
 *
 * @example
 * const items = explodedSource("items", {
 *   from: transactions,
 *   list: jsonPath(cast(transactions.vendor, json()), "$.items", list(string())),
 *   as: "item",
 * });
 */
export function explodedSource<
  const S extends string,
  F extends AnySource,
  L extends AnyExpr,
  const A extends string,
>(
  name: CheckName<S>,
  definition: Metadata & {
    /** The source of the rows. It may be a derived source too. */
    readonly from: CheckEvents<F>;
    /** The list: a function of columns of the source, or a column that is a list. */
    readonly list: OfSource<L, Arg<L, "list", "only a list has elements">, NameOf<F>>;
    /** The name of the column of the element. */
    readonly as: CheckAs<A, F>;
  },
): Source<
  S,
  Simplify<
    ColumnsOf<F> & { readonly [N in A]: ColumnType<ElementType<L>, ElementValue<L> | null> }
  >,
  "event",
  F[typeof shape]["key"]
> {
  const who = `exploded source "${checkName("exploded source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["from", "list", "as"]);
  const from = rowsOf(who, name as string, options["from"]);
  const list = listOf(who, from, options["list"]);
  const as = elementName(who, from, options["as"]);
  const element: ColumnSpec = {
    ...typeSpecOf(list.element!),
    nullable: true,
    name: as,
    database: "",
  };
  const spec: SourceSpec = {
    name: name as string,
    table: "",
    columns: [...from.spec.columns, element, INDEX],
    primaryKey: [...from.spec.primaryKey, INDEX.name],
    eventTime: from.spec.eventTime,
    createdAt: from.spec.createdAt,
  };
  const part: UnionPart = {
    name: from.name,
    source: from.spec,
    ...(from.rows === null ? {} : { rows: from.rows }),
    columns: Object.fromEntries([
      ...from.spec.columns.map((column) => [column.name, columnExpression(column)] as const),
      // Which columns of the table the element reads.
      [as, callExpression(elementOf, [list], { index: 0 })],
      [INDEX.name, literalExpression(0, INDEX)],
    ]),
    explode: { list, element, index: INDEX },
  };
  return makeReadSource(
    `exploded source ${spec.name}`,
    {
      name: spec.name,
      spec,
      parts: [part],
      lookups: [],
      through: throughOf(spec.name, metadata, from),
      rows: null,
      computed: from.computed,
    },
    null,
  );
}

/** The index of an element in its list. */
const INDEX: ColumnSpec = { name: `${HIDDEN}index`, database: "", type: "int32", nullable: false };

function rowsOf(who: string, name: string, value: unknown): ReadSource {
  const from = readSource(value);
  if (from === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: from must be a source(...), got ${described(value)}`,
    );
  if (name === from.name)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: the source below has this name; give the exploded source another one`,
    );
  if (from.parts !== undefined || from.lookups.length > 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: "${from.name}" is ${sourceWord(from)}, and lists are exploded of a table or of a ` +
        "derivedSource of one; explode the source below it",
    );
  if (from.spec.eventTime.kind === "committed")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${from.name} is a dimension (eventTime: commitTime()), whose rows have no event ` +
        "time; explode a source of events",
    );
  return from;
}

function listOf(who: string, from: ReadSource, value: unknown): Expression {
  const found: ExpressionState | undefined = rowExpressionOf(`${who}: list`, value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: list must be a list in rows of ${from.name}, such as ` +
        `jsonPath(${from.name}.basket, "$.items", list(string())), got ${described(value)}`,
    );
  checkAbout(`${who}: list`, found, from.name);
  const { expression } = found;
  if (expression.type !== "list")
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${who}: ${found.text} is ${expression.type}, and only a list has elements; ` +
        "read one with jsonPath(x, path, list(type))",
    );
  return expression;
}

function elementName(who: string, from: ReadSource, value: unknown): string {
  if (typeof value !== "string")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: as must be the name of the element's column, got ${described(value)}`,
    );
  checkColumnName(who, value);
  if (from.computed.has(value) || from.spec.columns.some((one) => one.name === value))
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: ${from.name} has a column "${value}"; give the element another name`,
    );
  checkTwin(who, from, value);
  return value;
}
