/** Finds a value in the text of a JSON document. A number keeps its digits (law 9). */

/** The most elements of a list in a row. */
export const MAX_ROW_LIST = 1000;

/** A step of a path: the name of a member or the index of an element. */
type Step = string | number;

const STEP = /\.([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/suy;

/**
 * Reads a path such as `$.a.b[0]["any name"]`; null if it is none. The quoted name is a JSON
 * string.
 */
export function jsonSteps(path: string): readonly Step[] | null {
  if (!path.startsWith("$")) return null;
  const steps: Step[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const found = STEP.exec(path);
    if (found === null) return null;
    const [, name, index, quoted] = found;
    const text = quoted === undefined ? name : stringOf(quoted);
    if (text === null) return null;
    steps.push(text ?? Number(index));
  }
  return steps;
}

function stringOf(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
  }
}

/** The JSON text of the value that the steps lead to; null if there is none. */
export function jsonAt(document: string, steps: readonly Step[]): string | null {
  let at = skipSpace(document, 0);
  for (const step of steps) {
    at = typeof step === "string" ? memberAt(document, at, step) : elementAt(document, at, step);
    if (at < 0) return null;
  }
  return document.slice(at, skipValue(document, at));
}

/** The position of a member's value in the object at `at`, or −1. The last of one name counts. */
function memberAt(text: string, at: number, name: string): number {
  if (text[at] !== "{") return -1;
  let found = -1;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const end = skipString(text, at);
    const value = skipSpace(text, skipSpace(text, end) + 1); // The colon.
    if (isName(text, at, end, name)) found = value;
    at = skipSpace(text, skipValue(text, value));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

function isName(text: string, from: number, to: number, name: string): boolean {
  if (to - from === name.length + 2 && text.startsWith(name, from + 1)) return true;
  const quoted = text.slice(from, to);
  return quoted.includes("\\") && JSON.parse(quoted) === name;
}

/** The JSON texts of the elements of an array, at most so many. The text begins with `[`. */
export function jsonElements(array: string, most: number): string[] {
  const elements: string[] = [];
  let at = skipSpace(array, 1);
  while (array[at] !== "]" && elements.length < most) {
    const end = skipValue(array, at);
    elements.push(array.slice(at, end));
    at = skipSpace(array, end);
    if (array[at] === ",") at = skipSpace(array, at + 1);
  }
  return elements;
}

/** The position of an element in the array at `at`, or −1. */
function elementAt(text: string, at: number, index: number): number {
  if (text[at] !== "[") return -1;
  at = skipSpace(text, at + 1);
  for (let i = 0; at < text.length && text[at] !== "]"; i++) {
    if (i === index) return at;
    at = skipSpace(text, skipValue(text, at));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return -1;
}

/** The position after the value at `at`. The text is JSON: its reader has tested it. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  do {
    const first = text.charCodeAt(at);
    if (first === QUOTE) at = skipString(text, at);
    else {
      if (first === 0x7b || first === 0x5b) depth++;
      else if (first === 0x7d || first === 0x5d) depth--;
      at++;
      if (depth === 0 && first !== 0x7d && first !== 0x5d) at = skipScalar(text, at);
    }
  } while (depth > 0 && at < text.length);
  return at;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The position after a number, `true`, `false` or `null`, of which `at` is inside. */
function skipScalar(text: string, at: number): number {
  while (at < text.length && !",]} \n\r\t".includes(text[at]!)) at++;
  return at;
}

function skipString(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) at++;
  }
  return at;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && " \n\r\t".includes(text[at]!)) at++;
  return at;
}
