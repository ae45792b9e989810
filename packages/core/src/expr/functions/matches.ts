/** Whether a whole text matches a regular expression. */
import { patternMatcher } from "../pattern/match-pattern.ts";
import { parsePattern, PatternError } from "../pattern/parse-pattern.ts";
import type { Pattern } from "../pattern/pattern-tree.ts";
import { printWholePattern } from "../pattern/print-pattern.ts";
import type { CallOptions } from "../../specs.ts";
import type { ScalarFunction } from "../scalar-function.ts";

const patternOf = (options: CallOptions | undefined): Pattern =>
  parsePattern(String(options!["pattern"]));

export const matches: ScalarFunction = {
  name: "matches",
  signature: "text, pattern → boolean",
  rule: "the whole text matches a regular expression, by code point, in linear time",
  example: ['matches("CH-8001", "[A-Z]{2}-\\\\d{4,5}")', "true"],
  typeRule(call) {
    const { type, nullable } = call.arguments[0]!;
    if (type !== "string") call.refuse("TYPE_MISMATCH", `it takes text, and got ${type}`);
    try {
      patternOf(call.options);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      call.refuse("VALUE_INVALID", error.message);
    }
    return { type: "boolean", nullable };
  },
  kernel([x], { call }) {
    const { read } = x!;
    const test = patternMatcher(patternOf(call.options));
    return (row) => {
      const value = read(row);
      return value === null ? null : test(value as string);
    };
  },
  sql({ options }, print) {
    const pattern = printWholePattern(patternOf(options)).replaceAll("'", "''");
    return { text: `REGEXP_LIKE(${print(0)}, '${pattern}')`, rank: "atom" };
  },
};
