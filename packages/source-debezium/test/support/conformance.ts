/** A log of 38 payments over two partitions, and another log under the same names. */
import type { RecordedMessage } from "@tidemark/source-debezium";
import { messages } from "./fixtures.ts";

const TOPIC = "bare.public.transaction_data";

/** Spreads the payments over two partitions, at new offsets. */
export function twoPartitions(topic: string = TOPIC): readonly RecordedMessage[] {
  const next = [0, 0];
  return messages(`${TOPIC}.jsonl`).map((message, i) => {
    const partition = i % 3 === 0 ? 1 : 0;
    return { ...message, topic, partition, offset: next[partition]!++ };
  });
}

/** Gives other messages at the same offsets. */
export const createdAnew = (topic?: string): readonly RecordedMessage[] =>
  twoPartitions(topic).map((message) => ({ ...message, timestamp: message.timestamp! + 1 }));
