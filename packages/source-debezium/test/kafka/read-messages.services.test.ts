/** Tests that the messages of a real broker are recorded to the byte. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  kafkaChanges,
  type KafkaMessage,
  type ReadMessagesOptions,
  recordedLine,
  recordedTopic,
} from "@tidemark/source-debezium";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import type { KafkaTopics } from "@tidemark/testkit/services";
import { ownTopics } from "@tidemark/testkit/services/shared";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { messages as fixtureMessages, withoutWarnings } from "../support/fixtures.ts";
import { batches, changesOf } from "../support/kafka.ts";
import { transactions } from "../support/sources.ts";

suiteNeeding(realKafka(), "the messages of Kafka topics", () => {
  let kafka: KafkaTopics;
  const folder = mkdtempSync(join(tmpdir(), "tidemark-messages-"));
  beforeAll(async () => {
    kafka = await ownTopics();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await kafka.stop();
  });

  const source = (topics: string | RegExp) =>
    kafkaChanges({ brokers: kafka.brokers, topics, until: "caught-up", ...withoutWarnings });
  async function read(
    topics: string | RegExp,
    options: ReadMessagesOptions = {},
  ): Promise<KafkaMessage[]> {
    const found: KafkaMessage[] = [];
    for await (const batch of source(topics).messages(options)) found.push(...batch);
    return found;
  }
  const recording = (found: readonly KafkaMessage[]): string => {
    const path = join(folder, `${found[0]?.topic ?? "none"}.jsonl`);
    writeFileSync(path, found.map((message) => `${recordedLine(message)}\n`).join(""));
    return path;
  };
  const offsets = (found: readonly KafkaMessage[]) => found.map(({ offset }) => offset);
  async function produce(topic: string, sent: kafkajs.Message[]): Promise<void> {
    const producer = kafka.client.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    // With a partition, kafkajs does not hash the key, which takes minutes for a large one.
    await producer.send({ topic, messages: sent.map((one) => ({ partition: 0, ...one })) });
    await producer.disconnect();
  }

  test("a recording of three partitions gives the changes that Kafka gives", async () => {
    const topic = "recorded.public.transaction_data";
    await kafka.topic(topic, 3);
    await kafka.publish(topic, fixtureMessages("multi.public.transaction_data.jsonl"));
    const sorted = (changes: ReturnType<typeof changesOf>) =>
      changes.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
    const fromKafka = changesOf(await batches(source(topic), [transactions]));
    const path = recording(await read(topic));
    const fromFile = changesOf(await batches(recordedTopic(path, withoutWarnings), [transactions]));
    expect(fromFile).toHaveLength(70);
    expect(sorted(fromFile)).toEqual(sorted(fromKafka));
  });

  test("bytes, nulls, empty texts, headers and large keys stay as they are", async () => {
    const topic = "recorded.bytes";
    await kafka.topic(topic, 1, { "max.message.bytes": "10000000" });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const sent: kafkajs.Message[] = [
      { key: null, value: null },
      { key: "", value: "" },
      { key: bytes, value: Buffer.concat([Buffer.of(0, 0, 0, 0, 7), bytes]) },
      { key: "k", value: "ă😀\u0000\n", headers: { a: ["1", bytes], b: "" } },
      { key: "k".repeat(900_000), value: "v" },
    ].map((message, i) => ({ ...message, timestamp: String(1_750_000_000_000 + i) }));
    await produce(topic, sent);
    const found = await read(topic);
    const plain = ({ offset, timestamp, key, value, headerBytes }: KafkaMessage) => ({
      offset,
      timestamp,
      key: key && Buffer.from(key).toString("base64"),
      value: value && Buffer.from(value).toString("base64"),
      headers: headerBytes.map(([name, one]) => [name, one && Buffer.from(one).toString("hex")]),
    });
    const base64 = (given: kafkajs.Message["key"] | null) =>
      given === null ? null : Buffer.from(given as Buffer).toString("base64");
    expect(found.map(plain)).toEqual(
      sent.map(({ key, value, timestamp }, offset) => ({
        offset,
        timestamp: Number(timestamp),
        key: base64(key),
        value: base64(value),
        headers:
          offset === 3
            ? [
                ["a", "31"],
                ["a", bytes.toString("hex")],
                ["b", ""],
              ]
            : [],
      })),
    );
    const again: KafkaMessage[] = [];
    const decoder = {
      name: "messages as they are",
      start: () => ({
        decode(message: KafkaMessage) {
          again.push(message);
          return null;
        },
      }),
    };
    await batches(recordedTopic(recording(found), { decoder }), []);
    expect(again.map(plain)).toEqual(found.map(plain));
  });

  test("aborted transactions and ends of transactions are gaps between offsets", async () => {
    const topic = "recorded.transactions";
    await kafka.topic(topic);
    const producer = kafka.client.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      transactionalId: "recorded",
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const [value, end] of [
      ["a", "commit"],
      ["b", "abort"],
      ["c", "commit"],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const found = await read(topic);
    expect(found.map(({ offset, valueText }) => [offset, valueText])).toEqual([
      [0, "a"],
      [4, "c"],
    ]);
  });

  test("a reading begins at the beginning, at an offset or at the end", async () => {
    const topic = "recorded.from";
    await kafka.topic(topic);
    await produce(topic, [{ value: "0" }, { value: "1" }, { value: "2" }]);
    expect(offsets(await read(topic))).toEqual([0, 1, 2]);
    expect(offsets(await read(topic, { from: 1 }))).toEqual([1, 2]);
    expect(offsets(await read(topic, { from: 99 }))).toEqual([]);
    expect(offsets(await read(topic, { from: "latest" }))).toEqual([]);
    await kafka.expire(topic, 2);
    expect(offsets(await read(topic))).toEqual([2]);
    await expect(read(topic, { from: 1 })).rejects.toMatchObject({
      code: "LOG_LOST",
      message: expect.stringMatching(/begins at offset 2, and offset 1 is gone/) as string,
    });
    await expect(read("recorded.nowhere")).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
  });

  test("a reading until a signal gives messages to come, and ends with the signal", async () => {
    const topic = "recorded.signal";
    await kafka.topic(topic);
    await produce(topic, [{ value: "0" }]);
    const stop = new AbortController();
    const found: KafkaMessage[] = [];
    const reading = (async () => {
      const options = { until: "signal", signal: stop.signal } as const;
      for await (const batch of source(topic).messages(options)) {
        found.push(...batch);
        if (found.length === 1) await produce(topic, [{ value: "1" }]);
        else stop.abort(new Error("enough"));
      }
    })();
    await expect(reading).rejects.toThrow("enough");
    expect(offsets(found)).toEqual([0, 1]);
  });
});
