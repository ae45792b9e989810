/** Makes the message that decoders get of a message that kafkajs fetched. */
import type { KafkaMessage } from "kafkajs";
import {
  type HeaderBytes,
  type KafkaMessage as Message,
  kafkaMessage,
} from "../message/kafka-message.ts";
import type { KafkaPartition } from "./kafka-partition.ts";

export function messageOf(
  { topic, partition }: Pick<KafkaPartition, "topic" | "partition">,
  { offset, timestamp, key, value, headers = {} }: KafkaMessage,
): Message {
  return kafkaMessage({
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key,
    value,
    headers: headerPairs(headers),
  });
}

function headerPairs(headers: NonNullable<KafkaMessage["headers"]>): HeaderBytes[] {
  return Object.entries(headers).flatMap(([name, given]) =>
    [given]
      .flat()
      .map((value): HeaderBytes => [
        name,
        value === undefined || value === null ? null : Buffer.from(value as Buffer),
      ]),
  );
}
