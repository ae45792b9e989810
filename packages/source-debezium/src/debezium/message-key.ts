/** Reads the primary key in a message's key, and gives the key as the log keeps it. */
import { isUtf8 } from "node:buffer";
import {
  copiedText,
  type JsonMembers,
  messageKeyReader,
  payloadReader,
  type RowDecoder,
} from "@tidemark/core/internal";
import type { Value } from "@tidemark/core/spi";
import type { KafkaMessage } from "../message/kafka-message.ts";
import { type KeyForm, keysInRows } from "./key-in-row.ts";
import { type ForeignFormat, wireFormat, withoutRegistryPrefix } from "./wire-format.ts";

/** Reads keys of one run. */
export interface MessageKeys {
  /** Reads the primary key in the message's key. Gives null if no key can be read. */
  ofMessage(decoder: RowDecoder, message: KafkaMessage): readonly Value[] | null;
  /** Reads the old primary key, which Debezium writes in a header if an update changes the key. */
  oldOfMessage(decoder: RowDecoder, message: KafkaMessage): readonly Value[] | null;
  /**
   * Compares a bare key with the primary key of its row. A transform may have put another column
   * there. Then no bare key of the topic is a primary key.
   */
  compare(decoder: RowDecoder, message: KafkaMessage, primaryKey: readonly Value[]): void;
  /**
   * Gives the key as the log keeps it: without the schema, and without the members that the row
   * repeats. null: it is no text.
   */
  logged(message: KafkaMessage, row: JsonMembers | null): LoggedKey | null;
  /** Says whether bare keys of the topic are another column's values. */
  areOtherColumns(topic: string): boolean;
}

/** A key as the log keeps it. */
export interface LoggedKey {
  /** The text; null: the row repeats the key. */
  readonly text: string | null;
  /** The text of the key's schema; null: it has none. */
  readonly schema: string | null;
  /** The members of a key that the row repeats. */
  readonly names?: readonly string[] | undefined;
}

const OLD_KEY = "__debezium.oldkey";

/** How many bare keys of a topic are compared with their rows. */
const COMPARED_KEYS = 1_000;

/** Makes the reader of keys. */
export function messageKeys(): MessageKeys {
  const read = messageKeyReader();
  const payload = payloadReader();
  const inRows = keysInRows();
  const compared = new Map<string, number>();
  /** Topics whose bare keys are another column's values. */
  const otherColumns = new Set<string>();

  const keys: MessageKeys = {
    ofMessage(decoder, message) {
      const { topic } = message;
      const text = keyText(message);
      const bareValues = !otherColumns.has(topic);
      return text === null ? null : read(decoder, text, { topic, bareValues, bareText: true });
    },

    oldOfMessage(decoder, { headers, topic }) {
      const text = oldKeyText(headers);
      if (text === null) return null;
      const options = { topic: `${topic} old key`, bareValues: true, bareText: false };
      return read(decoder, text, options);
    },

    compare(decoder, message, primaryKey) {
      const { topic, keyText } = message;
      if (keyText === null || keyText.startsWith("{")) return;
      const count = compared.get(topic) ?? 0;
      if (count >= COMPARED_KEYS) return;
      compared.set(topic, count + 1);
      const key = keys.ofMessage(decoder, message);
      if (key !== null && !key.every((value, k) => sameValue(value, primaryKey[k]!)))
        otherColumns.add(topic);
    },

    logged(message, row) {
      const text = keyText(message);
      if (text === null || !text.startsWith("{")) return plainKey(text);
      const { topic } = message;
      const known = row === null ? null : inRows.known(topic, text, row);
      if (known !== null) return repeatedKey(known);
      const kind = payload.read(text, topic);
      const schema = payload.schemaText();
      if (kind === "object") {
        const form = row === null ? null : inRows.read(topic, text, row, payload);
        if (form !== null) return repeatedKey(form);
        return schema === null ? plainKey(text) : { text: payload.members.object(), schema };
      }
      const other = kind === "other" ? payload.other() : null;
      return other === null || other.schema === null
        ? plainKey(text)
        : { text: copiedText(other.text), schema: other.schema };
    },

    areOtherColumns: (topic) => otherColumns.has(topic),
  };
  return keys;
}

const repeatedKey = ({ names, schema }: KeyForm): LoggedKey => ({ text: null, schema, names });

const plainKey = (text: string | null): LoggedKey | null =>
  text === null ? null : { text, schema: null };

/** Gives the text of the old key; null: the key did not change. */
export function oldKeyText(headers: KafkaMessage["headers"]): string | null {
  const text = headers[OLD_KEY];
  return typeof text === "string" ? text : null;
}

/** Gives the text of the message's key; null: there is none, or its bytes are no UTF-8. */
function keyText(message: KafkaMessage): string | null {
  const { keyText: given } = message;
  if (typeof given !== "string") return null;
  return textOf(withoutRegistryPrefix(given, () => message.key) ?? given, () => message.key);
}

/** Names the format of a key in the bytes of another converter; null: the key is text. */
export function keyFormat({ key, keyText }: KafkaMessage): ForeignFormat | null {
  if (key === null || keyText === null || key.length === 0 || key[0]! >= 0x20) return null;
  return withoutRegistryPrefix(keyText, () => key) === null ? wireFormat(key) : null;
}

function sameValue(a: Value, b: Value): boolean {
  return a === b || (a instanceof Uint8Array && b instanceof Uint8Array && a.join() === b.join());
}

/** Gives the text of a key, or null if its bytes are no UTF-8. */
function textOf(key: string | Uint8Array, bytes: () => Uint8Array | null): string | null {
  if (typeof key === "string" && !key.includes("\uFFFD")) return key;
  const all = typeof key === "string" ? bytes() : key;
  if (all !== null && !isUtf8(all)) return null;
  return typeof key === "string" ? key : Buffer.from(key).toString("utf8");
}
