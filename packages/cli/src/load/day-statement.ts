/** Puts the day into a statement. COPY takes no parameters, so literals replace them. */
import { TidemarkError } from "@tidemark/core";
import type { Day } from "../config/load-jobs.ts";

/** Matches what may hide a `$n` (texts, names, comments), and then the parameter itself. */
const SQL_TOKEN = new RegExp(
  [
    /[eE]'(?:[^'\\]|\\[^]|'')*'/,
    /'(?:[^']|'')*'/,
    /"(?:[^"]|"")*"/,
    /\$([A-Za-z_]\w*)?\$[^]*?\$\1\$/,
    /--[^\n]*/,
    /\/\*[^]*?\*\//,
    /[A-Za-z_][\w$]*/,
    /\$(\d+)/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/**
 * Replaces `$1` by the beginning of the day, `$2` by its end and `$3` by its date.
 * @throws CONFIG_INVALID when the statement has any other parameter.
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
