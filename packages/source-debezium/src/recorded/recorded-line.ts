/**
 * Reads one line of a recorded topic: `{topic, partition, offset, timestamp, key, value, headers}`.
 * Key and value are the text of the Kafka message.
 */
import { TidemarkError } from "@tidemark/core";
import { type KafkaMessage, kafkaMessage } from "../message/kafka-message.ts";

/** What a line of a recorded topic holds as JSON. Partition, offset and timestamp may be text. */
export interface RecordedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/**
 * Reads the message of a line.
 *
 * @throws TOPIC_LINE_INVALID when the line is no message; the error names the file and the line.
 */
export function recordedMessage(line: string, path: string, number: number): KafkaMessage {
  const invalid = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "TOPIC_LINE_INVALID",
      `${path}:${number}: ${what}; a line holds {"topic", "partition", "offset", "timestamp", ` +
        `"key", "value", "headers"}`,
      { cause },
    );
  let json: Readonly<Record<string, unknown>>;
  try {
    json = JSON.parse(line) as typeof json;
  } catch (cause) {
    throw invalid("not JSON", cause);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid("not a JSON object");
  const { topic, key, value } = json;
  const text = (name: "key" | "value", field: unknown): string | null => {
    if (field === null || typeof field === "string") return field;
    throw invalid(field === undefined ? `no "${name}"` : `"${name}" is neither text nor null`);
  };
  const integer = (name: "partition" | "offset" | "timestamp"): number => {
    const field = json[name];
    const number = typeof field === "string" && /^-?\d+$/.test(field) ? Number(field) : field;
    if (Number.isSafeInteger(number) && (name === "timestamp" || (number as number) >= 0))
      return number as number;
    throw invalid(
      field === undefined ? `no "${name}"` : `"${name}" is no integer: ${JSON.stringify(field)}`,
    );
  };
  if (typeof topic !== "string" || topic === "") throw invalid('no "topic"');
  return kafkaMessage({
    topic,
    partition: integer("partition"),
    offset: integer("offset"),
    timestamp: (json["timestamp"] ?? null) === null ? null : integer("timestamp"),
    key: text("key", key),
    value: text("value", value),
    headers: headersOf(json["headers"]),
  });
}

function headersOf(field: unknown): KafkaMessage["headers"] {
  if (typeof field !== "object" || field === null) return {};
  return Object.fromEntries(
    Object.entries(field).filter(
      (entry): entry is [string, string | null] =>
        typeof entry[1] === "string" || entry[1] === null,
    ),
  );
}
