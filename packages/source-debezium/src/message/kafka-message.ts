/** One message of a topic, as a change source hands it to a decoder. */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * A Kafka message. `key` and `value` are bytes; `keyText` and `valueText` are the same bytes as
 * text. Each form is made when it is read.
 */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time in ms; null: the message has none. */
  readonly timestamp: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The key, read as UTF-8. */
  readonly keyText: string | null;
  /** The value, read as UTF-8. */
  readonly valueText: string | null;
  /** The headers, read as UTF-8. Of several headers with one name, the last. */
  readonly headers: Readonly<Record<string, string | null>>;
  /** Every header as bytes, in order. A name may come several times. */
  readonly headerBytes: readonly HeaderBytes[];
}

/** One header of a message. */
export type HeaderBytes = readonly [name: string, value: Uint8Array | null];

/** The parts that `kafkaMessage` makes a message of. */
export interface KafkaMessageParts {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** −1 is Kafka's sign for no time. */
  readonly timestamp: number | null;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  /** The headers as texts by their names, or as pairs of a name and a text or bytes. */
  readonly headers?:
    | Readonly<Record<string, string | null>>
    | readonly (readonly [name: string, value: string | Uint8Array | null])[]
    | undefined;
}

/**
 * Makes a message from a key and a value that are text or bytes, for the tests of a decoder.
 *
 * @example
 * const message = kafkaMessage({
 *   topic: "payments", partition: 0, offset: 0, timestamp: 0, key: "1", value: "{}",
 * });
 */
export function kafkaMessage(parts: KafkaMessageParts): KafkaMessage {
  return new MessageOfParts(parts);
}

class MessageOfParts implements KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | null;
  readonly headers: Readonly<Record<string, string | null>>;
  private readonly givenKey: string | Uint8Array | null;
  private readonly givenValue: string | Uint8Array | null;
  private readonly givenHeaders: KafkaMessageParts["headers"];
  private text: string | null | undefined;
  private textOfKey: string | null | undefined;

  constructor({ topic, partition, offset, timestamp, key, value, headers }: KafkaMessageParts) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = messageTime(timestamp);
    this.headers = headerTexts(headers);
    this.givenKey = key;
    this.givenValue = value;
    this.givenHeaders = headers;
  }

  get key(): Uint8Array | null {
    return bytesOf(this.givenKey);
  }

  get value(): Uint8Array | null {
    return bytesOf(this.givenValue);
  }

  get keyText(): string | null {
    return (this.textOfKey ??= textOf(this.givenKey));
  }

  get valueText(): string | null {
    return (this.text ??= textOf(this.givenValue));
  }

  get headerBytes(): readonly HeaderBytes[] {
    const given = this.givenHeaders ?? {};
    const pairs = isPairs(given) ? given : Object.entries(given);
    return pairs.map(([name, value]) => [name, bytesOf(value)]);
  }
}

/** The broker's time of a message. Kafka writes −1 where a message has no time. */
export function messageTime(timestamp: number | null): number | null {
  return timestamp === null || Number.isNaN(timestamp) || timestamp === -1 ? null : timestamp;
}

function isPairs(
  headers: NonNullable<KafkaMessageParts["headers"]>,
): headers is Extract<NonNullable<KafkaMessageParts["headers"]>, readonly unknown[]> {
  return Array.isArray(headers);
}

const NO_HEADERS: KafkaMessage["headers"] = {};

function headerTexts(headers: KafkaMessageParts["headers"]): KafkaMessage["headers"] {
  if (headers === undefined) return NO_HEADERS;
  if (!isPairs(headers)) return headers;
  if (headers.length === 0) return NO_HEADERS;
  return Object.fromEntries(headers.map(([name, value]) => [name, textOf(value)]));
}

function bytesOf(given: string | Uint8Array | null): Uint8Array | null {
  return typeof given === "string" ? Buffer.from(given, "utf8") : given;
}

function textOf(given: string | Uint8Array | null): string | null {
  if (given === null || typeof given === "string") return given;
  const bytes = Buffer.isBuffer(given)
    ? given
    : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  return bytes.toString("utf8");
}

/**
 * Says whether the value is UTF-8. A text without U+FFFD shows that it is, so that the bytes are
 * rarely read again.
 */
export const isUtf8Value = ({ value, valueText }: KafkaMessage): boolean =>
  valueText === null || !valueText.includes("\uFFFD") || value === null || isUtf8(value);

/** `topic:partition`, as positions name it. */
export const partitionName = ({
  topic,
  partition,
}: Pick<KafkaMessage, "topic" | "partition">): string => `${topic}:${partition}`;

/** The topic of a partition, as positions name it. */
export const topicOfPartition = (partition: string): string =>
  partition.slice(0, partition.lastIndexOf(":"));

/** Makes the fingerprint of a message from the broker's time and the key. */
export function messageFingerprint({
  timestamp,
  keyText,
}: Pick<KafkaMessage, "timestamp" | "keyText">): string {
  const hash =
    keyText === null ? "" : createHash("sha256").update(keyText).digest("base64url").slice(0, 16);
  return `${timestamp ?? ""}:${hash}`;
}
