/** Reads a row from a line of JSON, without losing digits. */
import { exactJson, ExactNumber, jsonObject, LOAD_CODES } from "@tidemark/core/internal";

/**
 * Parses a row. A number that a double cannot hold as written becomes a text.
 * @throws LOAD_ROW_INVALID when the line is no JSON object, or has a member twice.
 */
export function jsonRow(text: string, place: string): Readonly<Record<string, unknown>> {
  const row = jsonObject(text, place, LOAD_CODES) as Record<string, unknown>;
  for (const name of Object.keys(row)) {
    const value = row[name];
    if (typeof value !== "object" || value === null) continue;
    // Within an object or a list, only JSON text keeps the digits.
    row[name] = value instanceof ExactNumber ? value.digits : exactJson(value);
  }
  return row;
}
