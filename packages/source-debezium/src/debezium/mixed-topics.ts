/**
 * Tells the tombstones of mixed topics: topics whose name is that of no table, as a routing
 * transform writes them. There only the messages with a value say their table.
 */
import type { Change } from "@tidemark/core/spi";
import { type KafkaMessage, partitionName } from "../message/kafka-message.ts";
import type { SkippedMessage } from "../message/message-decoder.ts";

const AFTER_DELETE: SkippedMessage = {
  skipped: "TOMBSTONE_AFTER_DELETE",
  message: "the tombstone of the delete before it; it holds no row",
};
const TABLE_UNKNOWN: SkippedMessage = {
  skipped: "TOMBSTONE_TABLE_UNKNOWN",
  message:
    "a tombstone in a topic whose name is that of no table, and the message before it is no " +
    "delete of its key; if compaction has removed that delete, its row stays. If the topic holds " +
    "one table, say which (tables, or tidemark replay --table); else let each table have its own " +
    "topic, and delete the row in the database once more",
};

/** Follows the mixed topics of one run. */
export interface MixedTopics {
  /** Takes note of what a message gave. */
  note(message: KafkaMessage, decoded: Change | SkippedMessage | null): void;
  /** Tells a tombstone. Gives null if the topic held no row of a declared source so far. */
  tombstone(message: KafkaMessage): SkippedMessage | null;
}

/** Makes the follower of mixed topics. */
export function mixedTopics(): MixedTopics {
  const withRows = new Set<string>();
  /** The key of the last message of a partition, if that is a delete or of no declared source. */
  const lastKey = new Map<string, string | null>();
  return {
    note(message, decoded) {
      const skipped = decoded === null || "skipped" in decoded;
      if (!skipped) withRows.add(message.topic);
      if (skipped || decoded.kind === "delete")
        lastKey.set(partitionName(message), message.keyText);
      else lastKey.delete(partitionName(message));
    },

    tombstone(message) {
      if (!withRows.has(message.topic)) return null;
      const last = lastKey.get(partitionName(message));
      return last !== undefined && last === message.keyText ? AFTER_DELETE : TABLE_UNKNOWN;
    },
  };
}
