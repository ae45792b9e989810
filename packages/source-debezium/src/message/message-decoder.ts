/** The interface between a log and a format of messages. Types only. */
import type { Change, SourceSpec } from "@tidemark/core/spi";
import type { KafkaMessage } from "./kafka-message.ts";

/** Receives a warning, such as about something that a log loses without an error. */
export type OnWarning = (warning: { readonly code: string; readonly message: string }) => void;

/**
 * A format of messages. `kafkaChanges` and `recordedTopic` give each message to the decoder of
 * their run. `debeziumDecoder` is the default. `rowChange` helps to write another decoder.
 *
 * @example
 * const decoder: MessageDecoder = {
 *   name: "payments as JSON",
 *   start({ sources }) {
 *     const payments = sources.find(({ name }) => name === "payments");
 *     return {
 *       decode(message) {
 *         if (payments === undefined || message.topic !== "payments") return null;
 *         return rowChange(payments, message, { row: JSON.parse(message.valueText ?? "null") });
 *       },
 *     };
 *   },
 * };
 */
export interface MessageDecoder {
  /** What the decoder reads, for errors: `Debezium`. */
  readonly name: string;
  /**
   * Says by the topic's name whether the topic holds rows of these sources. If it does, a Kafka
   * topic without its beginning is refused at once with `LOG_LOST`. Without this method, or with
   * false, the first message of a source decides.
   */
  holds?(topic: string, sources: readonly SourceSpec[]): boolean;
  /** Starts the decoder of a run, or of an independent reader of the run, for these sources. */
  start(options: {
    readonly sources: readonly SourceSpec[];
    readonly onWarning: OnWarning;
  }): RunningDecoder;
}

/** The decoder of one run. It sees the messages of a partition in the order of their offsets. */
export interface RunningDecoder {
  /**
   * Decodes one message into the change of its row, or gives null for a message of no declared
   * source. The change source counts those messages as `skipped`. A message gives at most one
   * change.
   *
   * The topic, the partition and the offset of a change are those of its message. A row that cannot
   * be read is a change too (`undecodable`, `invalidColumns`): the row is quarantined, and the run
   * goes on. A thrown error ends the run.
   */
  decode(message: KafkaMessage): Change | null;
}
