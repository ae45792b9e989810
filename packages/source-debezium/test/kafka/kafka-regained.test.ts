/**
 * Tests a group that joins twice within a moment. A real group does so only by luck, so the test
 * brings its own consumer.
 */
import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { kafkaChanges, type KafkaClient, type RecordedMessage } from "@tidemark/source-debezium";
import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { messages, withoutWarnings } from "../support/fixtures.ts";
import { transactions } from "../support/sources.ts";

const TOPIC = "bank.public.transaction_data";
const JOIN = "consumer.group_join";

/**
 * Makes a group with one partition of 30 messages. The test decides when the group assigns the
 * partition, and which messages are fetched.
 */
function group() {
  const events = new EventEmitter();
  const sought: number[] = [];
  type EachBatch = (payload: EachBatchPayload) => Promise<void>;
  let eachBatch: EachBatch;
  let started: () => void;
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const nothing = async (): Promise<void> => undefined;
  const client = {
    admin: () => ({
      connect: nothing,
      disconnect: nothing,
      listTopics: async () => [TOPIC],
      fetchTopicOffsets: async () => [{ partition: 0, offset: "30", low: "0", high: "30" }],
    }),
    consumer: () => ({
      events: {
        GROUP_JOIN: JOIN,
        START_BATCH_PROCESS: "consumer.start_batch_process",
        CRASH: "consumer.crash",
      },
      on: (name: string, listener: () => void) => events.on(name, listener),
      connect: nothing,
      disconnect: nothing,
      subscribe: nothing,
      pause: () => undefined,
      resume: () => undefined,
      seek: ({ offset }: { readonly offset: string }) => {
        sought.push(Number(offset));
      },
      run: async (config: { readonly eachBatch: EachBatch }) => {
        eachBatch = config.eachBatch;
        started();
      },
    }),
  } as unknown as KafkaClient;
  const some = messages("bare.public.transaction_data.jsonl")[0]!;
  return {
    client,
    sought,
    running,
    gives(partitions: readonly number[]): void {
      events.emit(JOIN, { payload: { memberAssignment: { [TOPIC]: partitions } } });
    },
    async fetches(from: number, to: number): Promise<void> {
      const fetched = Array.from({ length: to - from }, (_, i) => kafkaMessage(some, from + i));
      const batch = {
        topic: TOPIC,
        partition: 0,
        highWatermark: "30",
        messages: fetched,
        fetchedOffset: String(from),
        lastOffset: () => String(to - 1),
      };
      await eachBatch({ batch, isStale: () => false } as unknown as EachBatchPayload);
    },
  };
}

function kafkaMessage({ key, value }: RecordedMessage, offset: number): KafkaMessage {
  return {
    offset: String(offset),
    timestamp: "1750000000000",
    attributes: 0,
    headers: {},
    key: Buffer.from(key!),
    value: Buffer.from(value!),
  };
}

test(
  "a partition that is assigned again is read from the stored position, also if the group joins " +
    "while the stores are asked",
  async () => {
    const { client, sought, running, gives, fetches } = group();
    let asked = 0;
    // The stores hold the messages that were delivered, and none of those that wait.
    const positions = async () => (asked++ === 0 ? [] : [{ partition: `${TOPIC}:0`, offset: 19 }]);
    const stop = new AbortController();
    const changes = kafkaChanges({ ...withoutWarnings, client, topics: TOPIC })
      .changes({ sources: [transactions], after: [], positions, signal: stop.signal })
      [Symbol.asyncIterator]();
    const first = changes.next();
    await running;
    gives([0]);
    await sleep(0);
    await fetches(0, 20);
    expect((await first).value.positions).toMatchObject([{ offset: 19 }]);
    await fetches(20, 30);

    gives([]);
    gives([0]);
    gives([0]);
    await sleep(0);
    expect(sought.at(-1)).toBe(20);
    stop.abort();
    await changes.next().catch(() => undefined);
  },
);
