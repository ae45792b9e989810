/** Reads the primary key in the text of a message's key, in each form that converters write. */
import type { Value } from "../../specs.ts";
import { withoutUnions } from "./avro-json.ts";
import { rowSchema } from "./connect-schema.ts";
import { jsonInString, JsonMembers, OBJECT } from "./json-text.ts";
import { payloadReader } from "./payload.ts";
import type { RowDecoder } from "./row-decoder.ts";

/** Says what the text of a key may be. */
export interface KeyTextOptions {
  /** The topic, or another name: texts of one name are likely to begin alike. */
  readonly topic: string;
  /** Whether the text may be the bare value of a single key column. */
  readonly bareValues: boolean;
  /** Whether the text may be no JSON. A header's text is JSON. */
  readonly bareText: boolean;
}

/** Reads the primary key in the text of a key. Gives null if none can be read. */
export type MessageKeyReader = (
  decoder: RowDecoder,
  text: string,
  options: KeyTextOptions,
) => readonly Value[] | null;

/** Text that the StringConverter writes of a struct with one field. */
const STRUCT_TEXT = /^Struct\{([^=]+)=(.*)\}$/s;

/** Makes a reader of keys. */
export function messageKeyReader(): MessageKeyReader {
  const payload = payloadReader();
  const bare = new JsonMembers();

  /** Reads a struct, or the bare value of a single key column. */
  const read: MessageKeyReader = (decoder, text, options) => {
    const { topic, bareValues, bareText } = options;
    switch (payload.read(text, topic)) {
      case "object":
        return structKey(decoder, payload.members, payload.schema()) ?? unionKey(decoder, text);
      case "other": {
        const other = payload.other();
        const inner = jsonInString(other.text);
        if (inner !== null) return read(decoder, inner, options);
        return bareValues ? bareKey(decoder, other.text, other.schema) : null;
      }
      case "not json":
        return bareText && bareValues ? textKey(decoder, text) : null;
      case "null":
        return null;
    }
  };

  /** Reads a key in Avro's JSON encoding. */
  const unionKey = (decoder: RowDecoder, text: string): readonly Value[] | null => {
    const plain = withoutUnions(text);
    return bare.scan(plain, 0) < 0 ? null : structKey(decoder, bare, null);
  };

  /** Reads the JSON of a single key column's value. */
  const bareKey = (
    decoder: RowDecoder,
    json: string,
    schema: string | null,
  ): readonly Value[] | null => {
    const column = onlyKeyColumn(decoder);
    if (column === null || json.startsWith("[")) return null;
    bare.scan(`{${JSON.stringify(column)}:${json}}`, 0);
    const field = schema === null ? null : fieldSchema(schema, column);
    return decoder.key(bare, field === null ? null : rowSchema(field));
  };

  /** Reads text that is not JSON, as the StringConverter writes it. */
  const textKey = (decoder: RowDecoder, text: string): readonly Value[] | null => {
    const column = onlyKeyColumn(decoder);
    // oxlint-disable-next-line no-control-regex
    if (column === null || text === "" || /^[\s{["]|[\u0000-\u001f\ufffd]/.test(text)) return null;
    const [, name, value] = STRUCT_TEXT.exec(text) ?? [];
    if (name === undefined) return bareKey(decoder, JSON.stringify(text), null);
    return name === column ? bareKey(decoder, JSON.stringify(value), null) : null;
  };

  return read;
}

/** Reads a struct whose text columns hold no objects: an object is no key that a row has. */
function structKey(
  decoder: RowDecoder,
  members: JsonMembers,
  schema: Parameters<RowDecoder["key"]>[1],
): readonly Value[] | null {
  const { columns, primaryKey } = decoder.source;
  const holdsObject = columns.some(({ name, database, type }) => {
    if (type !== "string" || !primaryKey.includes(name)) return false;
    const i = members.find(database);
    return i >= 0 && members.kind(i) === OBJECT;
  });
  return holdsObject ? null : decoder.key(members, schema);
}

function onlyKeyColumn({ source: { columns, primaryKey } }: RowDecoder): string | null {
  if (primaryKey.length !== 1) return null;
  return columns.find(({ name }) => name === primaryKey[0])!.database;
}

/** Makes the schema of a struct whose only field has this schema. */
function fieldSchema(schema: string, field: string): string {
  const json = JSON.parse(schema) as object | null;
  return JSON.stringify({ type: "struct", fields: [{ ...json, field }] });
}
