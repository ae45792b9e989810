/** Unions: the rows of several sources as rows of one source. */
import { TidemarkError } from "../errors.ts";
import { columnExpression, literalExpression } from "../expr/tree.ts";
import type { Metadata } from "../metadata.ts";
import type { ColumnSpec, Expression, SourceSpec, UnionPart } from "../specs.ts";
import type { Columns, ColumnType, MayBeNull } from "./column-types.ts";
import {
  definitionOfKind,
  described,
  HIDDEN,
  makeDefinition,
  type Definition,
  type ExpressionState,
} from "./definition.ts";
import {
  checkAbout,
  makeReadSource,
  readSource,
  sourceWord,
  throughOf,
  type CheckComputed,
  type Computed,
  type NameOf,
} from "./derived-source.ts";
import { rowExpressionOf } from "./expression.ts";
import type { TypeOf, ValueOf } from "./expression-types.ts";
import { checkDescribed } from "./metadata.ts";
import { memberColumns } from "./member-columns.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkMembers } from "./options.ts";
import type { shape, Simplify } from "./shape.ts";
import type { AnySource, Source } from "./source.ts";

/** One source of a union, with what each column of the union is in its rows. */
export interface Part<out S extends string, out X extends Computed> {
  readonly [shape]: { readonly name: S; readonly columns: X };
}
type AnyPart = Part<string, Computed>;
type PartName<P extends readonly AnyPart[]> = P[number][typeof shape]["name"];

/** The source itself, if its rows have an event time. */
export type CheckEvents<F extends AnySource> = F[typeof shape]["timing"] extends "event"
  ? F
  : `${NameOf<F>} is a dimension (commitTime()): its rows have no event time`;

/** Each part itself, or the sentence that refuses it. */
type CheckParts<P extends readonly AnyPart[], C extends Columns> = {
  readonly [I in keyof P]: CheckPart<P[I][typeof shape], C> extends infer Why
    ? [Why] extends [never]
      ? P[I]
      : Why
    : never;
};
type CheckPart<
  P extends { readonly name: string; readonly columns: Computed },
  C extends Columns,
> =
  | {
      [N in keyof C & string]: N extends keyof P["columns"]
        ? CheckColumn<P["name"], N, P["columns"][N], C[N]>
        : `from(${P["name"]}, ...) does not say what ${N} is`;
    }[keyof C & string]
  | {
      [N in keyof P["columns"] & string]: N extends keyof C
        ? never
        : `from(${P["name"]}, ...): ${N} is no column of the union`;
    }[keyof P["columns"] & string];
type CheckColumn<
  S extends string,
  N extends string,
  X extends Computed[string],
  T extends Columns[string],
> = [TypeOf<X>] extends [T["type"]]
  ? MayBeNull<ValueOf<X>> extends true
    ? MayBeNull<T[typeof shape]> extends true
      ? never
      : `${N} of ${S} may be null, and in the union it may not: add .nullable()`
    : never
  : `${N} of ${S} is ${TypeOf<X>}, and in the union it is ${T["type"]}`;

/**
 * One part of a union: a source, and what each column of the union is in its rows.
 *
 * @throws DEFINITION_INVALID when the source is none, or is a union or a dimension.
 * @throws COLUMN_OF_ANOTHER_SOURCE when a column is about another source.
 *
 * @example
 * const part = from(transactions, { user_id: transactions.user_id, amount: transactions.amount });
 */
