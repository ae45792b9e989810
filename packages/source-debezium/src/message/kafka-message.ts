/** One message of a topic, as a change source hands it to a decoder. */
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
  readonly headers: Readonly<Record<string, string | null>>;
}

/** The parts that `kafkaMessage` makes a message of. */
export interface KafkaMessageParts {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | null;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | null>> | undefined;
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
  private text: string | null | undefined;

  constructor({ topic, partition, offset, timestamp, key, value, headers }: KafkaMessageParts) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.headers = headers ?? {};
    this.givenKey = key;
    this.givenValue = value;
  }

  get key(): Uint8Array | null {
    return bytesOf(this.givenKey);
  }

  get value(): Uint8Array | null {
    return bytesOf(this.givenValue);
  }

  get keyText(): string | null {
    return textOf(this.givenKey);
  }

  get valueText(): string | null {
    return (this.text ??= textOf(this.givenValue));
  }
}

function bytesOf(given: string | Uint8Array | null): Uint8Array | null {
  return typeof given === "string" ? Buffer.from(given, "utf8") : given;
}

function textOf(given: string | Uint8Array | null): string | null {
  if (given === null || typeof given === "string") return given;
  return Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString("utf8");
}

/** `topic:partition`, as positions name it. */
export const partitionName = ({
  topic,
  partition,
}: Pick<KafkaMessage, "topic" | "partition">): string => `${topic}:${partition}`;

/** Makes the fingerprint of a message from the broker's time and the key. */
export function messageFingerprint({
  timestamp,
  keyText,
}: Pick<KafkaMessage, "timestamp" | "keyText">): string {
  const hash =
    keyText === null ? "" : createHash("sha256").update(keyText).digest("base64url").slice(0, 16);
  return `${timestamp ?? ""}:${hash}`;
}
