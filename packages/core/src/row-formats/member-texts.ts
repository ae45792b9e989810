/** Reads the members of a JSON object as texts, which keep every digit, and writes them again. */
import { JsonMembers, skipSpace } from "./debezium/json-text.ts";

/** The text of each member by its name; null: the text is no object. */
export function memberTexts(text: string): Map<string, string> | null {
  const members = new JsonMembers();
  if (members.scan(text, skipSpace(text, 0)) < 0) return null;
  const texts = new Map<string, string>();
  for (let i = 0; i < members.length; i++) texts.set(members.key(i), members.raw(i));
  return texts;
}

/** The text of an object of these members; null: there are none. */
export function objectText(
  members: Iterable<readonly [name: string, text: string]>,
): string | null {
  const texts = [...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return texts.length === 0 ? null : `{${texts.join()}}`;
}
