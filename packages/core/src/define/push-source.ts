/** A source that no log feeds: its rows come from `store.push`. */
import { TidemarkError } from "../errors.ts";
import type { ValueType } from "../specs.ts";
import type { Column, Columns, InputOf } from "./column-types.ts";
import { definitionOfKind } from "./definition.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkOptions } from "./options.ts";
import type { Simplify, Invalid, shape } from "./shape.ts";
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

/** A source that is pushed to; K: the names of its primary key. */
export interface PushSourceInfo<
  out S extends string,
  out C extends Columns,
  out T extends Timing,
  out K extends string,
> extends SourceInfo<S, C, T> {
  readonly [shape]: { readonly name: S; readonly columns: C; readonly timing: T; readonly key: K };
}
/** A source that is pushed to: every member is a column. */
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
/**
 * A row as it is pushed: its columns under their names in TypeScript; one that may be null may be
 * left out.
 */
export type PushRow<C extends Columns> = Simplify<
  { readonly [N in Exclude<keyof C, Nullable<C>>]: InputIn<C, N> } & {
    readonly [N in Nullable<C>]?: InputIn<C, N> | null | undefined;
  }
>;
/** The primary key of a row, by column. */
export type PushKey<C extends Columns, K> = { readonly [N in keyof C & K]: InputIn<C, N> } & {};

/**
 * What can be pushed to: the source itself or its name; a source that a log feeds becomes the
 * sentence that refuses it.
 */
export type CheckPushed<X> = X extends string
  ? X
  : X extends PushSourceInfo<string, Columns, Timing, string>
    ? X
    : X extends SourceInfo<infer S, Columns, Timing>
      ? Invalid<`source '${S}' is fed by a log, and never by push too: declare it with pushSource, or run its log`>
      : never;
/** Where only the name is known, rows are checked when they are pushed. */
export type PushRowOf<X> =
  X extends PushSourceInfo<string, infer C, Timing, string>
    ? PushRow<C>
    : { readonly [column: string]: unknown };
export type PushKeyOf<X> =
  X extends PushSourceInfo<string, infer C, Timing, infer K>
    ? PushKey<C, K>
    : { readonly [column: string]: unknown };
export type Pushable = AnySource | string;

type PushedEventTime<C extends Columns> =
  | Exclude<EventTime<C>, CommitTime<string>>
  | CommitTime<never>;

/**
 * A source whose rows an application brings with `store.push`; no log feeds it (a source is fed by
 * a log or by push, never both). A row pushed again under its primary key replaces the one that was
 * there (law 4). Contradictions are a `TidemarkError` (`DEFINITION_INVALID`, `COLUMN_UNKNOWN`,
 * `NAME_TAKEN`).
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
  definition: {
    readonly columns: C;
    readonly primaryKey: CheckPrimaryKey<P, C>;
    /**
     * The column that says when a row happened; or `commitTime()` where each version of a row holds
     * from when it is pushed.
     */
    readonly eventTime: T;
    /** The timestamp column that settles ties of event time: the later wins. */
    readonly createdAt?: TimestampName<C> | undefined;
    readonly table?:
      | Invalid<"a pushed source has no table: drop it, or use source() for one that a log feeds">
      | undefined;
  },
): PushSource<S, C, T extends string ? "event" : "commit", P[number]> {
  const who = `source "${checkName("source", name)}"`;
  const options = checkOptions(who, definition, [
    "table",
    "columns",
    "primaryKey",
    "eventTime",
    "createdAt",
  ]);
  if (options["table"] !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: a pushed source has no table: drop it, or use source() for one that a log feeds`,
    );
  if (definitionOfKind(options["eventTime"], "committed")?.since != null) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: commitTime({ since }) is for rows of a snapshot, and pushed rows come from ` +
        "none: say commitTime()",
    );
  }
  return makeSource(who, name as string, { table: "", push: true }, options);
}
