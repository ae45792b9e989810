/** Reads a row from a line of JSON, without losing digits. */
import { ExactNumber, exactJson, parseDigits } from "../input/exact-json.ts";
import { rowInvalid } from "./copy-text.ts";

/**
 * Parses a row. A number that a double cannot hold as written becomes a text.
 * @throws LOAD_ROW_INVALID when the line is no JSON object.
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
    // Within an object or a list, only JSON text keeps the digits.
    members[name] = exactJson(value);
  }
  return members;
}
