/** The change sources of the package. Their default decoder is Debezium's. */
import { TidemarkError } from "@tidemark/core";
import { debeziumDecoder } from "./debezium/debezium-decoder.ts";
import type { DebeziumOptions } from "./debezium/debezium-options.ts";
import type { KafkaSourceOptions } from "./kafka/kafka-options.ts";
import { type KafkaChanges, kafkaSource } from "./kafka/kafka-source.ts";
import type { MessageDecoder } from "./message/message-decoder.ts";
import {
  recordedSource,
  type RecordedSourceOptions,
  type RecordedTopic,
} from "./recorded/recorded-topic.ts";

interface DecoderOptions extends DebeziumOptions {
  /** The decoder of the messages. Without it, Debezium's decoder reads them with these options. */
  readonly decoder?: MessageDecoder | undefined;
}

/** The options of `kafkaChanges`. */
export interface KafkaChangesOptions extends KafkaSourceOptions, DecoderOptions {}

/** The options of `recordedTopic`. */
export interface RecordedTopicOptions extends RecordedSourceOptions, DecoderOptions {}

/**
 * Reads changes from Kafka topics. The stores keep the positions together with their state, and
 * nothing is committed to Kafka. So a run may be killed and started again.
 *
 * A run throws these errors before it gives any change of the partition:
 *
 * @throws LOG_LOST when the log lost messages that were not read.
 * @throws TOPIC_RECREATED when the log is not the one of the stored position.
 * @throws DECODER_TWICE when a decoder and options of Debezium's decoder are both given.
 * @example
 * const changes = kafkaChanges({ brokers: ["localhost:9092"], topics: /^bank\.public\./ });
 * await store.run(changes, { signal });
 */
export function kafkaChanges(options: KafkaChangesOptions): KafkaChanges {
  return kafkaSource(options, decoderOf(options, "kafkaChanges"));
}

/**
 * Reads changes from `.jsonl` or `.jsonl.gz` files in the given order. A line is one Kafka message.
 * Lines may mix topics and partitions. Within a partition offsets ascend, over all files. A message
 * that comes again at its offset is skipped.
 *
 * @throws TOPIC_LINE_INVALID when a line is no message, or differs from an earlier message at its
 * offset.
 * @throws LOG_LOST when the files lack messages after a stored position.
 * @throws TOPIC_RECREATED when a stored position is of another recording.
 * @throws DECODER_TWICE when a decoder and options of Debezium's decoder are both given.
 * @example
 * await store.run(recordedTopic(["transactions.jsonl", "cards.jsonl.gz"]));
 */
export function recordedTopic(
  paths: string | readonly string[],
  options: RecordedTopicOptions = {},
): RecordedTopic {
  return recordedSource(paths, options, decoderOf(options, "recordedTopic"));
}

function decoderOf(
  { decoder, tables, times, servers, toastMarker }: DecoderOptions,
  who: string,
): MessageDecoder {
  if (decoder === undefined) return debeziumDecoder({ tables, times, servers, toastMarker });
  if ([tables, times, servers, toastMarker].some((option) => option !== undefined))
    throw new TidemarkError(
      "DECODER_TWICE",
      `${who}: tables, times, servers and toastMarker are options of Debezium's decoder, and ` +
        `another decoder (${decoder.name}) is given; leave them out, or pass ` +
        "debeziumDecoder({ tables, times, servers, toastMarker })",
    );
  return decoder;
}
