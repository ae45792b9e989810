/** Functions of texts. */
import { matches as matchesFunction } from "../../expr/functions/matches.ts";
import * as textFunctions from "../../expr/functions/text.ts";
import type { ScalarFunction } from "../../expr/scalar-function.ts";
import { TidemarkError } from "../../errors.ts";
import { described } from "../definition.ts";
import { argumentOf, defineCall, operandOf, whoCalls } from "../expression.ts";
import type { AnyExpr, Arg, Expr, NullOf, Operand, SourceOf } from "../expression-types.ts";

type TextArg<A extends AnyExpr> = Arg<A, "string", "this takes text">;
type TextOf<A extends AnyExpr> = Expr<SourceOf<A>, "string", string | NullOf<A>>;
type TruthOf<A extends AnyExpr> = Expr<SourceOf<A>, "boolean", boolean | NullOf<A>>;

/**
 * The text in lower case, code point by code point, in no language: "İ" becomes "i".
 *
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const vendor = lower(transactions.vendor);
 */
export function lower<A extends AnyExpr>(x: TextArg<A>): TextOf<A> {
  return defineCall(textFunctions.lower, [argumentOf("lower", x)]);
}

/**
 * The text in upper case, code point by code point, in no language: "ß" stays.
 *
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const vendor = upper(transactions.vendor);
 */
export function upper<A extends AnyExpr>(x: TextArg<A>): TextOf<A> {
  return defineCall(textFunctions.upper, [argumentOf("upper", x)]);
}

/**
 * The text without white space of ASCII at its ends.
 *
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const vendor = trim(transactions.vendor);
 */
export function trim<A extends AnyExpr>(x: TextArg<A>): TextOf<A> {
  return defineCall(textFunctions.trim, [argumentOf("trim", x)]);
}
/**
 * A part of the text, in code points. The first has index 0. Past the end the part is "".
 *
 * @throws VALUE_INVALID when `start` or `length` is no whole number of at least 0.
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const country = substring(transactions.vendor, 0, 2);
 */
export function substring<A extends AnyExpr>(
  x: TextArg<A>,
  start: number,
  length?: number,
): TextOf<A> {
  const argument = argumentOf("substring", x);
  const who = whoCalls("substring", [argument]);
  checkIndex(who, "start", start);
  if (length === undefined) return defineCall(textFunctions.substring, [argument], { start }, who);
  checkIndex(who, "length", length);
  return defineCall(textFunctions.substring, [argument], { start, length }, who);
}
/**
 * One text after another. Null if one of them is null.
 *
 * @throws TYPE_MISMATCH when an argument is no text.
 *
 * @example
 * const place = concat(transactions.vendor, " AG");
 */
export function concat<A extends AnyExpr, B>(
  left: TextArg<A>,
  right: Operand<A, B>,
): Expr<SourceOf<A> | SourceOf<B>, "string", string | NullOf<A> | NullOf<B>> {
  const first = argumentOf("concat", left);
  const who = whoCalls("concat", [first]);
  return defineCall(
    textFunctions.concat,
    [first, operandOf(who, right, first.expression)],
    {},
    who,
  );
}
/**
 * The number of code points of a text, or of bytes.
 *
 * @throws TYPE_MISMATCH when the argument is neither text nor bytes.
 *
 * @example
 * const characters = length(transactions.vendor);
 */
export function length<A extends AnyExpr>(
  x: Arg<A, "string" | "bytes", "only text and bytes have a length">,
): Expr<SourceOf<A>, "int32", number | NullOf<A>> {
  return defineCall(textFunctions.length, [argumentOf("length", x)]);
}
/**
 * True where the text begins with the prefix.
 *
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const swiss = startsWith(transactions.vendor, "CH-");
 */
export function startsWith<A extends AnyExpr>(x: TextArg<A>, prefix: string): TruthOf<A> {
  return withText(textFunctions.startsWith, x, { prefix });
}
/**
 * True where the text ends with the suffix.
 *
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const company = endsWith(transactions.vendor, " AG");
 */
export function endsWith<A extends AnyExpr>(x: TextArg<A>, suffix: string): TruthOf<A> {
  return withText(textFunctions.endsWith, x, { suffix });
}
/**
 * True where the whole text fits the pattern: `%` is any text, `_` one code point. A backslash
 * takes the next code point as it is.
 *
 * @throws VALUE_INVALID when the pattern ends in a single backslash.
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const hospitals = like(transactions.vendor, "%Hospital%");
 */
export function like<A extends AnyExpr>(x: TextArg<A>, pattern: string): TruthOf<A> {
  if (typeof pattern === "string" && /^(?:[^\\]|\\.)*\\$/su.test(pattern))
    throw new TidemarkError(
      "VALUE_INVALID",
      `${whoCalls("like", [argumentOf("like", x)])}: its pattern ends in a backslash that takes ` +
        "nothing; write two of them",
    );
  return withText(textFunctions.like, x, { pattern });
}
/**
 * True where the whole text matches a regular expression. A pattern has literals, classes such as
 * `[a-z_]` and `[^,]`, `.`, groups, alternatives (`|`), the quantifiers `?`, `*`, `+` and `{m,n}`,
 * and the ASCII sets `\d`, `\w` and `\s`. A dot is any code point but a line end. Case counts. The
 * time is linear in the text, and SQL computes the same.
 *
 * @throws VALUE_INVALID when the pattern has something else, such as an anchor, a look-around, a
 * back reference or a lazy quantifier; the message names its place.
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const swiss = matches(transactions.vendor, "CH-\\d{4}( .+)?");
 */
export function matches<A extends AnyExpr>(x: TextArg<A>, pattern: string): TruthOf<A> {
  return withText(matchesFunction, x, { pattern });
}
/**
 * One part of the text between separators. The first has index 0. Null if there is no such part.
 *
 * @throws VALUE_INVALID when the separator is empty, or `index` is no whole number of at least 0.
 * @throws TYPE_MISMATCH when the argument is no text.
 *
 * @example
 * const country = splitPart(transactions.vendor, "/", 0);
 */
export function splitPart<A extends AnyExpr>(
  x: TextArg<A>,
  separator: string,
  index: number,
): Expr<SourceOf<A>, "string", string | null> {
  const who = whoCalls("splitPart", [argumentOf("splitPart", x)]);
  checkIndex(who, "index", index);
  if (separator === "")
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: its separator is empty; give one, such as "/"`,
    );
  return withText(textFunctions.splitPart, x, { separator, index });
}

function withText<T>(
  of: ScalarFunction,
  x: unknown,
  options: { readonly [name: string]: string | number },
): T {
  const { name } = of;
  const argument = argumentOf(name, x);
  const who = whoCalls(name, [argument]);
  for (const [option, value] of Object.entries(options))
    if (option !== "index" && typeof value !== "string")
      throw new TidemarkError(
        "VALUE_INVALID",
        `${who}: ${option} is a text, got ${described(value)}`,
      );
  return defineCall(of, [argument], options, who);
}

function checkIndex(who: string, what: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: ${what} is a whole number of at least 0, got ${described(value)}`,
    );
}
