/**
 * Finds the payload of a key or a value: the text itself, or what `{"schema": …, "payload": …}`
 * wraps.
 */
import { type RowSchema, rowSchema } from "./connect-schema.ts";
import { JsonMembers, NULL, OBJECT, skipSpace, skipValue } from "./json-text.ts";

export type PayloadKind = "object" | "null" | "other" | "not json";

export interface PayloadReader {
  /** The members of the payload, when it is an object. */
  readonly members: JsonMembers;
  /** The schema it came with; null: none. */
  schema(): RowSchema | null;
  /** Reads one text; `topic` names what it is likely to resemble. */
  read(text: string, topic: string): PayloadKind;
}

/**
 * What the messages of a topic begin with up to the payload: most of the text, and the same for
 * nearly all of them.
 */
interface PayloadPrefix {
  readonly text: string;
  readonly schema: RowSchema | null;
}

const MAX_SCHEMAS = 1_000;

/** `members` is what payloads are read into. */
export function payloadReader(members: JsonMembers = new JsonMembers()): PayloadReader {
  const prefixes = new Map<string, PayloadPrefix>();
  const schemas = new Map<string, RowSchema>();
  let schema: RowSchema | null = null;

  const schemaOf = (text: string): RowSchema => {
    let known = schemas.get(text);
    if (known === undefined) {
      known = rowSchema(text);
      if (schemas.size >= MAX_SCHEMAS) schemas.clear();
      schemas.set(text, known);
    }
    return known;
  };
  const endsAfter = (text: string, at: number, closing: boolean): boolean => {
    at = skipSpace(text, at);
    if (!closing) return at === text.length;
    return text.charCodeAt(at) === 0x7d && skipSpace(text, at + 1) === text.length;
  };

  return {
    members,
    schema: () => schema,

    read(text, topic) {
      const prefix = prefixes.get(topic);
      // A slice compared is ten times as fast as startsWith.
      if (prefix !== undefined && text.slice(0, prefix.text.length) === prefix.text) {
        schema = prefix.schema;
        const end = members.scan(text, prefix.text.length);
        if (end >= 0 && endsAfter(text, end, true)) return "object";
      }
      schema = null;
      const start = skipSpace(text, 0);
      if (text.charCodeAt(start) !== 0x7b) {
        const end = skipValue(text, start);
        return end < 0 || !endsAfter(text, end, false)
          ? "not json"
          : text.startsWith("null", start)
            ? "null"
            : "other";
      }
      const end = members.scan(text, start);
      if (end < 0 || !endsAfter(text, end, false)) return "not json";
      const [s, p] = [members.find("schema"), members.find("payload")];
      if (
        members.length !== 2 ||
        s < 0 ||
        p < 0 ||
        (members.kind(s) !== OBJECT && members.kind(s) !== NULL)
      )
        return "object";
      if (members.kind(s) === OBJECT) schema = schemaOf(members.raw(s));
      if (members.kind(p) !== OBJECT) return members.kind(p) === NULL ? "null" : "other";
      const at = members.start(p);
      if (p > s) prefixes.set(topic, { text: text.slice(0, at), schema });
      members.scan(text, at);
      return "object";
    },
  };
}