export function from<F extends AnySource, X extends Computed>(
  source: CheckEvents<F>,
  columns: CheckComputed<X, NameOf<F>>,
): Part<NameOf<F>, X> {
  const read = readSource(source);
  if (read === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `from: the first argument must be a source(...), got ${described(source)}`,
    );
  const who = `from(${read.name}, ...)`;
  if (read.parts !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: "${read.name}" is ${sourceWord(read)}, which a union cannot read; ` +
        "list the sources below it",
    );
  if (read.lookups.length > 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: "${read.name}" is an enriched source, which a union cannot read; ` +
        "list the source below it",
    );
  if (read.spec.eventTime.kind === "committed")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: source "${read.name}" is a dimension (eventTime: commitTime()), whose rows have ` +
        "no event time; a union takes sources with one",
    );
  const states = new Map<string, ExpressionState>();
  for (const [name, value] of Object.entries(checkMembers(who, "columns", columns)))
    states.set(name, partColumn(who, read.name, name, value));
  const { spec, through, rows } = read;
  return makeDefinition(
    { kind: "union part", name: read.name, spec, through, rows, columns: states },
    who,
  );
}

/**
 * Declares a source of the rows of several sources. `part` is a column of it: the name of the
 * source that a row comes from. Rows have the event time that they have in their source.
 *
 * Rows of one event time are ordered by their created time, then by the name of the part, then by
 * the primary key (law 10: order within one instant). Nothing is stored for a union: its views read
 * the rows of each source.
 *
 * @throws DEFINITION_INVALID when `of` is no list of at least one part, or a part lacks a column.
 * @throws TYPE_MISMATCH when a column has another type in a part, or may be null there alone.
 * @throws NAME_TAKEN when two parts have one name, or a column is called `part`.
 * @throws NAME_INVALID when the name, or that of a column, is no name.
 *
 * @example
 * const logins = pushSource("logins", {
 *   columns: { id: int64(), user_id: string(), time: timestamp() },
 *   primaryKey: ["id"],
 *   eventTime: "time",
 * });
 * const actions = unionSource("actions", {
 *   columns: { user_id: string() },
 *   of: [
 *     from(transactions, { user_id: transactions.user_id }),
 *     from(logins, { user_id: logins.user_id }),
 *   ],
 * });
 */
export function unionSource<
  const S extends string,
  C extends Columns,
  const P extends readonly AnyPart[],
>(
  name: CheckName<S>,
  definition: Metadata & {
    /** The columns of the union, beside `part`. */
    readonly columns: C;
    /** Its sources, each with what every column is there. */
    readonly of: CheckParts<P, C>;
  },
): Source<S, Simplify<C & { readonly part: ColumnType<"string", PartName<P>> }>, "event", "part"> {
  const who = `union source "${checkName("union source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["columns", "of"]);
  const columns = memberColumns(who, "columns", options["columns"]);
  const taken = columns.find((column) => column.name.toLowerCase() === PART);
  if (taken !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: column "${taken.name}" has the name of the column that says which source a row ` +
        "comes from; rename it",
    );
  const given = partsOf(who, options["of"]);
  for (const part of given) checkPart(who, columns, part);
  const spec = unionSpec(name as string, columns, given);
  const parts = given.map((part) => unionPart(spec, part));
  return makeReadSource(
    `union source ${spec.name}`,
    {
      name: spec.name,
      spec,
      parts,
      lookups: [],
      through: throughOf(spec.name, metadata, ...given),
      rows: null,
      computed: new Map(),
    },
    null,
  );
}

function partColumn(who: string, name: string, column: string, value: unknown): ExpressionState {
  const found = rowExpressionOf(`${who}: columns.${column}`, value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: columns.${column} must be a function of columns of ${name}, such as ` +
        `${name}.amount, got ${described(value)}`,
    );
  checkAbout(`${who}: columns.${column}`, found, name);
  return found;
}

type GivenPart = Extract<Definition, { readonly kind: "union part" }>;

/** The column that says which part a row comes from. */
const PART = "part";
const TIME = `${HIDDEN}time`;
const CREATED = `${HIDDEN}created`;

