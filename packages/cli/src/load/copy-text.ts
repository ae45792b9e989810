/**
 * Writes rows in the text format of PostgreSQL's COPY. Only values that are JavaScript numbers pass
 * through a double.
 */
import { TidemarkError } from "@tidemark/core";

/** The characters of one chunk. */
const CHUNK_CHARACTERS = 1 << 16;
/** Matches text that needs an escape or is invalid. Most text has no match. */
const NEEDS_ESCAPE = /[\\\n\r\t\0\ud800-\udfff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * The COPY text of one value; `location` names the value in errors.
 * @throws LOAD_ROW_INVALID when PostgreSQL cannot store the value.
 */
export function copyField(value: unknown, location: () => string): string {
  switch (typeof value) {
    case "string":
      return copyText(value, location);
    case "number":
      if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21)
        throw rowInvalid(
          `${location()} is a number above 2^53, which has lost its last digits; give a bigint ` +
            "or a text",
        );
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return String(value);
    case "boolean":
      return value ? "t" : "f";
    case "undefined":
      return "\\N";
    case "object": {
      if (value === null) return "\\N";
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime()))
          throw rowInvalid(`${location()} is a Date without a time; give null where there is none`);
        return value.toISOString();
      }
      if (value instanceof Uint8Array) {
        const { buffer, byteOffset, byteLength } = value;
        return `\\\\x${Buffer.from(buffer, byteOffset, byteLength).toString("hex")}`;
      }
      return copyText(jsonField(value, location), location);
    }
    default:
      throw rowInvalid(
        `${location()} is a ${typeof value}; give text, a number, a bigint, a boolean, a Date, ` +
          "bytes or null",
      );
  }
}

function copyText(text: string, location: () => string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  if (text.includes("\0"))
    throw rowInvalid(
      `${location()} has a character NUL, which PostgreSQL keeps in no text; take it out`,
    );
  if (/\p{Surrogate}/u.test(text))
    throw rowInvalid(
      `${location()} has half of a surrogate pair, which is no character; repair the text`,
    );
  return text.replace(/[\\\n\r\t]/g, (one) => ESCAPES[one]!);
}

function jsonField(value: object, location: () => string): string {
  try {
    return JSON.stringify(value);
  } catch {
    // The error of JSON.stringify shows names of the value's members.
    throw rowInvalid(`${location()} cannot be JSON (a cycle, or a bigint in it); give a text`);
  }
}

/** Yields the lines as chunks of bytes. */
export async function* copyBytes(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Buffer> {
  let text = "";
  for await (const line of lines) {
    text += line;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

export function rowInvalid(message: string): TidemarkError {
  return new TidemarkError("LOAD_ROW_INVALID", message);
}
