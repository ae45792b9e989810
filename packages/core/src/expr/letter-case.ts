/**
 * Upper and lower case by Unicode's simple mapping: one code point becomes one code point, without
 * a locale. `toUpperCase` maps some code points to several; those are listed here.
 */

const ASCII = /^[\0-\x7f]*$/;

/** The text in lower case. */
export function lowerCase(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  let mapped = "";
  for (const point of text) mapped += simple(point, point.toLowerCase(), simpleLower);
  return mapped;
}

/** The text in upper case. */
export function upperCase(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  let mapped = "";
  for (const point of text) mapped += simple(point, point.toUpperCase(), simpleUpper);
  return mapped;
}

function simple(point: string, full: string, several: (code: number) => number): string {
  const length = full.codePointAt(0)! > 0xffff ? 2 : 1;
  return full.length === length ? full : String.fromCodePoint(several(point.codePointAt(0)!));
}

/** Only U+0130, a capital I with a dot, has several code points in lower case. */
function simpleLower(): number {
  return 0x69;
}

/**
 * Greek letters with an iota below have a capital of one code point, whose iota stands beside the
 * letter. All others of several code points, such as ß, stay as they are.
 */
function simpleUpper(code: number): number {
  if (code >= 0x1f80 && code <= 0x1faf) return code | 8;
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3 ? code + 9 : code;
}
