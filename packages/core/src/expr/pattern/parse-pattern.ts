/**
 * Reads a regular expression of `matches`: literals, classes, `.`, groups, alternatives, `? * +`,
 * `{m,n}`, and `\d \w \s` of ASCII. Everything else that some engine reads is refused, with its
 * place.
 */
import {
  MAX_PATTERN_SIZE,
  patternSize,
  type Pattern,
  type PointRange,
  type PointSet,
} from "./pattern-tree.ts";

/** A pattern that is refused: what it has, where, and the next step. */
export class PatternError extends Error {
  /** `place` counts code points; the first is 1. */
  constructor(what: string, place: number, step: string) {
    super(`its pattern has ${what} at character ${place}; ${step}`);
    this.name = "PatternError";
  }
}

/** The most groups that may lie in each other. */
const MAX_GROUP_DEPTH = 100;

const range = (from: string, to: string = from): PointRange => ({
  from: from.codePointAt(0)!,
  to: to.codePointAt(0)!,
});
const setOf = (ranges: readonly PointRange[], isNegated = false): PointSet => ({
  kind: "set",
  isNegated,
  ranges,
});

const DIGITS = [range("0", "9")];
const WORDS = [...DIGITS, range("A", "Z"), range("_"), range("a", "z")];
const SPACES = [range("\t", "\r"), range(" ")];
const LINE_ENDS = [range("\n"), range("\r"), range("\u2028", "\u2029")];
/** The sets behind a backslash. A capital letter is what is not in the set. */
const SETS = new Map([
  ["d", DIGITS],
  ["w", WORDS],
  ["s", SPACES],
]);
const CONTROLS = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** What has a sense of its own, and stands for itself behind a backslash. */
const SIGNS = "^$\\.*+?()[]{}|/-&";

/**
 * Reads a pattern.
 *
 * @throws PatternError when it has what engines read in several ways, or is too large.
 */
