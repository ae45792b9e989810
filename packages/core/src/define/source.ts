/** A table whose rows feed features. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Kind, SourceSpec } from "../specs.ts";
import type { Column, Columns, ColumnType, KeyKind } from "./column-types.ts";
import { definitionAs, described, makeDefinition } from "./definition.ts";
import { memberColumns } from "./member-columns.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkOptions } from "./options.ts";
import type { Invalid, shape } from "./shape.ts";

/**
 * How the rows of a source lie in time: each at an event time of its own, or each version from its
 * commit on (a dimension).
 */
export type Timing = "event" | "commit";

export interface SourceInfo<out S extends string, out C extends Columns, out T extends Timing> {
  readonly [shape]: { readonly name: S; readonly columns: C; readonly timing: T };
}
export type AnySource = SourceInfo<string, Columns, Timing>;
/** A source: every member is a column. */
export type Source<S extends string, C extends Columns, T extends Timing = "event"> = {
  readonly [N in keyof C]: Column<S, N & string, C[N]["kind"], C[N][typeof shape]>;
} & SourceInfo<S, C, T>;

/** Event time of a dimension: see `committed`. */
export interface Committed<out Since extends string> {
  readonly [shape]: { readonly since: Since };
}

export type TimestampName<C extends Columns> = {
  [N in keyof C]: "timestamp" extends C[N]["kind"] ? N & string : never;
}[keyof C];
export type Names = readonly [string, ...string[]];
/**
 * Every name itself, or the sentence that refuses it; all names where none is known, so that
 * editors offer them.
 */
export type CheckPrimaryKey<P extends Names, C extends Columns> = {
  [I in keyof P]: string extends P[I]
    ? keyof C & string
    : P[I] extends keyof C
      ? CheckKeyColumn<P[I], C[P[I]]>
      : Invalid<`'${P[I]}' is no column of this source`>;
};
type CheckKeyColumn<N, T extends ColumnType<Kind, unknown>> = [
  Extract<T["kind"], KeyKind>,
] extends [never]
  ? Invalid<`'${N & string}' is a ${T["kind"]} column, which cannot be compared exactly: take another column`>
  : unknown extends T[typeof shape]
    ? N
    : null extends T[typeof shape]
      ? Invalid<`'${N & string}' may be null, and a primary key is never null: drop .nullable()`>
      : N;
export type EventTime<C extends Columns> = [TimestampName<C>] extends [never]
  ? | Committed<never>
    | Invalid<"none of the columns is a timestamp: declare one, or say committed() if each version of a row holds from its commit on">
  : TimestampName<C> | Committed<TimestampName<C>>;

/**
 * A table of the database, and what Tidemark reads of it. A source needs a primary key: an update
 * replaces the row with that key, a delete removes it (law 4). Contradictions are a `TidemarkError`
 * (`DEFINITION_INVALID`, `COLUMN_UNKNOWN`, `NAME_TAKEN`).
 *
 * @example
 * const transactions = source("transactions", {
 *   table: "public.transaction_data",
 *   columns: { id: int64("id"), user_id: string("User ID"), amount: float64("Amount").nullable(), time: timestamp("Time", { zone: "UTC" }) },
 *   primaryKey: ["id"],
 *   eventTime: "time",
 * });
 */
export function source<
  const S extends string,
  C extends Columns,
  const P extends Names,
  const T extends EventTime<C>,
