/**
 * Prints a pattern as the text of a regular expression that Java, Joni (Trino) and RE2 (DuckDB)
 * read alike. Dots, sets and their white space are spelled out.
 */
import type { Pattern, PointRange } from "./pattern-tree.ts";

const CONTROLS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function pointText(point: number, signs: string): string {
  const text = String.fromCodePoint(point);
  return signs.includes(text) ? `\\${text}` : (CONTROLS.get(text) ?? text);
}

const SIGNS = "^$\\.*+?()[]{}|";
const CLASS_SIGNS = "\\[]^-&";

function rangeText({ from, to }: PointRange): string {
  const first = pointText(from, CLASS_SIGNS);
  return from === to ? first : `${first}-${pointText(to, CLASS_SIGNS)}`;
}

/** Whether only the empty text matches. */
function isEmpty(pattern: Pattern): boolean {
  switch (pattern.kind) {
    case "set":
      return false;
    case "sequence":
      return pattern.parts.every(isEmpty);
    case "choice":
      return pattern.options.every(isEmpty);
    case "repeat":
      return pattern.most === 0 || isEmpty(pattern.of);
  }
}

/** Prints a pattern without anchors. */
export function printPattern(pattern: Pattern): string {
  switch (pattern.kind) {
    case "set": {
      const { isNegated, ranges } = pattern;
      const [first] = ranges;
      if (!isNegated && ranges.length === 1 && first!.from === first!.to)
        return pointText(first!.from, SIGNS);
      return `[${isNegated ? "^" : ""}${ranges.map(rangeText).join("")}]`;
    }
    case "sequence":
      return pattern.parts
        .map((part) => (part.kind === "choice" ? grouped(part) : printPattern(part)))
        .join("");
    case "choice":
      return pattern.options.map(printPattern).join("|");
    case "repeat": {
      const { of, least, most } = pattern;
      // Joni fails at a repetition of nothing
      if (isEmpty(pattern)) return "";
      const times = least === most ? `{${least}}` : `{${least},${most ?? ""}}`;
      return `${of.kind === "set" ? printPattern(of) : grouped(of)}${signs.get(times) ?? times}`;
    }
  }
}

const signs: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["{0,}", "*"],
  ["{1,}", "+"],
  ["{0,1}", "?"],
]);

const grouped = (pattern: Pattern): string => `(?:${printPattern(pattern)})`;

/** Prints a pattern for a search that finds only the whole text. */
export function printWholePattern(pattern: Pattern): string {
  return `\\A${grouped(pattern)}\\z`;
}
