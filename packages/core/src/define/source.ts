/** Sources: tables whose rows feed features. */
import type { Described, Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, OriginPart, ValueType, SourceSpec } from "../specs.ts";
import type { Column, Columns, ColumnType, KeyType, MayBeNull } from "./column-types.ts";
import { definitionOfKind, described, makeDefinition } from "./definition.ts";
import { memberColumns } from "./member-columns.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkOptions } from "./options.ts";
import type { Invalid, shape } from "./shape.ts";
import { rowExpectationsOf, type ExpectOfRows } from "./source-expectations.ts";
import { typeOf } from "../types/value-types.ts";

/**
 * The timing of a source's rows.
 * "event": each row has its own event time. "commit": each version holds from its commit on (a
 * dimension).
 */
export type Timing = "event" | "commit";

/** A source for types: its name, its columns, its timing and the names of its primary key. */
export interface SourceInfo<
  out S extends string,
  out C extends Columns,
  out T extends Timing,
  out K extends string = string,
> {
  readonly [shape]: { readonly name: S; readonly columns: C; readonly timing: T; readonly key: K };
}
/** A source of any name and columns. */
export type AnySource = SourceInfo<string, Columns, Timing>;
/** A source. Each member is a column. */
export type Source<
  S extends string,
  C extends Columns,
  T extends Timing = "event",
  K extends string = string,
> = {
  readonly [N in keyof C]: Column<S, N & string, C[N]["type"], C[N][typeof shape]>;
} & SourceInfo<S, C, T, K>;

/** The event time of a dimension, made by `commitTime`. */
export interface CommitTime<out Since extends string> {
  readonly [shape]: { readonly since: Since };
}

/** The names of the timestamp columns. */
export type TimestampName<C extends Columns> = {
  [N in keyof C]: "timestamp" extends C[N]["type"] ? N & string : never;
}[keyof C];
/** A list of at least one name of a column. */
export type ColumnNames = readonly [string, ...string[]];
/**
 * Each name itself, or the sentence that refuses it.
 * A name that is not known yet becomes all names, so that editors offer them.
 */
export type CheckPrimaryKey<P extends ColumnNames, C extends Columns> = {
  [I in keyof P]: string extends P[I]
    ? keyof C & string
    : P[I] extends keyof C
      ? CheckPrimaryKeyColumn<P[I], C[P[I]]>
      : Invalid<`'${P[I]}' is no column of this source`>;
};
type CheckPrimaryKeyColumn<N, T extends ColumnType<ValueType, unknown>> = [
  Extract<T["type"], KeyType>,
] extends [never]
  ? Invalid<`'${N & string}' is a ${T["type"]} column, ${NotComparable}`>
  : MayBeNull<T[typeof shape]> extends true
    ? Invalid<`'${N & string}' may be null, and a primary key is never null: drop .nullable()`>
    : N;
type NotComparable = "which cannot be compared exactly: take another column";
/** The event time of a source: a timestamp column, or `commitTime()`. */
export type EventTime<C extends Columns> = [TimestampName<C>] extends [never]
  ? | CommitTime<never>
    | Invalid<`none of the columns is a timestamp: declare one, or ${SayCommitTime}`>
  : TimestampName<C> | CommitTime<TimestampName<C>>;
type SayCommitTime = "say commitTime() if each version of a row holds from its commit on";

/**
 * Declares a table of the database, and the columns that Tidemark reads.
 * A source needs a primary key (law 4: an update replaces the row with that key, a delete removes
 * it).
 *
 * @throws DEFINITION_INVALID when options contradict each other.
 * @throws COLUMN_UNKNOWN when an option names a column that is not declared.
 * @throws NAME_TAKEN when two columns have one name.
 * @throws PRIMARY_KEY_MISSING when there is no primary key.
 *
 * @example
 * const transactions = source("transactions", {
 *   table: "public.transaction_data",
 *   columns: {
 *     id: int64("id"),
 *     user_id: string("User ID"),
 *     vendor: string("Vendor"),
 *     amount: float64("Amount").nullable(),
 *     time: timestamp("Time", { zone: "UTC" }),
 *   },
 *   primaryKey: ["id"],
 *   eventTime: "time",
 * });
 */
export function source<
  const S extends string,
  C extends Columns,
  const P extends ColumnNames,
  const T extends EventTime<C>,
