/** Push sources, whose rows come from `store.push` and not from a log. */
import type { Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { ValueType } from "../specs.ts";
import type { Column, Columns, InputOf } from "./column-types.ts";
import { definitionOfKind } from "./definition.ts";
import { checkName, type CheckName } from "./names.ts";
import type { Simplify, Invalid, shape } from "./shape.ts";
import type { ExpectOfRows } from "./source-expectations.ts";
import {
  makeSource,
  type AnySource,
  type CheckPrimaryKey,
  type CommitTime,
  type EventTime,
  type ColumnNames,
  type SourceInfo,
  type TimestampName,
  type Timing,
} from "./source.ts";

/** A push source for types. `K` has the names of its primary key. */
export interface PushSourceInfo<
  out S extends string,
  out C extends Columns,
  out T extends Timing,
  out K extends string,
> extends SourceInfo<S, C, T, K> {
  readonly [shape]: SourceInfo<S, C, T, K>[typeof shape] & { readonly isPushed: true };
}
/** A push source. Each member is a column. */
export type PushSource<
  S extends string,
  C extends Columns,
  T extends Timing = "event",
  K extends string = string,
> = {
  readonly [N in keyof C]: Column<S, N & string, C[N]["type"], C[N][typeof shape]>;
} & PushSourceInfo<S, C, T, K>;

type Nullable<C extends Columns> = {
  [N in keyof C]: unknown extends C[N][typeof shape]
    ? never
    : null extends C[N][typeof shape]
      ? N
      : never;
}[keyof C];
type InputIn<C extends Columns, N extends keyof C> = InputOf<
  C[N]["type"] & ValueType,
  C[N][typeof shape]
>;
/** A row to push: its columns under their names in TypeScript. A nullable column may be omitted. */
export type PushRow<C extends Columns> = Simplify<
  { readonly [N in Exclude<keyof C, Nullable<C>>]: InputIn<C, N> } & {
    readonly [N in Nullable<C>]?: InputIn<C, N> | null | undefined;
  }
>;
/** The primary key of a row, by column. */
export type PushKey<C extends Columns, K> = { readonly [N in keyof C & K]: InputIn<C, N> } & {};

/**
 * A source that can be pushed to: the source itself or its name.
 * A source that a log feeds becomes the sentence that refuses it.
 */
export type CheckPushed<X> = X extends string
  ? X
  : X extends PushSourceInfo<string, Columns, Timing, string>
    ? X
    : X extends SourceInfo<infer S, Columns, Timing>
      ? Invalid<`source '${S}' is fed by a log, and never by push too: ${PushInstead}`>
      : never;
type PushInstead = "declare it with pushSource, or run its log";
/** The row to push. If only the source's name is known, the call checks the row. */
export type PushRowOf<X> =
  X extends PushSourceInfo<string, infer C, Timing, string>
    ? PushRow<C>
    : { readonly [column: string]: unknown };
/** The primary key of a row to delete. If only the source's name is known, the call checks it. */
export type PushKeyOf<X> =
  X extends PushSourceInfo<string, infer C, Timing, infer K>
    ? PushKey<C, K>
    : { readonly [column: string]: unknown };
/** A source to push to, or its name. */
export type Pushable = AnySource | string;

type PushedEventTime<C extends Columns> =
  | Exclude<EventTime<C>, CommitTime<string>>
  | CommitTime<never>;

/**
 * Declares a source whose rows an application brings with `store.push`.
 * A source is fed by a log or by push, never by both.
 * A row pushed again under its primary key replaces the earlier one (law 4: an update replaces).
 *
 * @throws DEFINITION_INVALID when options contradict each other.
 * @throws COLUMN_UNKNOWN when an option names a column that is not declared.
 * @throws NAME_TAKEN when two columns have one name.
 * @throws PRIMARY_KEY_MISSING when there is no primary key.
 *
 * @example
 * const logins = pushSource("logins", {
 *   columns: { id: string(), user_id: string(), device: string().nullable(), time: timestamp() },
 *   primaryKey: ["id"],
 *   eventTime: "time",
 * });
 */
export function pushSource<
  const S extends string,
  C extends Columns,
  const P extends ColumnNames,
  const T extends PushedEventTime<C>,
>(
  name: CheckName<S>,
  definition: Metadata & {
    readonly columns: C;
    readonly primaryKey: CheckPrimaryKey<P, C>;
    /**
     * The column with a row's event time.
     * `commitTime()` makes a dimension: each version of a row holds from when it is pushed.
     */
    readonly eventTime: T;
    /** The timestamp column that breaks ties of event time: the later value wins. */
    readonly createdAt?: TimestampName<C> | undefined;
    /**
     * What is expected of each row, by name. A condition alone flags rows that violate it;
     * `holds(condition, { onViolation })` may quarantine them or refuse the push.
     */
    readonly expect?: ExpectOfRows<NoInfer<S>, C> | undefined;
    readonly table?:
      | Invalid<"a pushed source has no table: drop it, or use source() for one that a log feeds">
      | undefined;
  },
): PushSource<S, C, T extends string ? "event" : "commit", P[number]> {
  const who = `source "${checkName("source", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, [
    "table",
    "columns",
    "primaryKey",
    "eventTime",
    "createdAt",
    "expect",
  ]);
  if (options["table"] !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: a pushed source has no table: drop it, or use source() for one that a log feeds`,
    );
  if (definitionOfKind(options["eventTime"], "committed")?.since != null) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: commitTime({ since }) is for rows of a snapshot, and pushed rows come from none: ` +
        "say commitTime()",
    );
  }
  return makeSource(who, name as string, { table: "", push: true, ...metadata }, options);
}
