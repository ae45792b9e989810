/** Takes the members of columns that a source does not declare out of a logged row. */
import type { SourceSpec } from "../specs.ts";
import type { LoggedRow } from "../spi.ts";
import type { DebeziumFormat } from "./debezium/debezium-format.ts";
import { skipSpace, skipValue } from "./debezium/json-text.ts";
import { isMeta } from "./debezium/unwrapped.ts";

/** The formats whose names are kept. A log seldom has more. */
const MAX_FORMATS = 1_000;

/**
 * Makes the function that leaves only declared columns in a logged row, each to the letter. The
 * members of a key that only the row repeats stay too. A text that is no JSON object is left out.
 */
export function declaredMembers(source: SourceSpec): (logged: LoggedRow) => LoggedRow {
  const names = new Set(source.columns.flatMap(({ name, database }) => [name, database]));
  const keys = new Map<string, readonly string[]>();
  const keyMembers = (format: string): readonly string[] => {
    let known = keys.get(format);
    if (known === undefined) {
      if (keys.size >= MAX_FORMATS) keys.clear();
      known = (JSON.parse(format) as Partial<DebeziumFormat>).keyMembers ?? [];
      keys.set(format, known);
    }
    return known;
  };
  return (logged) => {
    const { row, key, format } = logged;
    if (row === null) return logged;
    const ofKey = key === null ? keyMembers(format) : [];
    const isKept = (name: string): boolean =>
      names.has(name) || isMeta(name) || ofKey.includes(name);
    return { ...logged, row: membersOf(row, isKept) };
  };
}

function membersOf(text: string, isKept: (name: string) => boolean): string | null {
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return null;
  at = skipSpace(text, at + 1);
  const kept: string[] = [];
  while (text[at] === '"') {
    const start = at;
    const nameEnd = skipValue(text, at);
    if (nameEnd < 0) return null;
    const colon = skipSpace(text, nameEnd);
    const end = text[colon] === ":" ? skipValue(text, skipSpace(text, colon + 1)) : -1;
    if (end < 0) return null;
    if (isKept(JSON.parse(text.slice(start, nameEnd)) as string)) kept.push(text.slice(start, end));
    at = skipSpace(text, end);
    if (text[at] === "}") return `{${kept.join(",")}}`;
    if (text[at] !== ",") return null;
    at = skipSpace(text, at + 1);
  }
  return text[at] === "}" ? "{}" : null;
}
