/**
 * Reads and writes one line of a recorded topic: `{topic, partition, offset, timestamp, key, value,
 * headers}`. Key and value are the text of the Kafka message, or its bytes in base64. Lines of
 * `kcat -J` are read too.
 */
import { isUtf8 } from "node:buffer";
import { TidemarkError } from "@tidemark/core";
import { fromBase64, toBase64 } from "@tidemark/core/internal";
import {
  type KafkaMessage,
  type KafkaMessageParts,
  kafkaMessage,
} from "../message/kafka-message.ts";
import { memberText } from "./member-text.ts";
import { explainOtherLine } from "./other-lines.ts";

/**
 * What a line of a recorded topic holds as JSON. Partition, offset and timestamp may be text. A
 * header that is not UTF-8 is `{ base64 }`. A header that comes several times is a list.
 */
export interface RecordedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | null;
  /** The key as text; null: the message has none, or `keyBase64` holds it. */
  readonly key: string | null;
  /** The bytes of a key that is not UTF-8. */
  readonly keyBase64?: string | undefined;
  /** The value as text; null: the message has none, or `valueBase64` holds it. */
  readonly value: string | null;
  /** The bytes of a value that is not UTF-8. */
  readonly valueBase64?: string | undefined;
  readonly headers: Readonly<Record<string, string | null>>;
}

type RecordedHeader = string | null | { readonly base64: string };

/** One line of a file, and where it is. */
export interface RecordedText {
  /** The bytes, if the line is not UTF-8. */
  readonly text: string | Buffer;
  /** `file:line`. */
  readonly location: string;
  /** Whether the line has a line end. A line without one may be cut off. */
  readonly ended: boolean;
}

type Bytes = string | Uint8Array | null;
type Json = Readonly<Record<string, unknown>>;

/** Matches an escape of a character beyond ASCII. */
const ESCAPE_BEYOND_ASCII = /(?<!\\)(?:\\\\)*\\u(?!00[0-7])/i;

const BEYOND_ASCII = /[^\0-\x7f]/;
const HALF_CHARACTER = /\p{Surrogate}/u;

/**
 * Reads the message of a line.
 *
 * @throws TOPIC_LINE_INVALID when the line is no message; the error names the file and the line.
 */
export function recordedMessage({ text, location, ended }: RecordedText): KafkaMessage {
  // kcat writes the bytes of a message as they are. Each byte is then one character of the text.
  const isText = typeof text === "string";
  const line = isText ? text : text.toString("latin1");
  const invalid = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "TOPIC_LINE_INVALID",
      `${location}: ${what}; a line holds {"topic", "partition", "offset", "timestamp", ` +
        '"key", "value", "headers"}, as tidemark record and kcat -J write it',
      { cause },
    );
  let json: Json;
  try {
    json = JSON.parse(line) as Json;
  } catch (cause) {
    throw invalid(explainOtherLine(line, { ended }) ?? "not JSON", cause);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid(explainOtherLine(line, { json }) ?? "not a JSON object");
  if (!isText && ESCAPE_BEYOND_ASCII.test(line))
    throw invalid("the line is not UTF-8 and has escapes, so its bytes cannot be known");

  const bytesOf = (what: string, field: string): Bytes => {
    if (!isText) return Buffer.from(field, "latin1");
    if (!HALF_CHARACTER.test(field)) return field;
    throw invalid(
      `${what} holds half a character, which no bytes of a message are; write its bytes as base64`,
    );
  };
  const base64 = (what: string, field: unknown): Uint8Array => {
    const bytes = typeof field === "string" ? fromBase64(field) : null;
    if (bytes === null) throw invalid(`${what} is not base64`);
    return bytes;
  };
  const content = (member: string, name: "key" | "value"): Bytes => {
    const field = json[member];
    const packed = json[`${name}Base64`];
    if (packed !== undefined) {
      if ((field ?? null) !== null) throw invalid(`"${name}" and "${name}Base64" are both given`);
      return base64(`"${name}Base64"`, packed);
    }
    if (typeof field === "string") return bytesOf(`"${member}"`, field);
    if (field === null) {
      // kcat writes null, and the reason beside it, for Avro that it could not decode.
      const failed = json[`${member}_error`];
      if (failed === undefined) return null;
      throw invalid(`kcat could not decode "${member}"; record the topic without its option -s`);
    }
    if (field === undefined) throw invalid(explainOtherLine(line, { json }) ?? `no "${member}"`);
    // Key or value as JSON instead of its text. Their own characters keep every digit.
    return bytesOf(`"${member}"`, memberText(line, member));
  };
  const integer = (member: string): number => {
    const field = json[member];
    const number = typeof field === "string" && /^-?\d+$/.test(field) ? Number(field) : field;
    const isTime = member === "timestamp" || member === "ts";
    if (Number.isSafeInteger(number) && (isTime || (number as number) >= 0))
      return number as number;
    throw invalid(
      field === undefined
        ? (explainOtherLine(line, { json }) ?? `no "${member}"`)
        : `"${member}" is no integer: ${JSON.stringify(field)}`,
    );
  };
  const header = (name: string, field: unknown): Bytes => {
    if (field === null) return null;
    if (typeof field === "string") return bytesOf(`header "${name}"`, field);
    const packed = typeof field === "object" ? (field as Json)["base64"] : undefined;
    if (packed !== undefined) return base64(`header "${name}"`, packed);
    throw invalid(`header "${name}" is neither text nor null nor {"base64"}`);
  };

  const { topic } = json;
  if (typeof topic !== "string" || topic === "")
    throw invalid(explainOtherLine(line, { json }) ?? 'no "topic"');
  const time = (json["timestamp"] ?? null) === null ? "ts" : "timestamp";
  const isKcat = json["value"] === undefined && json["valueBase64"] === undefined;
  return kafkaMessage({
    topic,
    partition: integer("partition"),
    offset: integer("offset"),
    timestamp: (json[time] ?? null) === null ? null : integer(time),
    key: content("key", "key"),
    value: content(isKcat && json["payload"] !== undefined ? "payload" : "value", "value"),
    headers: headersOf(json["headers"], header, invalid),
  });
}