>(
  name: CheckName<S>,
  definition: {
    /** `schema.table` in the database. */
    readonly table: string;
    readonly columns: C;
    readonly primaryKey: CheckPrimaryKey<P, C>;
    /**
     * The column that says when a row happened; or `committed()` for a dimension, whose versions
     * each hold from their commit on.
     */
    readonly eventTime: T;
    /** The timestamp column that settles ties of event time: the later wins. */
    readonly created?: TimestampName<C> | undefined;
  },
): Source<S, C, T extends string ? "event" : "commit"> {
  const who = `source "${checkName("source", name)}"`;
  const options = checkOptions(who, definition, [
    "table",
    "columns",
    "primaryKey",
    "eventTime",
    "created",
  ]);
  if (typeof options["table"] !== "string" || options["table"] === "") {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: name its table, as in table: "public.transaction_data"; or, where no log feeds ` +
        "it, declare it with pushSource and bring its rows with store.push",
    );
  }
  return madeSource(who, name as string, { table: options["table"] }, options);
}

/** The source of options that have been looked at: what feeds it, and the rest. */
export function madeSource<T>(
  who: string,
  name: string,
  feed: Pick<SourceSpec, "table" | "push">,
  options: Readonly<Record<string, unknown>>,
): T {
  const columns = memberColumns(who, "columns", options["columns"]);
  const created =
    options["created"] === undefined
      ? null
      : timestampNamed(who, "created", columns, options["created"]);
  const spec: SourceSpec = {
    name,
    ...feed,
    columns,
    primaryKey: primaryKeyOf(who, columns, options["primaryKey"]),
    eventTime: eventTimeOf(who, columns, options["eventTime"]),
    created,
  };
  const members: Record<string, unknown> = {};
  for (const column of columns) {
    members[column.name] = makeDefinition(
      { is: "column", source: spec.name, spec: column },
      `column ${spec.name}.${column.name}`,
      { source: spec.name, name: column.name, kind: column.kind },
    );
  }
  return makeDefinition({ is: "source", spec }, `source ${spec.name}`, members);
}

/**
 * The event time of a dimension, such as customers: each version of a row is a fact that holds from
 * its commit on, and a delete ends it (law 2). `since` names a timestamp column from which the rows
 * of the first snapshot hold; it takes the name, because the column belongs to the source being
 * defined.
 *
 * @example
 * const customers = source("customers", {
 *   table: "public.customers",
 *   columns: { user_id: string(), city: string(), created: timestamp() },
 *   primaryKey: ["user_id"],
 *   eventTime: committed({ since: "created" }),
 * });
 */
export function committed<const Since extends string = never>(options?: {
  readonly since?: Since | undefined;
}): Committed<Since> {
  const since = checkOptions("committed()", options ?? {}, ["since"])["since"];
  if (since !== undefined && typeof since !== "string")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "committed(): since must be the name of a timestamp column of the same source, got " +
        `${described(since)}`,
    );
  return makeDefinition({ is: "committed", since: since ?? null }, "committed()");
}

function primaryKeyOf(who: string, columns: readonly ColumnSpec[], value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TidemarkError(
      "PRIMARY_KEY_MISSING",
      `${who}: say which columns are its primary key, as in primaryKey: ["id"]; updates and ` +
        "deletes find their row by it",
    );
  }
  const names: string[] = [];
  for (const name of value as unknown[]) {
    const spec = columnNamed(who, "primaryKey", columns, name);
    if (names.includes(spec.name))
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: primaryKey lists "${spec.name}" twice; drop one`,
      );
    if (spec.nullable)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: primary key column "${spec.name}" is nullable, and a primary key is never ` +
          "null; drop .nullable()",
      );
    if (spec.kind === "json" || spec.kind === "float64")
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: primary key column "${spec.name}" is a ${spec.kind} column, which cannot be ` +
          "compared exactly; take another column",
      );
    names.push(spec.name);
  }
  return names;
}

function eventTimeOf(
  who: string,
  columns: readonly ColumnSpec[],
  value: unknown,
): SourceSpec["eventTime"] {
  const commit = definitionAs(value, "committed");
  if (commit !== undefined)
    return {
      is: "committed",
      since:
        commit.since === null
          ? null
          : timestampNamed(who, "committed({ since })", columns, commit.since),
    };
  if (value === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: say when its rows happened, as in eventTime: "time", or eventTime: committed() ` +
        "for a dimension",
    );
  return { is: "column", column: timestampNamed(who, "eventTime", columns, value) };
}

function timestampNamed(
  who: string,
  option: string,
  columns: readonly ColumnSpec[],
  name: unknown,
): string {
  const spec = columnNamed(who, option, columns, name);
  if (spec.kind !== "timestamp")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${option} names "${spec.name}", which is ${spec.kind}; name a timestamp column`,
    );
  return spec.name;
}

function columnNamed(
  who: string,
  option: string,
  columns: readonly ColumnSpec[],
  name: unknown,
): ColumnSpec {
  if (typeof name !== "string")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${option} takes the name of a column, got ${described(name)}`,
    );
  const spec = columns.find((column) => column.name === name);
  if (spec === undefined)
    throw new TidemarkError(
      "COLUMN_UNKNOWN",
      `${who}: ${option} names "${name}", which is no column of it; it has ` +
        `${columns.map((column) => column.name).join(", ")}`,
    );
  return spec;
}
