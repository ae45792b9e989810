/**
 * A statement with the day in it. COPY takes no parameters, so the places are filled with literals
 * of our own making.
 */
import { TidemarkError } from "@tidemark/core";
import type { Day } from "../config/load-jobs.ts";

/** What is no place for a parameter: texts, names, comments; then the parameter itself. */
const SQL_TOKEN =
  /[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[^]*?\$\1\$|--[^\n]*|\/\*[^]*?\*\/|[A-Za-z_][\w$]*|\$(\d+)/g;

/**
 * `$1`: the beginning of the day · `$2`: its end · `$3`: its date. Throws `CONFIG_INVALID` for any
 * other.
 */
export function bindDay(statement: string, { from, to, date }: Day, who: string): string {
  const literals = [
    `'${from.toISOString()}'::timestamptz`,
    `'${to.toISOString()}'::timestamptz`,
    `'${date}'::date`,
  ];
  return statement
    .replace(SQL_TOKEN, (token: string, _tag: string | undefined, number: string | undefined) => {
      if (number === undefined) return token;
      const literal = literals[Number(number) - 1];
      if (literal === undefined)
        throw new TidemarkError(
          "CONFIG_INVALID",
          `${who} has a $${number}; there are $1 and $2, the beginning and the end of the ` +
            "day, and $3, its date",
        );
      return literal;
    })
    .replace(/[\s;]+$/, "");
}