>(
  name: CheckName<S>,
  definition: Metadata & {
    /** `schema.table` in the database. */
    readonly table: string;
    /**
     * Former names of the table, newest first, as in `"public.transactions"`. Rows and messages
     * under these names belong to the source too.
     */
    readonly renamedFrom?: string | readonly string[] | undefined;
    readonly columns: C;
    readonly primaryKey: CheckPrimaryKey<P, C>;
    /**
     * The column with a row's event time.
     * `commitTime()` makes a dimension, whose versions each hold from their commit on.
     */
    readonly eventTime: T;
    /** The timestamp column that breaks ties of event time: the later value wins. */
    readonly createdAt?: TimestampName<C> | undefined;
    /**
     * Columns of the primary key that hold a part of a row's origin, such as
     * `{ tenant: "database" }`. Declare them to read tables of several databases, servers or
     * schemas into one source. Without them a second origin ends a run with `SOURCE_TWO_ORIGINS`.
     */
    readonly keyFrom?: { readonly [N in keyof C]?: OriginPart } | undefined;
    /**
     * Whether the history keeps columns of messages that are not declared here. "keep": a column
     * that is declared later has its values from the beginning. "drop": the history holds nothing
     * that no definition names. Default: "keep".
     */
    readonly undeclared?: "keep" | "drop" | undefined;
    /**
     * What is expected of each row, by name. A condition alone flags rows that violate it;
     * `holds(condition, { onViolation })` may quarantine them or stop the run.
     */
    readonly expect?: ExpectOfRows<NoInfer<S>, C> | undefined;
  },
): Source<S, C, T extends string ? "event" : "commit", P[number]> {
  const who = `source "${checkName("source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, [
    "table",
    "columns",
    "primaryKey",
    "eventTime",
    "createdAt",
    "keyFrom",
    "renamedFrom",
    "undeclared",
    "expect",
  ]);
  if (typeof options["table"] !== "string" || options["table"] === "") {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: name its table, as in table: "public.transaction_data"; ` +
        "or, where no log feeds it, declare it with pushSource and bring its rows with " +
        "store.push",
    );
  }
  const renamedFrom = formerTables(who, options["table"], options["renamedFrom"]);
  const feed = {
    table: options["table"],
    ...(renamedFrom === undefined ? {} : { renamedFrom }),
    ...(undeclaredOf(who, options["undeclared"]) === "drop" ? { undeclared: "drop" as const } : {}),
  };
  return makeSource(who, name as string, { ...feed, ...metadata }, options);
}

function undeclaredOf(who: string, value: unknown): "keep" | "drop" {
  if (value === undefined || value === "keep" || value === "drop") return value ?? "keep";
  throw new TidemarkError(
    "DEFINITION_INVALID",
    `${who}: undeclared is "keep" or "drop", and not ${described(value)}`,
  );
}

function formerTables(who: string, table: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const tables: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (tables.length === 0 || !tables.every((one) => typeof one === "string" && one !== ""))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: renamedFrom names the former tables, as in renamedFrom: "public.payments"; ` +
        `got ${described(value)}`,
    );
  const twice = tables.find((one, i) => one === table || tables.indexOf(one) < i);
  if (twice !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: renamedFrom names "${String(twice)}", which is ` +
        `${twice === table ? "its table now" : "listed already"}; drop it`,
    );
  return tables as readonly string[];
}

/** Makes a source from checked options and from what feeds it. */
export function makeSource<T>(
  who: string,
  name: string,
  feed: Pick<SourceSpec, "table" | "renamedFrom" | "undeclared" | "push" | keyof Described>,
  options: Readonly<Record<string, unknown>>,
): T {
  const columns = memberColumns(who, "columns", options["columns"]);
  const createdAt =
    options["createdAt"] === undefined
      ? null
      : timestampNamed(who, "createdAt", columns, options["createdAt"]);
  const primaryKey = primaryKeyOf(who, columns, options["primaryKey"]);
  const keyFrom = keyFromOf(who, columns, primaryKey, options["keyFrom"]);
  const members: Record<string, unknown> = {};
  for (const column of columns) {
    members[column.name] = makeDefinition(
      { kind: "column", source: name, spec: column },
      `column ${name}.${column.name}`,
      { source: name, name: column.name, kind: column.type },
    );
  }
  const expectations = rowExpectationsOf(who, name, members, options["expect"]);
  const spec: SourceSpec = {
    name,
    ...feed,
    columns,
    primaryKey,
    ...(keyFrom === undefined ? {} : { keyFrom }),
    eventTime: eventTimeOf(who, columns, options["eventTime"]),
    createdAt,
    ...(expectations === undefined ? {} : { expectations }),
  };
  return makeDefinition({ kind: "source", spec }, `source ${spec.name}`, members);
}

