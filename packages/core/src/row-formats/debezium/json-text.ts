/**
 * Reads the members of a JSON object as positions in the text. A number keeps its digits (law 9:
 * integers above 2^53 never pass through a double), which `JSON.parse` would round. Values that no
 * column takes are never parsed.
 */

export const NULL = 0;
export const FALSE = 1;
export const TRUE = 2;
export const STRING = 3;
/** A string with a backslash in it. */
export const ESCAPED = 4;
export const NUMBER = 5;
const ARRAY = 6;
export const OBJECT = 7;

const MAX_DEPTH = 500;
/**
 * V8 makes a slice of 13 characters or more a view, which keeps the whole message in memory. It
 * joins shorter texts at once.
 */
const MIN_VIEW_LENGTH = 13;

/** The kind of the value that was skipped last. */
let lastKind = NULL;

/**
 * Gives the position after the value that starts at `at`. Gives −1 if the text there is not JSON,
 * or is nested deeper than 500.
 */
export function skipValue(text: string, at: number, depth = 0): number {
  switch (text.charCodeAt(at)) {
    case 0x22:
      return skipString(text, at + 1); // "
    case 0x7b: {
      // {
      if (depth === MAX_DEPTH) return -1;
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== 0x7d) {
        // }
        for (;;) {
          if (text.charCodeAt(at) !== 0x22) return -1;
          at = skipMember(text, at, depth);
          if (at < 0) return -1;
          const next = text.charCodeAt(at);
          if (next === 0x7d) break;
          if (next !== 0x2c) return -1; // ,
          at = skipSpace(text, at + 1);
        }
      }
      lastKind = OBJECT;
      return at + 1;
    }
    case 0x5b: {
      // [
      if (depth === MAX_DEPTH) return -1;
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== 0x5d) {
        // ]
        for (;;) {
          at = skipValue(text, at, depth + 1);
          if (at < 0) return -1;
          at = skipSpace(text, at);
          const next = text.charCodeAt(at);
          if (next === 0x5d) break;
          if (next !== 0x2c) return -1;
          at = skipSpace(text, at + 1);
        }
      }
      lastKind = ARRAY;
      return at + 1;
    }
    case 0x6e:
      lastKind = NULL;
      return text.startsWith("null", at) ? at + 4 : -1;
    case 0x74:
      lastKind = TRUE;
      return text.startsWith("true", at) ? at + 4 : -1;
    case 0x66:
      lastKind = FALSE;
      return text.startsWith("false", at) ? at + 5 : -1;
    default:
      return skipNumber(text, at);
  }
}

/** Says whether the whole text is one JSON value. */
export function isJson(text: string): boolean {
  const end = skipValue(text, skipSpace(text, 0));
  return end >= 0 && skipSpace(text, end) === text.length;
}

/** Gives the position after the white space that starts at `at`. */
export function skipSpace(text: string, at: number): number {
  for (;;) {
    const c = text.charCodeAt(at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
    at++;
  }
}

/** Skips `"key": value` and the space after it. */
function skipMember(text: string, at: number, depth: number): number {
  at = skipString(text, at + 1);
  if (at < 0) return -1;
  at = skipSpace(text, at);
  if (text.charCodeAt(at) !== 0x3a) return -1; // :
  at = skipValue(text, skipSpace(text, at + 1), depth + 1);
  return at < 0 ? -1 : skipSpace(text, at);
}

/** Skips a string. `at` is the position after the opening quote. */
function skipString(text: string, at: number): number {
  let kind = STRING;
  for (const { length } = text; at < length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x22) {
      lastKind = kind;
      return at + 1;
    }
    if (c === 0x5c) {
      // \
      kind = ESCAPED;
      const escape = text[++at];
      if (escape === "u") {
        for (const end = at + 4; at < end;) if (!isHex(text.charCodeAt(++at))) return -1;
      } else if (escape === undefined || !'"\\/bfnrt'.includes(escape)) return -1;
    } else if (c < 0x20) return -1;
  }
  return -1;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isHex = (c: number): boolean =>
  isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);

function skipNumber(text: string, at: number): number {
  if (text.charCodeAt(at) === 0x2d) at++; // -
  if (text.charCodeAt(at) === 0x30) at++; // 0
  else {
    const first = at;
    while (isDigit(text.charCodeAt(at))) at++;
    if (at === first) return -1;
  }
  if (text.charCodeAt(at) === 0x2e) {
    // .
    const first = ++at;
    while (isDigit(text.charCodeAt(at))) at++;
    if (at === first) return -1;
  }
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    // e E
    at++;
    const sign = text.charCodeAt(at);
    if (sign === 0x2b || sign === 0x2d) at++;
    const first = at;
    while (isDigit(text.charCodeAt(at))) at++;
    if (at === first) return -1;
  }
  lastKind = NUMBER;
  return at;
}

