/**
 * Parses the body of a request as JSON. Whole numbers keep their digits (law 9: integers above 2^53
 * never pass through a double).
 */
import { randomUUID } from "node:crypto";
import { TidemarkError } from "@tidemark/core";

/** Matches the digits of a number that a double may not hold. Up to 15 digits are exact. */
const LONG_NUMBER = /\d{16}/;
const WHOLE_NUMBER = /^-?\d+$/;
const REPLACEMENT_CHARACTER = "\uFFFD";
/** The greatest depth of lists and objects in a body. */
const MAX_DEPTH = 500;

/**
 * Parses JSON. Whole numbers beyond 2^53 become bigints. With `python`, the texts `NaN` and
 * `Infinity` become these numbers: Python and pandas write them for missing values.
 *
 * @throws REQUEST_INVALID when the bytes are not JSON, or lists and objects are nested too deeply.
 */
export function exactBody(bytes: Buffer, { python }: { readonly python: boolean }): unknown {
  if (isDeep(bytes))
    throw new TidemarkError(
      "REQUEST_INVALID",
      `the body is nested more than ${MAX_DEPTH} levels deep; send flatter JSON`,
    );
  const text = bytes.toString("utf8", startsWithByteOrderMark(bytes) ? 3 : 0);
  if (text.includes(REPLACEMENT_CHARACTER) && !isUtf8(bytes))
    throw new TidemarkError("REQUEST_INVALID", "the body is not UTF-8; send JSON in UTF-8");
  try {
    return parseExactly(text, reviveExactly);
  } catch (cause) {
    const ofPython = python ? parseOfPython(text) : undefined;
    if (ofPython !== undefined) return ofPython;
    const why = cause instanceof RangeError ? "it is nested too deeply" : (cause as Error).message;
    throw new TidemarkError("REQUEST_INVALID", `the body is not JSON (${why}); send JSON`, {
      cause,
    });
  }
}

type Reviver = (name: string, value: unknown, context?: { readonly source?: string }) => unknown;

function parseExactly(text: string, revive: Reviver): unknown {
  // JSON.parse with a reviver takes ten times as long
  return LONG_NUMBER.test(text) || revive !== reviveExactly
    ? (JSON.parse(text, revive) as unknown)
    : (JSON.parse(text) as unknown);
}

function reviveExactly(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  // no value has a hundred digits, and the parse of a bigint of a million digits takes seconds
  return source.length <= 100 && WHOLE_NUMBER.test(source) ? BigInt(source) : value;
}

/** Matches strings, which stay as they are, and the numbers that Python writes and JSON lacks. */
const STRING_OR_NON_FINITE = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;
/** Marks a number that JSON lacks. No caller can know it. */
const MARK = `${randomUUID()} `;

/** Parses JSON with Python's NaN and Infinity. undefined: the text has none, or is no JSON. */
function parseOfPython(text: string): unknown {
  if (!/\b(?:NaN|Infinity)\b/.test(text)) return undefined;
  const marked = text.replace(STRING_OR_NON_FINITE, (found) =>
    found.startsWith('"') ? found : `"${MARK}${found}"`,
  );
  try {
    return parseExactly(marked, (name, value, context) =>
      typeof value === "string" && value.startsWith(MARK)
        ? Number(value.slice(MARK.length))
        : reviveExactly(name, value, context),
    );
  } catch {
    return undefined;
  }
}

function startsWithByteOrderMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

/** Whether lists and objects are nested more than `MAX_DEPTH` levels deep. */
function isDeep(bytes: Buffer): boolean {
  if (bytes.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte <= COMMA) {
      if (byte === QUOTE) {
        for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
      }
    } else if ((byte & ~0x20) === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((byte & ~0x20) === 0x5d) depth--;
  }
  return false;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
