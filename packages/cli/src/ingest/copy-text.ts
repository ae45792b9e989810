/** Rows in the text form of PostgreSQL's COPY. No number passes through a double that was none. */
import { TidemarkError } from "@tidemark/core";

/** Characters that are gathered before they are sent. */
const CHUNK = 1 << 16;
/** What a text has to be looked at for; most have nothing of it. */
const SPECIAL = /[\\\n\r\t\0\ud800-\udfff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A value of a row; `place` says whose. */
export function copyField(value: unknown, place: () => string): string {
  switch (typeof value) {
    case "string":
      return copyText(value, place);
    case "number":
      if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21)
        throw rowInvalid(
          `${place()} is the number ${value}, which has lost its last digits; give a bigint ` +
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
          throw rowInvalid(`${place()} is a Date without a time; give null where there is none`);
        return value.toISOString();
      }
      if (value instanceof Uint8Array)
        return `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
      return copyText(jsonOf(value, place), place);
    }
    default:
      throw rowInvalid(
        `${place()} is a ${typeof value}; give text, a number, a bigint, a boolean, a Date, ` +
          "bytes or null",
      );
  }
}

function copyText(text: string, place: () => string): string {
  if (!SPECIAL.test(text)) return text;
  if (text.includes("\0"))
    throw rowInvalid(
      `${place()} has a character NUL, which PostgreSQL keeps in no text; take it out`,
    );
  if (/\p{Surrogate}/u.test(text))
    throw rowInvalid(
      `${place()} has half of a surrogate pair, which is no character; repair the text`,
    );
  return text.replace(/[\\\n\r\t]/g, (one) => ESCAPES[one]!);
}

function jsonOf(value: object, place: () => string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw rowInvalid(`${place()} cannot be JSON: ${(cause as Error).message}; give a text`, cause);
  }
}

/** Lines of COPY as bytes, in chunks. */
export async function* copyBytes(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Buffer> {
  let text = "";
  for await (const line of lines) {
    text += line;
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

export function rowInvalid(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError("INGEST_ROW_INVALID", message, { cause });
}
