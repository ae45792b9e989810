/**
 * The state of one partition of a topic: how far it was fetched and delivered. The checks here tell
 * whether the partition's log still is the log of the stored position.
 */
import { TidemarkError } from "@tidemark/core";
import type { MessageFingerprint, Position } from "@tidemark/core/spi";
import { type KafkaMessage, messageFingerprint } from "../message/kafka-message.ts";

/** The offsets that the broker holds: `low ≤ offset < high`. */
export interface Watermarks {
  readonly low: number;
  readonly high: number;
}

/** The state of one partition in a fetcher. */
export interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
  /** `topic:partition`, as in positions. */
  readonly name: string;
  /** Whether the group has assigned the partition to this run. */
  assigned: boolean;
  /**
   * Whether the stored position was read since the assignment. Another run may have owned the
   * partition before.
   */
  positionKnown: boolean;
  /** Whether the log was checked since the assignment. */
  verified: boolean;
  /** The position after the last fetched message; undefined: none yet. */
  fetched: Position | undefined;
  /** The first offset that is new. */
  nextOffset: number;
  /**
   * The offset of the next fetch: `nextOffset`, or that of the last message taken, to compare it
   * with `expectedMessage`.
   */
  fetchOffset: number;
  /** The message that the log must hold at its offset; null: verified, or nothing to compare. */
  expectedMessage: MessageFingerprint | null;
  /** The offset that was sought again because the broker answered with another; −1: none. */
  retriedOffset: number;
  highWatermark: number;
  /** The high watermark when the partition was first seen: `until: "caught-up"` ends there. */
  firstHighWatermark: number | null;
  /**
   * The error of a partition with no stored position whose log begins after offset 0. The error is
   * thrown when the partition turns out to hold a declared source.
   */
  beginningLost: TidemarkError | null;
  /** Whether the partition holds a message of a declared source. */
  relevant: boolean;
  /** The position after the last message given to the stores; undefined: none yet. */
  delivered: Position | undefined;
  /** Commit time of the newest change given to the stores, µs; null: none yet. */
  watermark: number | null;
}

/** Makes the state of a partition of which nothing is known yet. */
export function kafkaPartition(topic: string, partition: number): KafkaPartition {
  return {
    topic,
    partition,
    name: `${topic}:${partition}`,
    assigned: false,
    positionKnown: false,
    verified: false,
    fetched: undefined,
    nextOffset: 0,
    fetchOffset: 0,
    expectedMessage: null,
    retriedOffset: -1,
    highWatermark: 0,
    firstHighWatermark: null,
    beginningLost: null,
    relevant: false,
    delivered: undefined,
    watermark: null,
  };
}

/**
 * Gives the position after this message. `through` is the last offset without a message that
 * follows it, such as the end of a transaction.
 */
export function positionAfter(
  name: string,
  message: Pick<KafkaMessage, "offset" | "timestamp" | "keyText">,
  through: number = message.offset,
): Position {
  return {
    partition: name,
    offset: through,
    checkpoint: { message: { offset: message.offset, fingerprint: messageFingerprint(message) } },
  };
}

/**
 * Moves a position over offsets without a message. The fingerprint stays that of the last message.
 */
export function advancedTo({ partition, checkpoint }: Position, offset: number): Position {
  const message = checkpoint?.message;
  return { partition, offset, ...(message === undefined ? {} : { checkpoint: { message } }) };
}

/**
 * Sets the offsets from which reading goes on: after the last fetched message, or from `beginning`
 * on.
 */
export function setFetchPosition(
  partition: KafkaPartition,
  { low, high }: Watermarks,
  beginning: number = low,
): void {
  const { fetched } = partition;
  const lastMessage = fetched?.checkpoint?.message ?? null;
  partition.nextOffset = fetched === undefined ? beginning : fetched.offset + 1;
  partition.expectedMessage =
    lastMessage !== null && lastMessage.offset >= low && lastMessage.offset < high
      ? lastMessage
      : null;
  partition.fetchOffset = partition.expectedMessage?.offset ?? partition.nextOffset;
  partition.retriedOffset = -1;
  partition.highWatermark = high;
  partition.firstHighWatermark ??= high;
}

/**
 * Checks that the log still holds all messages after the fetched position (law 5: messages that the
 * log has lost are a named error). If nothing is stored and only the beginning is gone, the
 * function gives the error and does not throw it.
 *
 * @throws LOG_LOST when messages after the fetched position are gone.
 * @throws TOPIC_RECREATED when the log ends before the fetched position.
 */
export function checkLog(
  source: string,
  { topic, partition, fetched }: KafkaPartition,
  { low, high }: Watermarks,
): TidemarkError | null {
  const where = `${source}: topic ${topic}, partition ${partition}`;
  const nextStep =
    "take a new snapshot of the table, and run tidemark resnapshot SOURCE or call " +
    "store.resnapshot; keep the topic (retention.ms) longer than a run may stand still";
  if (fetched === undefined) {
    if (low === 0) return null;
    return new TidemarkError(
      "LOG_LOST",
      `${where}: no position is stored, and the log begins at offset ${low}: offsets 0 to ` +
        `${low - 1} are gone. ` +
        "If the log holds a snapshot of the whole table, pass beginning: " +
        '"retained"; otherwise take a snapshot',
    );
  }
  if (low > fetched.offset + 1) {
    throw new TidemarkError(
      "LOG_LOST",
      `${where}: changes up to offset ${fetched.offset} were applied, and the log now begins ` +
        `at ${low}: offsets ${fetched.offset + 1} to ${low - 1} ` +
        `are gone (retention, or deleted records); ${nextStep}`,
    );
  }
  if (high < fetched.offset + 1)
    throw recreated(
      source,
      { topic, partition },
      `changes up to offset ${fetched.offset} were applied, and the log ends before ${high}`,
    );
  return null;
}

/** Makes the error of a topic that is not the one of the stored position. */
export function recreated(
  source: string,
  { topic, partition }: Pick<KafkaPartition, "topic" | "partition">,
  what: string,
): TidemarkError {
  return new TidemarkError(
    "TOPIC_RECREATED",
    `${source}: topic ${topic}, partition ${partition}: ${what}; the topic was created anew, ` +
      "or the broker lost the end of the log: " +
      "take a new snapshot of the table, and run tidemark resnapshot SOURCE or call " +
      "store.resnapshot",
  );
}
