/**
 * Parses the body of a request as JSON. Whole numbers keep their digits (law 9: integers above 2^53
 * never pass through a double).
 */
import { TidemarkError } from "@tidemark/core";

/** Matches the digits of a number that a double may not hold. Up to 15 digits are exact. */
const LONG_NUMBER = /\d{16}/;
const WHOLE_NUMBER = /^-?\d+$/;
const REPLACEMENT_CHARACTER = "\uFFFD";

/**
 * Parses JSON. Whole numbers beyond 2^53 become bigints.
 *
 * @throws REQUEST_INVALID when the bytes are not JSON.
 */
export function exactBody(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  if (text.includes(REPLACEMENT_CHARACTER) && !isUtf8(bytes))
    throw new TidemarkError("REQUEST_INVALID", "the body is not UTF-8; send JSON in UTF-8");
  try {
    // JSON.parse with a reviver takes ten times as long
    return LONG_NUMBER.test(text)
      ? (JSON.parse(text, reviveExactly) as unknown)
      : (JSON.parse(text) as unknown);
  } catch (cause) {
    const why = cause instanceof RangeError ? "it is nested too deeply" : (cause as Error).message;
    throw new TidemarkError("REQUEST_INVALID", `the body is not JSON (${why}); send JSON`, {
      cause,
    });
  }
}

function reviveExactly(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  // no value has a hundred digits, and the parse of a bigint of a million digits takes seconds
  return source.length <= 100 && WHOLE_NUMBER.test(source) ? BigInt(source) : value;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
