/** Tests the Kafka source on a real broker. */
import { rmSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChangeBatch, Position, SourceSpec } from "@tidemark/core/spi";
import {
  kafkaChanges,
  recordedTopic,
  type KafkaChangesOptions,
  type RecordedMessage,
} from "@tidemark/source-debezium";
import type { KafkaTopics } from "@tidemark/testkit/services";
import { ownTopics } from "@tidemark/testkit/services/shared";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { EndState } from "../support/end-state.ts";
import { fixture, messages, withoutWarnings } from "../support/fixtures.ts";
import { batches, changesOf, positionsOf } from "../support/kafka.ts";
import { all, card, times, transactions } from "../support/sources.ts";

suiteNeeding(realKafka(), "the Kafka source", () => {
  let kafka: KafkaTopics;
  beforeAll(async () => {
    kafka = await ownTopics();
  });
  afterAll(async () => {
    await kafka.stop();
  });

  let number = 0;
  const fresh = (table = "public.transaction_data"): string => `t${++number}.${table}`;
  const source = (
    topics: KafkaChangesOptions["topics"],
    options: Partial<KafkaChangesOptions> = {},
  ) =>
    kafkaChanges({
      brokers: kafka.brokers,
      topics,
      times,
      onWarning: () => undefined,
      until: "caught-up",
      ...options,
    });
  const rows = (sources: readonly SourceSpec[], found: readonly ChangeBatch[]) =>
    sources.map((source) => {
      const state = new EndState(source);
      for (const change of changesOf(found)) state.apply(change);
      return state.rows();
    });
  const payments = (): RecordedMessage[] => messages("bare.public.transaction_data.jsonl");
  const plain = (found: readonly ChangeBatch[]) =>
    // The origin of an unwrapped row is read from the name of its topic.
    changesOf(found).map((change) => ({ ...change, topic: "", origin: null }));
  const failure = (run: Promise<unknown>) =>
    run.then(
      () => {
        throw new Error("it ended well");
      },
      (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
    );

  test(
    "a Kafka topic gives the changes of the recorded topic, enveloped, bare and unwrapped",
    { timeout: 120_000 },
    async () => {
      const tables = all.filter(({ name }) => name !== "no_pk").map(({ name }) => name);
      for (const shape of ["enveloped", "bare", "flat"]) {
        const prefix = `shape${shape}`;
        for (const table of tables) {
          await kafka.topic(`${prefix}.public.${table}`);
          await kafka.publish(
            `${prefix}.public.${table}`,
            messages(`${shape}.public.${table}.jsonl`),
          );
        }
        const found = await batches(source(new RegExp(`^${prefix}\\.`)), all);
        const recorded = await batches(
          recordedTopic(
            tables.map((table) => fixture(`${shape}.public.${table}.jsonl`)),
            withoutWarnings,
          ),
          all,
        );
        const bySource = (found: readonly ChangeBatch[]) =>
          new Map(
            tables.map((table) => [table, plain(found).filter(({ source }) => source === table)]),
          );
        expect(bySource(found)).toEqual(bySource(recorded));
        expect(rows(all, found)).toEqual(rows(all, recorded));
        expect(changesOf(found).length).toBeGreaterThan(50);
      }
    },
  );

  test(
    "three partitions of two topics, stopped and resumed anywhere, end in the tables of the " +
      "recorded topic",
    { timeout: 120_000 },
    async () => {
      const names = ["transaction_data", "card"].map((table) => `again.public.${table}`);
      const folder = mkdtempSync(join(tmpdir(), "tidemark-kafka-"));
      const recorded = ["transaction_data", "card"].flatMap((table) =>
        messages(`multi.public.${table}.jsonl`),
      );
      writeFileSync(
        join(folder, "all.jsonl"),
        recorded.map((message) => JSON.stringify(message)).join("\n"),
      );
      const expected = rows(
        [transactions, card],
        await batches(recordedTopic(join(folder, "all.jsonl"), withoutWarnings), [
          transactions,
          card,
        ]),
      );
      rmSync(folder, { recursive: true });
      for (const [i, table] of ["transaction_data", "card"].entries()) {
        await kafka.topic(names[i]!, 3);
        await kafka.publish(names[i]!, messages(`multi.public.${table}.jsonl`));
      }
      let after: readonly Position[] = [];
      const taken: ChangeBatch[] = [];
      let runs = 0;
      for (let more = true; more; runs++) {
        more = false;
        let left = 1 + runs;
        for await (const batch of source(names, { batchMessages: 7 }).changes({
          sources: [transactions, card],
          after,
        })) {
          taken.push(batch);
          more = true;
          if (--left === 0) break;
        }
        after = positionsOf(taken);
      }
      expect(runs).toBeGreaterThan(4);
      expect(rows([transactions, card], taken)).toEqual(expected);
      expect(changesOf(taken).length).toBe(recorded.length);
      expect(
        new Set(
          changesOf(taken).map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`),
        ).size,
      ).toBe(recorded.length);
    },
  );

  test("an undecodable message gives a change that names it, and the run goes on", async () => {
    const topic = fresh();
    await kafka.topic(topic);
    const [first, second] = payments();
    await kafka.publish(topic, [
      first!,
      { ...first!, value: "{not json" },
      { ...first!, key: null, value: "\u0000\u0001" },
      second!,
    ]);
    const found = changesOf(await batches(source(topic), [transactions]));
    expect(found.map(({ kind, undecodable }) => [kind, undecodable?.reason ?? null])).toEqual([
      ["upsert", null],
      ["upsert", "VALUE_NOT_JSON"],
      ["none", "FORMAT_BINARY"],
      ["upsert", null],
    ]);
    expect(found[1]!.undecodable!.message).toContain(`${topic}, partition 0, offset 1`);
  });

  test(
    "messages that retention took before they were read are LOG_LOST with their offsets; at the " +
      "very edge nothing is lost",
    async () => {
      const topic = fresh();
      await kafka.topic(topic);
      await kafka.publish(topic, payments().slice(0, 10));
      const first = await batches(source(topic), [transactions]);
      const after = positionsOf(first);
      await kafka.publish(topic, payments().slice(10, 20));
      await kafka.expire(topic, 10);
      expect(
        changesOf(await batches(source(topic), [transactions], after)).map(({ offset }) => offset),
      ).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      await kafka.expire(topic, 15);
      expect(await failure(batches(source(topic), [transactions], after))).toMatch(
        /^LOG_LOST: .*up to offset 9 were applied.*at 15: offsets 10 to 14 are gone.*snapshot/,
      );
      expect(await failure(batches(source(topic), [transactions]))).toMatch(
        /^LOG_LOST: .*no position is stored, and the log begins at offset 15: offsets 0 to 14/,
      );
      expect(
        changesOf(await batches(source(topic, { beginning: "retained" }), [transactions])).length,
      ).toBe(5);
    },
  );

  test(
    "messages that retention takes while a run stands still are LOG_LOST, though kafkajs jumps " +
      "over them",
    async () => {
      const topic = fresh();
      await kafka.topic(topic);
      const filler = "x".repeat(50_000);
      const big = payments()
        .slice(0, 30)
        .map((message) => ({ ...message, headers: { filler } }));
      for (let i = 0; i < 30; i += 10) await kafka.publish(topic, big.slice(i, i + 10));
      let seen = 0;
      const run = (async () => {
        for await (const batch of source(topic, {
          until: "signal",
          batchMessages: 1,
          prefetchMessages: 2,
          consumer: { maxBytesPerPartition: 60_000 },
        }).changes({ sources: [transactions], after: [] })) {
          seen += batch.changes.length;
          if (seen === 1) {
            await sleep(500);
            await kafka.expire(topic, 25);
          }
        }
      })();
      expect(await failure(run)).toMatch(/^LOG_LOST: .*begins at 25/);
      expect(seen).toBeLessThan(25);
    },
  );

  test("a recreated topic is TOPIC_RECREATED if shorter, as long or longer", async () => {
    const topic = fresh();
    await kafka.topic(topic);
    await kafka.publish(topic, payments().slice(0, 10));
    const after = positionsOf(await batches(source(topic), [transactions]));
    await kafka.admin.deleteTopics({ topics: [topic] });
    await sleep(500);
    await kafka.topic(topic);
    await kafka.publish(topic, payments().slice(20, 25));
    expect(await failure(batches(source(topic), [transactions], after))).toMatch(
      /^TOPIC_RECREATED: .*up to offset 9 were applied, and the log ends before 5/,
    );
    await kafka.publish(topic, payments().slice(25, 30));
    expect(await failure(batches(source(topic), [transactions], after))).toMatch(
      /^TOPIC_RECREATED: .*the message at offset 9 is not the message/,
    );
    await kafka.publish(topic, payments().slice(30, 38));
    expect(await failure(batches(source(topic), [transactions], after))).toMatch(
      /^TOPIC_RECREATED: .*the message at offset 9 is not the message/,
    );
  });

  test(
    "a recreated topic gives no change, also not of partitions that were empty before; an " +
      "unchanged topic gives those",
    async () => {
      const topic = fresh();
      const others = async (): Promise<void> => {
        for (let partition = 1; partition < 8; partition++)
          await kafka.publish(
            topic,
            payments()
              .slice(10, 20)
              .map((message) => ({ ...message, partition })),
          );
      };
      await kafka.topic(topic, 8);
      await kafka.publish(topic, payments().slice(0, 10));
      const after = positionsOf(await batches(source(topic), [transactions]));
      await others();
      expect(changesOf(await batches(source(topic), [transactions], after)).length).toBe(70);
      await kafka.admin.deleteTopics({ topics: [topic] });
      await sleep(500);
      await kafka.topic(topic, 8);
      await kafka.publish(topic, payments().slice(20, 35));
      await others();
      for (let attempt = 0; attempt < 10; attempt++) {
        const given: number[] = [];
        const run = async (): Promise<void> => {
          // An answer of the broker holds one or two of the partitions.
          for await (const { changes } of source(topic, {
            batchMessages: 1,
            consumer: { maxBytes: 2_000 },
          }).changes({ sources: [transactions], after }))
            given.push(changes.length);
        };
        expect(await failure(run())).toMatch(
          /^TOPIC_RECREATED: .*partition 0: the message at offset 9 is not the message/,
        );
        expect(given).toEqual([]);
      }
    },
  );

  test("offsets without a message are no loss: transaction ends, aborted messages", async () => {
    const topic = fresh();
    await kafka.topic(topic);
    const producer = kafka.client.producer({
      transactionalId: "tx",
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const send = async (some: readonly RecordedMessage[], commit: boolean): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        messages: some.map(({ key, value, timestamp }) => ({
          key,
          value,
          timestamp: String(timestamp),
        })),
      });
      await (commit ? transaction.commit() : transaction.abort());
    };
    for (let i = 0; i < 5; i++) await send(payments().slice(2 * i, 2 * i + 2), i !== 2);
    const first = await batches(source(topic), [transactions]);
    expect(changesOf(first).map(({ offset }) => offset)).toEqual([0, 1, 3, 4, 9, 10, 12, 13]);
    const after = positionsOf(first);
    expect(after.map(({ offset }) => offset)).toEqual([14]);
    await send(payments().slice(10, 12), false);
    await send(payments().slice(12, 14), true);
    await producer.disconnect();
    const rest = await batches(source(topic), [transactions], after);
    expect(changesOf(rest).map(({ offset }) => offset)).toEqual([18, 19]);
    await kafka.expire(topic, 21);
    expect(await batches(source(topic), [transactions], positionsOf(rest))).toEqual([]);
  });

  test("GZIP, Snappy and ZSTD are read; LZ4 without a codec is CODEC_MISSING", async () => {
    const { CompressionTypes } = kafkajs;
    await batches(source(await published("plain")), [transactions]);
    for (const [name, type] of Object.entries({
      gzip: CompressionTypes.GZIP,
      snappy: CompressionTypes.Snappy,
      zstd: CompressionTypes.ZSTD,
    })) {
      expect(
        changesOf(await batches(source(await published(name, type)), [transactions])).length,
        name,
      ).toBe(payments().length);
    }
    const topic = fresh();
    await kafka.topic(topic, 1, { "compression.type": "lz4" });
    await kafka.publish(topic, payments());
    expect(await failure(batches(source(topic), [transactions]))).toMatch(
      /^CODEC_MISSING: .*compressed with LZ4.*register/,
    );
    // The broker compresses into frames, as Java's clients do.
    const framed = fresh();
    await kafka.topic(framed, 1, { "compression.type": "snappy" });
    await kafka.publish(framed, payments());
    expect(changesOf(await batches(source(framed), [transactions])).length).toBe(payments().length);

    async function published(name: string, type = CompressionTypes.None): Promise<string> {
      const topic = `${name}${++number}.public.transaction_data`;
      await kafka.topic(topic);
      await kafka.publish(topic, payments(), type);
      return topic;
    }
  });

  test(
    "a run that is slow for longer than a session stays in the group, and few messages wait",
    { timeout: 60_000 },
    async () => {
      const topic = fresh();
      await kafka.topic(topic, 2);
      const [first] = payments();
      const many = Array.from({ length: 20_000 }, (_, i) => ({ ...first!, partition: i % 2 }));
      await kafka.publish(topic, many);
      const groupId = `slow${++number}`;
      const members = async () =>
        (await kafka.admin.describeGroups([groupId])).groups.flatMap(({ state, members }) => [
          state,
          ...members.map(({ memberId }) => memberId),
        ]);
      const slow = source(topic, {
        groupId,
        batchMessages: 2_000,
        prefetchMessages: 3_000,
        consumer: {
          sessionTimeout: 6_000,
          heartbeatInterval: 500,
          maxBytesPerPartition: 100_000,
          maxBytes: 200_000,
        },
      });
      const oneAnswer = (2 * 200_000) / first!.value!.length;
      const seen: string[] = [];
      let most = 0;
      let waited = false;
      for await (const { changes } of slow.changes({ sources: [transactions], after: [] })) {
        for (const { partition, offset } of changes) seen.push(`${partition}:${offset}`);
        most = Math.max(most, slow.waiting.messages);
        if (waited || seen.length < 4_000) continue;
        waited = true;
        const before = await members();
        for (let wait = 0; wait < 50; wait++) {
          await sleep(200);
          most = Math.max(most, slow.waiting.messages);
        }
        expect(await members()).toEqual(before);
      }
      expect(seen.length).toBe(20_000);
      expect(new Set(seen).size).toBe(20_000);
      expect(most).toBeGreaterThan(1_000);
      expect(most).toBeLessThan(3_000 + oneAnswer);
      console.log(`kafka: at most ${most} of 20,000 messages waited`);
    },
  );

  test("lag gives the offset, the lag and the watermark after every batch", async () => {
    const topic = fresh();
    await kafka.topic(topic);
    await kafka.publish(topic, payments().slice(0, 12));
    const run = source(topic, { batchMessages: 5 });
    const lags: number[] = [];
    for await (const batch of run.changes({ sources: [transactions], after: [] })) {
      const [lag] = run.lag();
      lags.push(lag!.lag);
      expect(lag).toMatchObject({
        partition: `${topic}:0`,
        offset: batch.positions[0]!.offset,
        highWatermark: 12,
      });
      expect(lag!.watermark).toBe(
        Math.max(...batch.changes.map(({ committed }) => committed ?? 0)),
      );
    }
    expect(lags).toEqual([7, 2, 0]);
  });

  test(
    "a run until its signal waits for messages, and reads an added partition from its beginning",
    { timeout: 60_000 },
    async () => {
      const topic = fresh();
      await kafka.topic(topic);
      await kafka.publish(topic, payments().slice(0, 3));
      const stop = new AbortController();
      const seen: string[] = [];
      const run = (async () => {
        for await (const { changes } of source(topic, {
          until: "signal",
          consumer: { metadataMaxAge: 1_000 },
        }).changes({ sources: [transactions], after: [], signal: stop.signal })) {
          for (const { partition, offset } of changes) seen.push(`${partition}:${offset}`);
        }
      })();
      const until = async (count: number): Promise<void> => {
        while (seen.length < count) await sleep(20);
      };
      await until(3);
      const sent = performance.now();
      await kafka.publish(topic, payments().slice(3, 4));
      await until(4);
      console.log(`kafka: ${(performance.now() - sent).toFixed(0)} ms from sending to having`);
      await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
      await kafka.publish(
        topic,
        payments()
          .slice(4, 6)
          .map((message) => ({ ...message, partition: 1 })),
      );
      await until(6);
      stop.abort();
      await expect(run).rejects.toThrow(/abort/i);
      expect(seen).toEqual(["0:0", "0:1", "0:2", "0:3", "1:0", "1:1"]);
    },
  );

  test(
    "a missing topic is TOPIC_NOT_FOUND, brokers that do not answer are KAFKA_UNREACHABLE",
    { timeout: 60_000 },
    async () => {
      expect(await failure(batches(source("nowhere.public.card"), [card]))).toMatch(
        /^TOPIC_NOT_FOUND: .*no topic nowhere\.public\.card/,
      );
      const nobody = new kafkajs.Kafka({
        brokers: ["127.0.0.1:1"],
        retry: { retries: 1 },
        logLevel: kafkajs.logLevel.NOTHING,
      });
      expect(await failure(batches(source("x", { client: nobody }), [card]))).toMatch(
        /^KAFKA_UNREACHABLE: .*127\.0\.0\.1:1/,
      );
    },
  );
});
