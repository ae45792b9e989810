/** A line of JSON as a row, with all digits of its numbers. */
import { ExactNumber, exactJson, parseDigits } from "../input/exact-json.ts";
import { rowInvalid } from "./copy-text.ts";

/**
 * Numbers are numbers where a double holds them as they are written, and texts otherwise. Throws
 * `LOAD_ROW_INVALID`.
 */
export function jsonRow(text: string, place: string): Readonly<Record<string, unknown>> {
  let given: unknown;
  try {
    given = plainRow(parseDigits(text));
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

function plainRow(row: unknown): unknown {
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
