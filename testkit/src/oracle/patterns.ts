/** What a pattern of `matches` matches, by JavaScript's own regular expressions. */

/**
 * A pattern of `matches` as JavaScript's regular expression of a whole text. White space has only
 * ASCII.
 */
export function regExpOf(pattern: string): RegExp {
  const spaces = "\\t-\\r ";
  let text = "";
  let isClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const sign = pattern[i]!;
    if (sign === "[") isClass = true;
    if (sign === "]") isClass = false;
    if (sign !== "\\") text += sign;
    else {
      const escape = sign + pattern[++i]!;
      if (escape === "\\s") text += isClass ? spaces : `[${spaces}]`;
      else text += escape === "\\S" ? `[^${spaces}]` : escape === "\\-" ? "\\x2d" : escape;
    }
  }
  return new RegExp(`^(?:${text})$`, "u");
}
