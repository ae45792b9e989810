/** The change sources of the package, with Debezium's decoder where no other is given. */
import { TidemarkError } from "@tidemark/core";
import { type DebeziumOptions, debeziumDecoder } from "./debezium/debezium-decoder.ts";
import { type KafkaChanges, kafkaSource, type KafkaSourceOptions } from "./kafka/kafka-source.ts";
import type { MessageDecoder } from "./message/message-decoder.ts";
import {
  recordedSource,
  type RecordedSourceOptions,
  type RecordedTopic,
} from "./recorded/recorded-topic.ts";

interface DecoderOptions extends DebeziumOptions {
  /**
   * Reads other messages than Debezium's; without it, Debezium's are read with the options here.
   */
  readonly decoder?: MessageDecoder | undefined;
}

/** Settings of `kafkaChanges`. */
export interface KafkaChangesOptions extends KafkaSourceOptions, DecoderOptions {}

/** Settings of `recordedTopic`. */
export interface RecordedTopicOptions extends RecordedSourceOptions, DecoderOptions {}

/**
 * Reads changes from topics of Kafka. Positions lie with the state in the stores, and nothing is
 * committed to Kafka, so a run may be killed and started again.
 *
 * @throws LOG_LOST when the log lost what was not read, before anything of its topic is given.
 * @throws TOPIC_RECREATED when the log is not the one that was read, before anything of it is
 * given.
 * @throws DECODER_TWICE when a decoder and options of Debezium's decoder are both given.
 * @example
 * await store.run(kafkaChanges({ brokers: ["localhost:9092"], topics: /^bank\.public\./ }), { signal });
 */
export function kafkaChanges(options: KafkaChangesOptions): KafkaChanges {
  return kafkaSource(options, decoderOf(options, "kafkaChanges"));
}

/**
 * Reads changes from `.jsonl` or `.jsonl.gz` files, one Kafka message a line, in the order given.
 * Lines may mix topics and partitions; within a partition offsets ascend, over all files. A message
 * that comes again at its offset is passed over.
 *
 * @throws TOPIC_LINE_INVALID when a line is no message, or another message than before at its
 * offset.
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
  { decoder, tables, times, toastMarker }: DecoderOptions,
  who: string,
): MessageDecoder {
  if (decoder === undefined) return debeziumDecoder({ tables, times, toastMarker });
  if (tables !== undefined || times !== undefined || toastMarker !== undefined)
    throw new TidemarkError(
      "DECODER_TWICE",
      `${who}: tables, times and toastMarker are options of Debezium's decoder, and ` +
        `another decoder (${decoder.name}) is given; leave them out, or pass ` +
        "debeziumDecoder({ tables, times, toastMarker })",
    );
  return decoder;
}
