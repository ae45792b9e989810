/**
 * Measures messages per second from a real Kafka topic into both stores: SQLite, and Delta on
 * MinIO. The comparison is kafkajs, which consumes the same topic and does nothing. In between,
 * each part is measured: decoding alone, the online store alone, the history alone. Rounds
 * alternate; the medians are compared.
 *
 *     npm run bench -- stream [messages] [rounds]
 */
import { openStore } from "@tidemark/core";
import { s3Objects } from "@tidemark/adapter-minio";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore } from "@tidemark/delta";
import { kafkaChanges } from "@tidemark/source-debezium";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bankCommits, DAY } from "../packages/demo-pipeline/src/bank.ts";
import { debeziumMessages, topicOf } from "../packages/demo-pipeline/src/debezium.ts";
import { type Message, startKafkaTopics } from "@tidemark/testkit/services/kafka-topics";
import { startMinio } from "@tidemark/testkit/services/minio";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { median } from "./figures.ts";
import { exitIfMissing, needKafka, needMinio } from "./stream-needs.ts";

exitIfMissing(needKafka(), needMinio());
const [wanted = 100_000, rounds = 5] = process.argv.slice(2).map(Number);
const DAYS = 8;
const start = new Date("2026-03-02T00:00:00Z");
const topic = topicOf("transaction_data");
const BUCKET = "bench";

/**
 * Makes the messages of the demo's bank, about 70 transactions per user and week, as its connector
 * writes them.
 */
function bankMessages(): Message[] {
  const toLines = debeziumMessages();
  const messages: Message[] = [];
  const perDay = Math.ceil(wanted / DAYS / 1.1);
  for (const commit of bankCommits({
    seed: 7,
    users: Math.ceil(perDay / 10),
    transactionsPerDay: perDay,
    days: DAYS,
    start,
    invalidEvery: 2_500,
  })) {
    for (const { table, line } of toLines(commit)) {
      if (table === "transaction_data")
        messages.push({ ...(JSON.parse(line) as Message), partition: 0 });
    }
  }
  return messages;
}

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const [kafka, minio] = await Promise.all([startKafkaTopics(), startMinio()]);
try {
  await minio.createBucket(BUCKET);
  const messages = bankMessages();
  const count = messages.length;
  const bytes = messages.reduce(
    (sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0),
    0,
  );
  await kafka.topic(topic);
  await kafka.publish(topic, messages);
  messages.length = 0;
  console.log(`${count} messages, ${(bytes / 2 ** 20).toFixed(0)} MiB, in one partition`);

  /** Runs the bare consumer, with Tidemark's settings where they matter. */
  async function nothing(): Promise<number> {
    const began = performance.now();
    const consumer = kafka.client.consumer({ groupId: `nothing-${began}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    let seen = 0;
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            seen += batch.messages.length;
            if (seen === count) resolve();
          },
        })
        .catch(reject);
    });
    const took = performance.now() - began;
    await consumer.disconnect();
    return took;
  }

  let number = 0;
  async function into(parts: {
    readonly online?: boolean;
    readonly history?: boolean;
  }): Promise<{ readonly took: number; readonly finish: number }> {
    const name = `r${++number}`;
    const objects = s3Objects({
      bucket: BUCKET,
      prefix: name,
      endpoint: minio.endpoint,
      credentials: minio.credentials,
    });
    const store = await openStore({
      definitions: { weekly },
      clock: () => new Date(start.getTime() + DAYS * DAY),
      ...(parts.online === true ? { online: sqliteOnlineStore(join(folder, `${name}.db`)) } : {}),
      ...(parts.history === true ? { offline: deltaOfflineStore(objects) } : {}),
    });
    const began = performance.now();
    let last = began;
    const { changes } = await store.run(
      kafkaChanges({ brokers: kafka.brokers, topics: topic, until: "caught-up" }),
      {
        onProgress: () => {
          last = performance.now();
        },
      },
    );
    const ended = performance.now();
    await store.close();
    for (const end of ["", "-wal", "-shm"])
      rmSync(join(folder, `${name}.db${end}`), { force: true });
    if (changes !== count) throw new Error(`${changes} of ${count} messages came into the stores`);
    return { took: ended - began, finish: ended - last };
  }

  /** Runs the source alone: messages are decoded and dropped. */
  async function decoded(): Promise<number> {
    const changes = kafkaChanges({ brokers: kafka.brokers, topics: topic, until: "caught-up" });
    const store = await openStore({
      definitions: { weekly },
      online: sqliteOnlineStore(":memory:"),
    });
    const began = performance.now();
    let seen = 0;
    await store.run({
      name: changes.name,
      async *changes(options) {
        for await (const batch of changes.changes(options)) seen += batch.changes.length;
        yield { changes: [], positions: [] };
      },
    });
    const took = performance.now() - began;
    await store.close();
    if (seen !== count) throw new Error(`${seen} of ${count} messages were decoded`);
    return took;
  }

  const times = {
    nothing: [] as number[],
    decoded: [] as number[],
    online: [] as number[],
    history: [] as number[],
    both: [] as number[],
    finish: [] as number[],
  };
  const cases: readonly (() => Promise<unknown>)[] = [
    async () => times.nothing.push(await nothing()),
    async () => {
      const { took, finish } = await into({ online: true, history: true });
      times.both.push(took);
      times.finish.push(finish);
    },
    async () => times.decoded.push(await decoded()),
    async () => times.online.push((await into({ online: true })).took),
    async () => times.history.push((await into({ history: true })).took),
  ];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < cases.length; i++) await cases[(i + round) % cases.length]!();
    console.log(
      `round ${round + 1} of ${rounds}: ${Object.entries(times)
        .map(([name, list]) => `${name} ${(list.at(-1)! / 1000).toFixed(2)} s`)
        .join(", ")}`,
    );
  }
  const rate = (list: readonly number[]): number => Math.round(count / (median(list) / 1000));
  const rates = {
    nothing: rate(times.nothing),
    decoded: rate(times.decoded),
    online: rate(times.online),
    history: rate(times.history),
    both: rate(times.both),
  };
  console.log(
    "messages a second, from the start of a run to its end: " +
      `kafkajs doing nothing ${rates.nothing}, decoded ${rates.decoded}, ` +
      `into SQLite ${rates.online}, into Delta on MinIO ${rates.history}, ` +
      `into both ${rates.both}; of that, ${(median(times.finish) / 1000).toFixed(2)} s ` +
      "after the last batch (commit and compaction of the history)",
  );
  console.log(
    JSON.stringify({
      bench: "stream",
      messages: count,
      rounds,
      perSecond: rates,
      ratio: Number((rates.both / rates.nothing).toFixed(3)),
      finishSeconds: Number((median(times.finish) / 1000).toFixed(2)),
    }),
  );
} finally {
  await kafka.stop();
  await minio.stop();
  rmSync(folder, { recursive: true, force: true });
}
