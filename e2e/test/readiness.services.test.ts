/**
 * Several runs of one group over a real Kafka: a source is ready once every partition of its topic
 * was level, whatever the partition holds.
 */
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  timestamp,
} from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { kafkaChanges, type KafkaChanges } from "@tidemark/source-debezium";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { startKafkaTopics, type OwnKafka } from "@tidemark/testkit/services";
import kafkajs from "kafkajs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const columns = { id: int64(), user_id: string(), at: timestamp({ zone: "UTC" }) };
const table = (name: string) =>
  source(name, { table: `public.${name}`, columns, primaryKey: ["id"], eventTime: "at" });
const payments = table("payments");
const refunds = table("refunds");
const paid = featureView("paid", {
  entity: user,
  source: payments,
  features: { n: count().over("7d") },
});
const refunded = featureView("refunded", {
  entity: user,
  source: refunds,
  features: { n: count().over("7d") },
});
const definitions = { payments, refunds, paid, refunded };

const NOON = Date.UTC(2026, 0, 1, 12);

/** A message of a table; null: a tombstone. */
function message(partition: number, id: number, value: "row" | null = "row") {
  const after = { id, user_id: "u1", at: (NOON - 3_600_000) * 1000 };
  const text = { op: "c", ts_ms: NOON, before: null, after, source: { ts_ms: NOON, lsn: id } };
  return {
    partition,
    timestamp: NOON,
    key: JSON.stringify({ id }),
    value: value === null ? null : JSON.stringify(text),
    headers: {},
  };
}

