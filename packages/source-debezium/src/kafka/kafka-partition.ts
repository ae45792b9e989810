/**
 * One partition of a topic, as far as it was fetched and handed on; and whether its log still is
 * what the stored position was taken from.
 */
import { TidemarkError } from "@tidemark/core";
import type { MessageFingerprint, Position } from "@tidemark/core/spi";
import { type KafkaMessage, messageFingerprint } from "../message/kafka-message.ts";

/** What the broker holds: offsets in [low, high). */
export interface Watermarks {
  readonly low: number;
  readonly high: number;
}

export interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
  /** As positions name it. */
  readonly name: string;
  /** The group has given it to this run. */
  assigned: boolean;
  /** Since then the stores were asked where it stands: another run may have had it in between. */
  positionKnown: boolean;
  /** Its log was checked since then. */
  verified: boolean;
  /** Up to where messages were taken from the broker; undefined: none yet. */
  fetched: Position | undefined;
  /** The first offset that is new. */
  nextOffset: number;
  /**
   * Where the next fetch begins: at `nextOffset`, or at the last message taken, to see that it is still
   * the same.
   */
  fetchOffset: number;
  /** What that message has to be. */
  expectedMessage: MessageFingerprint | null;
  /** The offset that was sought again because the broker answered with another. */
  retriedOffset: number;
  highWatermark: number;
  /** The high watermark when the partition was first seen: `until: "caught-up"` ends there. */
  firstHighWatermark: number | null;
  /**
   * Set where the log's beginning is gone and nothing is stored: an error once the partition is
   * known to hold a declared source.
   */
  beginningLost: TidemarkError | null;
  /** Whether it holds anything of a declared source. */
  relevant: boolean;
  /** Up to where messages were handed on. */
  delivered: Position | undefined;
  /** Commit time of the newest change handed on, µs. */
  watermark: number | null;
}

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
 * The position behind this message; `through`: the offset of what follows it and is none, such as
 * the end of a transaction.
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

/** Further on, over offsets without a message; the fingerprint stays that of the last message. */
export function advancedTo({ partition, checkpoint }: Position, offset: number): Position {
  const message = checkpoint?.message;
  return { partition, offset, ...(message === undefined ? {} : { checkpoint: { message } }) };
}

/** Where reading goes on: behind what was fetched. */
export function setFetchPosition(partition: KafkaPartition, { low, high }: Watermarks): void {
  const { fetched } = partition;
  const lastMessage = fetched?.checkpoint?.message ?? null;
  partition.nextOffset = fetched === undefined ? low : fetched.offset + 1;
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
 * Law 5: what the log has lost is a named error. Throws `LOG_LOST` and `TOPIC_RECREATED`; gives it
 * where only its beginning is gone and nothing is stored.
 */
export function checkLog(
  source: string,
  { topic, partition, fetched }: KafkaPartition,
  { low, high }: Watermarks,
): TidemarkError | null {
  const where = `${source}: topic ${topic}, partition ${partition}`;
  const nextStep =
    "take a new snapshot of the table, and run tidemark resnapshot SOURCE or call " +
    "store.resnapshot; keep the topic longer (retention.ms) than a run may stand still";
  if (fetched === undefined) {
    if (low === 0) return null;
    return new TidemarkError(
      "LOG_LOST",
      `${where}: nothing of it is stored, and its log begins at offset ${low}: offsets 0 to ` +
        `${low - 1} are gone. ` +
        "Where a snapshot of the whole table lies behind that, allow it with beginning: " +
        '"retained"; otherwise take one',
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

export function recreated(
  source: string,
  { topic, partition }: Pick<KafkaPartition, "topic" | "partition">,
  what: string,
): TidemarkError {
  return new TidemarkError(
    "TOPIC_RECREATED",
    `${source}: topic ${topic}, partition ${partition}: ${what}; the topic was created anew, ` +
      "or the broker lost its end: " +
      "take a new snapshot of the table, and run tidemark resnapshot SOURCE or call " +
      "store.resnapshot",
  );
}
