/** A line of JSON as a row, with all digits of its numbers. */
import { ExactNumber, parseExact } from "../exact-json.ts";
import { rowInvalid } from "./copy-text.ts";

/**
 * What a double might not give back as it was written: many digits, exponents, zeros at the end of
 * a fraction. A text may look like it, which costs time and no more.
 */
const INEXACT = /[:,[\s]-?(?:[\d.]{16,}|\d+(?:\.\d+)?[eE][+-]?\d+|\d+\.\d*0)(?=\s*[,\]}])/;

/**
 * As `JSON.parse`, with an `ExactNumber` for numbers wherever a double might not give them back.
 */
export function parseDigits(text: string): unknown {
  return INEXACT.test(text) ? parseExact(text) : JSON.parse(text);
}

/**
 * Numbers are numbers where a double holds them as they are written, and texts otherwise. Throws
 * `INGEST_ROW_INVALID`.
 */
export function jsonRow(text: string, place: string): Readonly<Record<string, unknown>> {
  let given: unknown;
  try {
    given = plain(parseDigits(text));
  } catch (cause) {
    throw rowInvalid(
      `${place}: this is not JSON (${(cause as Error).message}); write one object per line`,
      cause,
    );
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw rowInvalid(`${place}: this is not a JSON object; write {"column": value, …}`);
  return given as Readonly<Record<string, unknown>>;
}

function plain(row: unknown): unknown {
  if (typeof row !== "object" || row === null || Array.isArray(row) || row instanceof ExactNumber)
    return null;
  const members = row as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (typeof value !== "object" || value === null) continue;
    // within an object or a list, digits are kept by JSON text alone
    members[name] = exactJson(value);
  }
  return members;
}

export function exactJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(exactJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${exactJson(member)}`)
    .join(",")}}`;
}