/** The parts in the order of their names, which is the order of their rows. */
function partsOf(who: string, value: unknown): readonly GivenPart[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: of must list its parts, as in of: [from(cards, { ... })]; got ${described(value)}`,
    );
  const parts = (value as readonly unknown[]).map((one): GivenPart => {
    const part = definitionOfKind(one, "union part");
    if (part === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: of lists parts, such as from(cards, { ... }), got ${described(one)}`,
      );
    return part;
  });
  const names = parts.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: two parts are called "${twice}"; give one of them a derivedSource of another name`,
    );
  return parts.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkPart(
  who: string,
  columns: readonly ColumnSpec[],
  { name: part, columns: given }: GivenPart,
): void {
  const of = `${who}: from(${part}, ...)`;
  for (const name of given.keys())
    if (!columns.some((column) => column.name === name))
      throw new TidemarkError("COLUMN_UNKNOWN", `${of}: "${name}" is no column of the union`);
  for (const column of columns) {
    const found = given.get(column.name)?.expression;
    if (found === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${of} does not say what column "${column.name}" is; add it`,
      );
    if (found.type !== column.type || found.scale !== column.scale)
      throw new TidemarkError(
        "TYPE_MISMATCH",
        `${of}: "${column.name}" is ${typeText(found)}, and in the union it is ` +
          `${typeText(column)}; make them equal, as with cast(...)`,
      );
    if (found.nullable && !column.nullable)
      throw new TidemarkError(
        "TYPE_MISMATCH",
        `${of}: "${column.name}" may be null, and in the union it may not; add .nullable() there`,
      );
  }
}

function typeText({ type, scale }: Pick<ColumnSpec, "type" | "scale">): string {
  return type === "decimal" ? `decimal with ${scale} fraction digits` : type;
}

/** The columns of a union, and what orders its rows. */
function unionSpec(
  name: string,
  columns: readonly ColumnSpec[],
  parts: readonly GivenPart[],
): SourceSpec {
  const keys = parts.flatMap(({ name: part, spec }) =>
    spec.primaryKey.map((key) => ({
      ...columnOf(spec, key),
      name: keyColumn(part, key),
      nullable: true,
    })),
  );
  const timestamp = { type: "timestamp", database: "" } as const;
  const hasCreated = parts.some(({ spec }) => spec.createdAt !== null);
  return {
    name,
    table: "",
    columns: [
      ...columns,
      { name: PART, database: PART, type: "string", nullable: false },
      { ...timestamp, name: TIME, nullable: false },
      ...(hasCreated ? [{ ...timestamp, name: CREATED, nullable: true }] : []),
      ...keys,
    ],
    primaryKey: [PART, ...keys.map((key) => key.name)],
    eventTime: { kind: "column", column: TIME },
    createdAt: hasCreated ? CREATED : null,
  };
}

/** The column of the union that holds a column of a part's primary key. */
function keyColumn(part: string, key: string): string {
  return `${HIDDEN}${part}.${key}`;
}

function unionPart(union: SourceSpec, { name, spec, rows, columns }: GivenPart): UnionPart {
  const { createdAt, eventTime, primaryKey } = spec;
  const own = new Map<string, Expression>([
    ...[...columns].map(([column, { expression }]) => [column, expression] as const),
    ...primaryKey.map(
      (key) => [keyColumn(name, key), columnExpression(columnOf(spec, key))] as const,
    ),
  ]);
  if (eventTime.kind === "column")
    own.set(TIME, columnExpression(columnOf(spec, eventTime.column)));
  if (createdAt !== null) own.set(CREATED, columnExpression(columnOf(spec, createdAt)));
  const values = union.columns.map((column) => [
    column.name,
    column.name === PART
      ? literalExpression(name, column)
      : (own.get(column.name) ?? literalExpression(null, column)),
  ]);
  return {
    name,
    source: spec,
    ...(rows === null ? {} : { rows }),
    columns: Object.fromEntries(values) as UnionPart["columns"],
  };
}

function columnOf({ columns }: SourceSpec, name: string): ColumnSpec {
  return columns.find((column) => column.name === name)!;
}
