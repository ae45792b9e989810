/** The inputs for entity keys, and their values as the API takes them. */
import type { ColumnJson } from "../api/types.ts";
import type { JsonValue } from "./json-value.ts";
import { TextField } from "./field.tsx";

/** The texts of keys by name. */
export type KeyTexts = Readonly<Record<string, string>>;

export function EntityFields({
  keys,
  texts,
  onTexts,
}: {
  readonly keys: readonly ColumnJson[];
  readonly texts: KeyTexts;
  readonly onTexts: (texts: KeyTexts) => void;
}): preact.JSX.Element {
  return (
    <>
      {keys.map(({ name, type }) => (
        <TextField
          key={name}
          label={`${name} (${type})`}
          value={texts[name] ?? ""}
          onValue={(text) => onTexts({ ...texts, [name]: text })}
          required={type !== "string"}
        />
      ))}
    </>
  );
}

/** Returns the value of a key for the JSON API. The server checks it, and says what is wrong. */
function keyValue({ type }: ColumnJson, text: string): JsonValue {
  if (type === "float64" || type === "int32")
    return Number.isNaN(Number(text)) ? text : Number(text);
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

/** Returns the entity of a request. */
export function entityOf(
  keys: readonly ColumnJson[],
  texts: KeyTexts,
): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(keys.map((key) => [key.name, keyValue(key, texts[key.name] ?? "")]));
}

const PREFIX = "key.";

/** Reads the keys of a page's address. */
export function keyTextsOf(query: URLSearchParams): KeyTexts {
  return Object.fromEntries(
    [...query].flatMap(([name, text]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), text] as const] : [],
    ),
  );
}

/** Returns the keys as members of a page's address. */
export function keyQuery(texts: KeyTexts): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [PREFIX + name, text]));
}

/** The texts of these keys alone. A key without a text is empty. */
export function textsOfKeys(keys: readonly ColumnJson[], texts: KeyTexts): KeyTexts {
  return Object.fromEntries(keys.map(({ name }) => [name, texts[name] ?? ""]));
}

/** Returns whether every key is in the address. */
export function hasKeys(keys: readonly ColumnJson[], texts: KeyTexts): boolean {
  return keys.every(({ name }) => texts[name] !== undefined);
}