/**
 * Reads headers: an object of names; kcat's list of names and values in turn; or a list of objects
 * with `key` and `value`.
 */
function headersOf(
  given: unknown,
  header: (name: string, field: unknown) => Bytes,
  invalid: (what: string) => TidemarkError,
): KafkaMessageParts["headers"] {
  if (given === undefined || given === null) return undefined;
  if (isTexts(given)) return given;
  const pairs: (readonly [string, Bytes])[] = [];
  const add = (name: unknown, field: unknown): void => {
    if (typeof name !== "string") throw invalid("a header has no name");
    pairs.push([name, header(name, field)]);
  };
  if (Array.isArray(given)) {
    const list: readonly unknown[] = given;
    for (let i = 0; i < list.length;) {
      const item = list[i++];
      if (typeof item === "object" && item !== null && !Array.isArray(item))
        add((item as Json)["key"], (item as Json)["value"] ?? null);
      else if (i < list.length) add(item, list[i++]);
      else throw invalid("the list of headers ends with a name");
    }
    return pairs;
  }
  if (typeof given !== "object") throw invalid('"headers" is neither an object nor a list');
  for (const [name, field] of Object.entries(given))
    for (const one of Array.isArray(field) ? (field as readonly unknown[]) : [field])
      add(name, one);
  return pairs;
}

/** Says whether headers are an object of texts, as almost all are. */
function isTexts(given: unknown): given is Readonly<Record<string, string>> {
  if (typeof given !== "object" || Array.isArray(given)) return false;
  for (const name in given) {
    const field = (given as Json)[name];
    if (typeof field !== "string" || BEYOND_ASCII.test(field)) return false;
  }
  return true;
}

/**
 * Writes a message as a line of a recording, without a line end. `recordedTopic` reads the line as
 * the same message, to the byte.
 *
 * @example
 * const message = kafkaMessage({
 *   topic: "payments", partition: 0, offset: 0, timestamp: 0, key: "1", value: "{}",
 * });
 * const line = recordedLine(message);
 */
export function recordedLine(message: KafkaMessage): string {
  const { topic, partition, offset, timestamp } = message;
  const headers = new Map<string, RecordedHeader[]>();
  for (const [name, bytes] of message.headerBytes) {
    const value = bytes === null ? null : (utf8Text(bytes) ?? { base64: toBase64(bytes) });
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    ...contentMembers("key", message.key),
    ...contentMembers("value", message.value),
    headers: Object.fromEntries(
      [...headers].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
    ),
  });
}

function contentMembers<Name extends "key" | "value">(
  name: Name,
  bytes: Uint8Array | null,
): Record<Name, string | null> {
  const text = bytes === null ? null : utf8Text(bytes);
  return {
    [name]: text,
    ...(bytes === null || text !== null ? {} : { [`${name}Base64`]: toBase64(bytes) }),
  } as Record<Name, string | null>;
}

/** The text of UTF-8 bytes; null for other bytes. */
function utf8Text(bytes: Uint8Array): string | null {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    : null;
}