/** The members of one object. An instance is filled again for each message. */
export class JsonMembers {
  length = 0;
  private text = "";
  private from = 0;
  private to = 0;
  private readonly keys: string[] = [];
  /** The keys that were written without a backslash; undefined for the others. */
  private readonly plain: (string | undefined)[] = [];
  private readonly kinds: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  /** Members of nested objects by their key, which the same scan fills. */
  private readonly nested: ReadonlyMap<string, JsonMembers>;

  constructor(nested: Readonly<Record<string, JsonMembers>> = {}) {
    this.nested = new Map(Object.entries(nested));
  }

  /** Fills in the object at `at`. Gives the position after it, or −1 if it is no JSON object. */
  scan(text: string, at: number): number {
    this.from = at;
    this.to = this.scanMembers(text, at);
    return this.to;
  }

  private scanMembers(text: string, at: number): number {
    this.text = text;
    this.length = 0;
    if (text.charCodeAt(at) !== 0x7b) return -1;
    at = skipSpace(text, at + 1);
    if (text.charCodeAt(at) === 0x7d) return at + 1;
    for (let i = 0; ; i++) {
      if (text.charCodeAt(at) !== 0x22) return -1;
      // Messages of a topic repeat their keys. If the key of the last message fits, no string is
      // made.
      const last = this.plain[i];
      if (
        last !== undefined &&
        text.startsWith(last, at + 1) &&
        text.charCodeAt(at + 1 + last.length) === 0x22
      )
        at += last.length + 2;
      else {
        const end = skipString(text, at + 1);
        if (end < 0) return -1;
        const key = internalized(JSON.parse(text.slice(at, end)) as string);
        this.keys[i] = key;
        this.plain[i] = lastKind === STRING ? key : undefined;
        at = end;
      }
      at = skipSpace(text, at);
      if (text.charCodeAt(at) !== 0x3a) return -1;
      const start = skipSpace(text, at + 1);
      const nested = text.charCodeAt(start) === 0x7b ? this.nested.get(this.keys[i]!) : undefined;
      at = nested === undefined ? skipValue(text, start, 1) : nested.scan(text, start);
      if (at < 0) return -1;
      this.kinds[i] = nested === undefined ? lastKind : OBJECT;
      this.starts[i] = start;
      this.ends[i] = at;
      this.length = i + 1;
      at = skipSpace(text, at);
      const next = text.charCodeAt(at);
      if (next === 0x7d) return at + 1;
      if (next !== 0x2c) return -1;
      at = skipSpace(text, at + 1);
    }
  }

  /** Gives a copy of the JSON text of the whole object, which keeps no message in memory. */
  object(): string {
    return copiedPart(this.text, this.from, this.to);
  }

  key(i: number): string {
    return this.keys[i]!;
  }

  kind(i: number): number {
    return this.kinds[i]!;
  }

  start(i: number): number {
    return this.starts[i]!;
  }

  /** Gives the length of the value's text. */
  size(i: number): number {
    return this.ends[i]! - this.starts[i]!;
  }

  /** Gives the index of a member, or −1 if the object has no such member. */
  find(key: string): number {
    for (let i = this.length - 1; i >= 0; i--) if (this.keys[i] === key) return i;
    return -1;
  }

  /** Gives the JSON text of the value. */
  raw(i: number): string {
    return this.text.slice(this.starts[i]!, this.ends[i]!);
  }

  /** Gives the string of a STRING or ESCAPED member. */
  string(i: number): string {
    const start = this.starts[i]! + 1;
    const end = this.ends[i]! - 1;
    if (this.kinds[i] === STRING) return copiedPart(this.text, start, end);
    return JSON.parse(this.text.slice(start - 1, end + 1)) as string;
  }

  /** Gives the code of a character of a STRING member. */
  charOf(i: number, at: number): number {
    return this.text.charCodeAt(this.starts[i]! + 1 + at);
  }

  isString(i: number): boolean {
    return this.kinds[i] === STRING || this.kinds[i] === ESCAPED;
  }
}

/** Copies the text, so that it does not keep the whole message in memory. */
export function copiedText(text: string): string {
  return copiedPart(text, 0, text.length);
}

/**
 * Copies a part of a text. V8 makes one string of a joined text when a character of it is read,
 * which is the quickest copy. No JSON text has the character 0, so that the last line reads one.
 */
function copiedPart(text: string, from: number, to: number): string {
  if (to - from < MIN_VIEW_LENGTH) return text.slice(from, to);
  const copy = text.charAt(from) + text.slice(from + 1, to);
  return copy.charCodeAt(1) === 0 ? (JSON.parse(JSON.stringify(copy)) as string) : copy;
}

/** Gives V8's own copy of a name, which compares with others by its address. */
function internalized(name: string): string {
  return Object.keys({ [name]: null })[0]!;
}

/**
 * Gives the JSON that a JSON string holds, if that is an object or again a string. A producer that
 * serializes twice writes it.
 */
export function jsonInString(text: string): string | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith('"')) return null;
  const inner = JSON.parse(trimmed) as string;
  return /^\s*[{"]/.test(inner) && isJson(inner) ? inner : null;
}
