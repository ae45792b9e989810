/** The interface between a log of messages and a format of messages. Types only. */
import type { Change, SourceSpec } from "@tidemark/core/spi";
import type { KafkaMessage } from "./kafka-message.ts";

/** Tells of something that a log loses without an error. */
export type OnWarning = (warning: { readonly code: string; readonly message: string }) => void;

/**
 * A format of messages. `kafkaChanges` and `recordedTopic` read messages and give each to the
 * decoder of their run. `debeziumDecoder` is the default. `rowChange` helps to write one.
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
   * Whether the topic holds rows of these sources, as far as its name says. A Kafka topic that does
   * is refused with `LOG_LOST` if its beginning is gone. Without this method, or with false, the
   * first message of a source decides.
   */
  holds?(topic: string, sources: readonly SourceSpec[]): boolean;
  /** Starts a run, or an independent reader of it, for these sources. */
  start(options: {
    readonly sources: readonly SourceSpec[];
    readonly onWarning: OnWarning;
  }): RunningDecoder;
}

/** The decoder of one run. It sees the messages of a partition in the order of their offsets. */
export interface RunningDecoder {
  /**
   * Decodes one message into the change of its row, or gives null for a message of no declared
   * source. The change source counts those as `skipped`. A message gives at most one change.
   *
   * The topic, the partition and the offset of a change are those of its message. A row that cannot
   * be read is a change too (`undecodable`, `invalidColumns`): the row is then quarantined, and the
   * run goes on. An error that is thrown ends the run.
   */
  decode(message: KafkaMessage): Change | null;
}
