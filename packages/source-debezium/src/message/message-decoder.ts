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

/** A message that gives no change, and why. */
export interface SkippedMessage {
  /** A stable code such as `TABLE_NOT_DECLARED`. */
  readonly skipped: string;
  /** What the message is, and the next step. */
  readonly message: string;
  /** The declared table that the table of the message resembles. */
  readonly near?: string | undefined;
}

/** The decoder of one run. It sees the messages of a partition in the order of their offsets. */
export interface RunningDecoder {
  /**
   * Decodes one message into the change of its row. A message that gives no change gives its
   * reason, or null if it is of no declared source. The run counts those messages and tells the
   * first of each reason. A message gives at most one change.
   *
   * The topic, the partition and the offset of a change are those of its message. A row that cannot
   * be read is a change too (`undecodable`, `invalidColumns`): the row is quarantined, and the run
   * goes on. A thrown error ends the run.
   */
  decode(message: KafkaMessage): Change | SkippedMessage | null;
  /**
   * Gives what the decoder keeps of the partition `topic:partition` from message to message, as
   * plain JSON. The checkpoint of a position holds it. undefined: nothing.
   */
  state?(partition: string): object | undefined;
  /**
   * Goes on with a partition after a position, with what `state` gave there. The decoder then
   * decodes the next message as if it had decoded those before it. A partition that begins at its
   * first message is not resumed.
   */
  resume?(partition: string, state: object | undefined): void;
}