/**
 * The event time of a dimension, such as customers.
 * Each version of a row holds from its commit on, and a delete ends it (law 2: a dimension's
 * validity).
 * `since` names a timestamp column from which the rows of the first snapshot hold.
 * It is a name, because the column belongs to the source being defined.
 *
 * @throws DEFINITION_INVALID when `since` is no name.
 *
 * @example
 * const customers = source("customers", {
 *   table: "public.customers",
 *   columns: { user_id: string(), city: string(), createdAt: timestamp() },
 *   primaryKey: ["user_id"],
 *   eventTime: commitTime({ since: "createdAt" }),
 * });
 */
export function commitTime<const Since extends string = never>(options?: {
  readonly since?: Since | undefined;
}): CommitTime<Since> {
  const since = checkOptions("commitTime()", options ?? {}, ["since"])["since"];
  if (since !== undefined && typeof since !== "string")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "commitTime(): since must be the name of a timestamp column of the same source, " +
        `got ${described(since)}`,
    );
  return makeDefinition({ kind: "committed", since: since ?? null }, "commitTime()");
}

function primaryKeyOf(who: string, columns: readonly ColumnSpec[], value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TidemarkError(
      "PRIMARY_KEY_MISSING",
      `${who}: say which columns are its primary key, as in primaryKey: ["id"]; ` +
        "updates and deletes find their row by it",
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
        `${who}: primary key column "${spec.name}" is nullable, ` +
          "and a primary key is never null; drop .nullable()",
      );
    if (!typeOf(spec).isKey)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: primary key column "${spec.name}" is a ${spec.type} column, ` +
          "which cannot be compared exactly; take another column",
      );
    names.push(spec.name);
  }
  return names;
}

const ORIGIN_PARTS: readonly unknown[] = ["database", "schema", "server", "topic"];

function keyFromOf(
  who: string,
  columns: readonly ColumnSpec[],
  primaryKey: readonly string[],
  value: unknown,
): SourceSpec["keyFrom"] {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: keyFrom maps columns of the primary key to parts of a row's origin, as in ` +
        `keyFrom: { tenant: "database" }; got ${described(value)}`,
    );
  return Object.entries(value as Record<string, unknown>).map(([name, part]) => {
    const spec = columnNamed(who, "keyFrom", columns, name);
    if (!primaryKey.includes(name) || spec.type !== "string")
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: keyFrom column "${name}" must be a string column of the primary key; declare ` +
          `${name}: string() and list it in primaryKey`,
      );
    if (!ORIGIN_PARTS.includes(part))
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: keyFrom gives column "${name}" the part ${described(part)}; take ` +
          '"database", "schema", "server" or "topic"',
      );
    return { column: name, part: part as OriginPart };
  });
}

function eventTimeOf(
  who: string,
  columns: readonly ColumnSpec[],
  value: unknown,
): SourceSpec["eventTime"] {
  const commit = definitionOfKind(value, "committed");
  if (commit !== undefined)
    return {
      kind: "committed",
      since:
        commit.since === null
          ? null
          : timestampNamed(who, "commitTime({ since })", columns, commit.since),
    };
  if (value === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: say when its rows happened, as in eventTime: "time", or eventTime: ` +
        "commitTime() for a dimension",
    );
  return { kind: "column", column: timestampNamed(who, "eventTime", columns, value) };
}

function timestampNamed(
  who: string,
  option: string,
  columns: readonly ColumnSpec[],
  name: unknown,
): string {
  const spec = columnNamed(who, option, columns, name);
  if (spec.type !== "timestamp")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${option} names "${spec.name}", which is ${spec.type}; name a timestamp column`,
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
      `${who}: ${option} names "${name}", which is no column of it; ` +
        `it has ${columns.map((column) => column.name).join(", ")}`,
    );
  return spec;
}