suiteNeeding(realKafka(), "readiness over a real Kafka", () => {
  let kafka: OwnKafka;
  beforeAll(async () => {
    kafka = await startKafkaTopics({ "log.cleaner.backoff.ms": 100 });
  });
  afterAll(async () => {
    await kafka.stop();
  });

  type Data = ReturnType<typeof memoryOnlineData>;
  const open = (data: Data) =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(data), retention: "forever" },
      clock: () => new Date(NOON),
    });
  /** The sources that are ready, and the count of user u1 or its refusal. */
  async function state(data: Data) {
    const store = await open(data);
    const ready = (await store.readiness()).flatMap((one) => (one.isReady ? [one.source] : []));
    const answer = await store
      .getOnlineFeatures({ features: paid, entities: [{ user_id: "u1" }] })
      .then(
        ([row]) => Number(row!.n),
        (error: { readonly code?: string }) => error.code,
      );
    return { ready, answer };
  }
  const readiness = async (data: Data) => (await state(data)).ready;

  /** A run of a group. `gate` is asked before each batch is given. */
  async function run(
    data: Data,
    topics: string | RegExp,
    groupId: string,
    gate: (partitions: readonly string[]) => Promise<void> = async () => undefined,
  ) {
    const from: KafkaChanges = kafkaChanges({
      brokers: kafka.brokers,
      topics,
      groupId,
      batchMessages: 2,
      onWarning: () => undefined,
      consumer: {
        heartbeatInterval: 200,
        rebalanceTimeout: 5_000,
        sessionTimeout: 6_000,
        metadataMaxAge: 1_000,
      },
    });
    const gated: ChangeSource = {
      ...from,
      async *changes(options) {
        for await (const batch of from.changes(options)) {
          await gate(batch.positions.map(({ partition }) => partition));
          yield batch;
        }
      },
    };
    const stop = new AbortController();
    const ended = (await open(data))
      .run(gated, { signal: stop.signal, mismatch: "ignore" })
      .catch((error: unknown) => error);
    return {
      from,
      async stop() {
        stop.abort(new Error("stopped"));
        return ended;
      },
    };
  }

  test(
    "two runs, one of them slow: the source is ready when both were level, through a rebalance",
    { timeout: 120_000 },
    async () => {
      const topic = "two.public.payments";
      await kafka.topic(topic, 2);
      const rows = [0, 1].flatMap((partition) =>
        Array.from({ length: 20 }, (_, i) => message(partition, 100 * partition + i)),
      );
      await kafka.publish(topic, rows);
      const data = memoryOnlineData();
      let open1: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (open1 = resolve));
      const gate = (partitions: readonly string[]): Promise<void> =>
        partitions.some((one) => one.endsWith(":1")) ? held : Promise.resolve();
      const runs = [await run(data, topic, "two", gate), await run(data, topic, "two", gate)];
      await expect
        .poll(() => runs.map(({ from }) => from.lag().length), { timeout: 30_000 })
        .toEqual([1, 1]);
      await expect
        .poll(
          () =>
            runs.flatMap(({ from }) => from.lag()).find((one) => one.partition.endsWith(":0"))?.lag,
          { timeout: 30_000 },
        )
        .toBe(0);
      await sleep(3_000);
      expect(await state(data)).toEqual({ ready: [], answer: "NOT_READY" });
      // the run that is level goes away, and its partition moves to the slow run
      const level = runs.find(({ from }) => from.lag()[0]!.partition.endsWith(":0"))!;
      await level.stop();
      await sleep(2_000);
      expect(await state(data)).toEqual({ ready: [], answer: "NOT_READY" });
      open1();
      await expect.poll(() => readiness(data), { timeout: 30_000 }).toEqual(["payments"]);
      expect((await state(data)).answer).toBe(40);
      await Promise.all(runs.map((one) => one.stop()));
    },
  );

  test(
    "an empty partition, tombstones, transaction markers, deleted records and a compacted " +
      "partition are level",
    { timeout: 120_000 },
    async () => {
      const topic = "odd.public.payments";
      await kafka.topic(topic, 6, {
        "cleanup.policy": "compact,delete",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
        "retention.ms": "-1",
      });
      const producer = kafka.client.producer({
        transactionalId: "odd",
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      });
      await producer.connect();
      const transaction = async (partition: number, id: number, commit: boolean): Promise<void> => {
        const { key, value } = message(partition, id);
        const one = await producer.transaction();
        await one.send({ topic, messages: [{ partition, key, value }] });
        await (commit ? one.commit() : one.abort());
      };
      // 0: its last offset is the marker of a transaction; 1: aborted rows and markers alone
      await transaction(0, 1, true);
      for (let i = 0; i < 3; i++) await transaction(1, 200 + i, false);
      await producer.disconnect();
      // 2: tombstones of rows that the log no longer has; 3: nothing; 4: its records were deleted
      await kafka.publish(topic, [message(2, 300, null), message(2, 301, null)]);
      await kafka.publish(topic, [message(4, 400), message(4, 401)]);
      await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition: 4, offset: "2" }] });
      // 5: one row, again and again, until compaction has removed the older ones
      for (let i = 0; i < 4; i++) {
        await kafka.publish(topic, [message(5, 500), message(5, 500), message(5, 501)]);
        await sleep(300);
      }
      const data = memoryOnlineData();
      const groups = kafkaChanges({
        brokers: kafka.brokers,
        topics: topic,
        beginning: "retained",
        until: "caught-up",
        onWarning: () => undefined,
      });
      const live = kafkaChanges({
        brokers: kafka.brokers,
        topics: topic,
        beginning: "retained",
        onWarning: () => undefined,
      });
      const stop = new AbortController();
      const ended = (await open(data))
        .run(live, { signal: stop.signal, mismatch: "ignore" })
        .catch((error: unknown) => error);
      await expect.poll(() => readiness(data), { timeout: 30_000 }).toEqual(["payments"]);
      expect(live.lag().map(({ lag }) => lag)).toEqual([0, 0, 0, 0, 0, 0]);
      expect((await state(data)).answer).toBe(3);
      stop.abort(new Error("stopped"));
      await ended;
      const other = memoryOnlineData();
      await (await open(other)).run(groups, { mismatch: "ignore" });
      expect(await state(other)).toEqual({ ready: ["payments"], answer: 3 });
    },
  );

  test(
    "partitions added while a source fills are waited for, and those of a ready source are not",
    { timeout: 120_000 },
    async () => {
      const topic = "added.public.payments";
      await kafka.topic(topic, 1);
      await kafka.publish(
        topic,
        Array.from({ length: 6 }, (_, i) => message(0, i)),
      );
      const data = memoryOnlineData();
      let open0: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (open0 = resolve));
      const one = await run(data, topic, "added", () => held);
      await expect.poll(() => one.from.lag().length, { timeout: 30_000 }).toBe(1);
      await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
      await kafka.publish(topic, [message(1, 100)]);
      open0();
      await expect.poll(() => readiness(data), { timeout: 30_000 }).toEqual(["payments"]);
      expect((await state(data)).answer, "the added partition's row is there").toBe(7);
      await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
      expect(await readiness(data)).toEqual(["payments"]);
      await one.stop();
    },
  );

  test(
    "a table without a topic: level under a pattern that will match it, else another log has it",
    { timeout: 120_000 },
    async () => {
      await kafka.topic("none.public.payments", 1);
      await kafka.publish("none.public.payments", [message(0, 1)]);
      for (const [topics, ready] of [
        [/^none\.public\./, ["payments", "refunds"]],
        ["none.public.payments", ["payments"]],
      ] as const) {
        const data = memoryOnlineData();
        const one = await run(data, topics, `none${ready.length}`);
        await expect.poll(() => readiness(data), { timeout: 30_000 }).toEqual(ready);
        await sleep(1_500);
        expect(await readiness(data)).toEqual(ready);
        await one.stop();
      }
      const data = memoryOnlineData();
      const missing = await run(data, "missing.public.payments", "missing");
      expect(await missing.stop()).toMatchObject({ message: expect.stringMatching(/./) as string });
      expect(await readiness(data)).toEqual([]);
    },
  );
});
