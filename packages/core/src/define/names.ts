/** Checks the names of definitions, columns and features. */
import { TidemarkError } from "../errors.ts";
import { described } from "./definition.ts";
import type { Invalid } from "./shape.ts";

type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Punctuation =
  | " "
  | "."
  | ":"
  | "/"
  | "\\"
  | "'"
  | '"'
  | "`"
  | ","
  | ";"
  | "="
  | "+"
  | "*"
  | "?"
  | "!"
  | "%"
  | "&"
  | "|"
  | "<"
  | ">"
  | "("
  | ")"
  | "["
  | "]"
  | "{"
  | "}"
  | "@"
  | "#"
  | "$"
  | "~"
  | "^"
  | "\n"
  | "\t";

/**
 * Texts that are no name for a feature. A feature's name becomes a column of training sets and a
 * member of answers.
 */
export type BadFeatureName =
  | ""
  | "__proto__"
  | "event_timestamp"
  | `${Digit}${string}`
  | `${string}${Punctuation | "-"}${string}`
  | number;

/** Texts that are no name for a member of a struct. */
export type BadMemberName = "" | "__proto__" | `${string}${Punctuation}${string}`;

/** The form of a feature's name, for messages. */
export type FeatureNameForm = "use letters, digits and _, and keep event_timestamp for the time";

/** The name of a source, entity, view or service, or the sentence that refuses it. */
export type CheckName<N extends string> = N extends
  | ""
  | `${Digit | "-" | "_"}${string}`
  | `${string}${Punctuation}${string}`
  ? Invalid<`'${N}' is no name: begin with a letter and use letters, digits, _ and -`>
  : N;

/** Another name for a feature, or the sentence that refuses it. */
export type CheckAlias<N extends string, Keys> = N extends BadFeatureName
  ? Invalid<`'${N}' is no name for a feature: ${FeatureNameForm}`>
  : N extends keyof Keys
    ? Invalid<`'${N}' is a key of the entity: call the feature something else`>
    : N;

/**
 * Checks the name of a definition, which becomes part of paths and of `view:feature` references.
 *
 * @throws NAME_INVALID when it is no name.
 */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== "string" || !/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
    throw new TidemarkError(
      "NAME_INVALID",
      `${what} ${typeof name === "string" ? JSON.stringify(name) : `called ${typeof name}`}: ` +
        "this is no name; begin with a letter and use letters, digits, _ and -",
    );
  }
  return name;
}

/**
 * Checks the name of a column or key, which becomes a column of Tidemark's tables.
 *
 * @throws NAME_INVALID when it has other characters than letters, digits and _.
 */
export function checkColumnName(who: string, name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === "__proto__") {
    throw new TidemarkError(
      "NAME_INVALID",
      `${who}: ${JSON.stringify(name)} is no name for a column in TypeScript; ` +
        "use letters, digits and _, and give the name in the database to the column type, " +
        `as in string(${JSON.stringify(name)})`,
    );
  }
}

export function checkFeatureName(who: string, name: unknown, keys: readonly string[]): void {
  if (
    typeof name !== "string" ||
    !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ||
    name === "__proto__" ||
    name === "event_timestamp"
  ) {
    throw new TidemarkError(
      "NAME_INVALID",
      `${who}: ${JSON.stringify(name) ?? String(name)} is no name for a feature; ` +
        "use letters, digits and _, do not begin with a digit, " +
        "and keep event_timestamp for the time",
    );
  }
  if (keys.includes(name))
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: "${name}" is a key of the entity; call the feature something else`,
    );
}

/**
 * Checks the name of a member of a struct, which names a field of Parquet files and of SQL. `taken`
 * holds the names before it, and gets this one. `rename` says how a name is changed.
 *
 * @throws NAME_INVALID when it has other characters than letters, digits, _ and -.
 * @throws NAME_TAKEN when another member has the name, or has it in SQL.
 */
export function checkMemberName(
  who: string,
  member: unknown,
  taken: Map<string, string>,
  rename: { readonly others: string; readonly one: string } = {
    others: "rename the member",
    one: "rename one",
  },
): void {
  if (typeof member !== "string" || !/^[\p{L}\p{N}_-]+$/u.test(member) || member === "__proto__")
    throw new TidemarkError(
      "NAME_INVALID",
      `${who}: ${described(member)} is no name of a member; use letters, digits, _ and -, ` +
        `and ${rename.others}`,
    );
  const other = taken.get(member.toLowerCase());
  if (other !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      other === member
        ? `${who}: "${member}" is listed twice; drop one`
        : `${who}: "${other}" and "${member}" are one name in SQL; ${rename.one}`,
    );
  taken.set(member.toLowerCase(), member);
}