export function parsePattern(text: string): Pattern {
  const points = [...text];
  let at = 0;
  let depth = 0;
  const refuse = (what: string, step: string, index = at): never => {
    throw new PatternError(what, index + 1, step);
  };
  const forSign = (sign: string): string => `write \\${sign} for the sign`;

  function choice(): Pattern {
    if (++depth > MAX_GROUP_DEPTH)
      refuse(`a group more than ${MAX_GROUP_DEPTH} deep in others`, "take groups apart");
    const options = [sequence()];
    while (points[at] === "|") {
      at++;
      options.push(sequence());
    }
    depth--;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  function sequence(): Pattern {
    const parts: Pattern[] = [];
    while (at < points.length && points[at] !== "|" && points[at] !== ")") parts.push(repeated());
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  function repeated(): Pattern {
    const begin = at;
    const of = atom();
    const times = repetition();
    if (times === null) return of;
    if (points[at] === "?") refuse("a lazy quantifier", "leave its ? out");
    if (points[at] === "+") refuse("a possessive quantifier", "leave its + out");
    if (points[at] === "*" || points[at] === "{")
      refuse("a second quantifier", "group the first, as in (a+)*");
    const pattern: Pattern = { kind: "repeat", of, ...times };
    if (patternSize(pattern) > MAX_PATTERN_SIZE)
      refuse(
        `a repetition of more than ${MAX_PATTERN_SIZE} characters`,
        "write smaller numbers",
        begin,
      );
    return pattern;
  }

  function repetition(): { readonly least: number; readonly most: number | null } | null {
    const sign = points[at];
    if (sign === "*" || sign === "+" || sign === "?") {
      at++;
      return { least: sign === "+" ? 1 : 0, most: sign === "?" ? 1 : null };
    }
    if (sign !== "{") return null;
    const begin = at++;
    const least = number();
    const hasMost = points[at] === ",";
    if (hasMost) at++;
    const most = hasMost && points[at] === "}" ? null : hasMost ? number() : least;
    if (points[at] !== "}")
      refuse("an unfinished quantifier", `write {2}, {2,} or {2,5}; ${forSign("{")}`, begin);
    at++;
    if (most !== null && most < least)
      refuse("a quantifier whose bounds fall", "write the smaller number first", begin);
    return { least, most };
  }

  function number(): number {
    const begin = at;
    while (/^[0-9]$/.test(points[at] ?? "")) at++;
    if (at === begin)
      refuse("a quantifier without a number", `write {2}, {2,} or {2,5}; ${forSign("{")}`);
    const found = Number(points.slice(begin, at).join(""));
    return found <= MAX_PATTERN_SIZE
      ? found
      : refuse(`a number above ${MAX_PATTERN_SIZE}`, "write a smaller one", begin);
  }

  function atom(): Pattern {
    const sign = points[at]!;
    switch (sign) {
      case "(":
        return group();
      case "[":
        return pointClass();
      case ".":
        at++;
        return setOf(LINE_ENDS, true);
      case "\\":
        return escaped();
      case "^":
      case "$":
        return refuse(
          `an anchor (${sign})`,
          `leave it out, because the whole text must match; ${forSign(sign)}`,
        );
      case "*":
      case "+":
      case "?":
      case "{":
        return refuse(`a quantifier (${sign}) that repeats nothing`, forSign(sign));
      case "]":
      case "}":
        return refuse(`a ${sign} that closes nothing`, forSign(sign));
      default:
        at++;
        return setOf([range(sign)]);
    }
  }

  function group(): Pattern {
    const begin = at++;
    if (points[at] === "?") {
      const [, sign = "", next = ""] = points.slice(at);
      if (sign === "=" || sign === "!" || (sign === "<" && (next === "=" || next === "!")))
        refuse("a look-around", "combine conditions with and, or and not", begin);
      if (sign !== ":") refuse("a group with a name or flags", "write (…) or (?:…)", begin);
      at += 2;
    }
    const of = choice();
    if (points[at] !== ")") refuse("a group without an end", `write its ); ${forSign("(")}`, begin);
    at++;
    return of;
  }

  /** What stands behind a backslash outside of a class. */
  function escaped(): Pattern {
    const begin = at++;
    const sign = points[at++];
    if (sign === undefined)
      return refuse("a backslash that takes nothing", "write two of them", begin);
    const ranges = SETS.get(sign.toLowerCase());
    if (ranges !== undefined) return setOf(ranges, sign !== sign.toLowerCase());
    if (sign === "b" || sign === "B")
      return refuse("a word bound", "write what may stand there, such as [^a-z]", begin);
    if (/^[1-9k]$/.test(sign)) return refuse("a back reference", "write the part once more", begin);
    return setOf([range(point(sign, begin))]);
  }

  /** The code point behind a backslash. */
  function point(sign: string, begin: number): string {
    const control = CONTROLS.get(sign);
    if (control !== undefined) return control;
    if (SIGNS.includes(sign)) return sign;
    return refuse(`the escape \\${sign}`, "write the character itself", begin);
  }

  function pointClass(): Pattern {
    const begin = at++;
    const isNegated = points[at] === "^";
    if (isNegated) at++;
    const ranges: PointRange[] = [];
    while (at < points.length && points[at] !== "]") {
      const first = at;
      const from = member();
      if (points[at] !== "-" || points[at + 1] === "]") {
        ranges.push(...(typeof from === "string" ? [range(from)] : from));
        continue;
      }
      at++;
      const to =
        at < points.length
          ? member()
          : refuse("a class without an end", `write its ]; ${forSign("[")}`, begin);
      if (typeof from !== "string" || typeof to !== "string")
        return refuse("a range whose bound is a set", forSign("-"), first);
      const found = range(from, to);
      if (found.from > found.to)
        refuse("a range whose bounds fall", "write the smaller one first", first);
      ranges.push(found);
    }
    if (at === points.length)
      refuse("a class without an end", `write its ]; ${forSign("[")}`, begin);
    if (ranges.length === 0) refuse("an empty class", "list at least one character", begin);
    at++;
    return setOf(ranges, isNegated);
  }

  /** A member of a class: a code point, or a set. */
  function member(): string | readonly PointRange[] {
    const begin = at;
    const sign = points[at++]!;
    if (sign === "[") return refuse("a [ in a class", forSign("["), begin);
    if (sign === "&" && points[at] === "&")
      return refuse("an intersection (&&)", forSign("&"), begin);
    if (sign !== "\\") return sign;
    const next = points[at++];
    if (next === undefined)
      return refuse("a backslash that takes nothing", "write two of them", begin);
    const ranges = SETS.get(next);
    if (ranges !== undefined) return ranges;
    if (SETS.has(next.toLowerCase()))
      return refuse(`the set \\${next} in a class`, "write the class with ^", begin);
    return point(next, begin);
  }

  const pattern = choice();
  if (at < points.length) refuse("a ) that closes nothing", forSign(")"));
  if (patternSize(pattern) > MAX_PATTERN_SIZE)
    refuse(
      `the last of more than ${MAX_PATTERN_SIZE} characters`,
      "write a shorter pattern, or two conditions",
      points.length - 1,
    );
  return pattern;
}
