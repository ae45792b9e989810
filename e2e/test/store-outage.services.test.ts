/**
 * Tests a store that is unavailable while the stream from a real Kafka goes on: MinIO is halted
 * under the history. The tests check the other store meanwhile, and the end of both.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type RunOptions,
  type StoreBackpressure,
  type Store,
} from "@tidemark/core";
import { type Position, valueAt } from "@tidemark/core/spi";
import {
  generateScenario,
  scenarioDefinitions,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { type OwnKafka, startKafkaTopics } from "@tidemark/testkit/services";
import { type Minio, startMinio } from "@tidemark/testkit/services/minio";
import {
  kafkaChanges,
  type KafkaChanges,
  type KafkaChangesOptions,
  type RecordedMessage,
} from "@tidemark/source-debezium";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { minioServer, realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed } = seedsFromEnvironment({ runs: 1 });

const outageScenario = (seed: number): Scenario =>
  generateScenario(seed, { traits: { changes: 300, partitions: 4, tailCut: false } });

/**
 * The first seed whose log fills at least four partitions early on, each with some messages. Two
 * runners then both have something to read, however the partitions are shared.
 */
function spreadSeed(from: number): number {
  for (let seed = from; ; seed++) {
    const messages = outageScenario(seed).lines.map((line) => JSON.parse(line) as RecordedMessage);
    const of = (some: RecordedMessage[]): string[] =>
      some.map(({ topic, partition }) => `${topic}:${partition}`);
    const early = of(messages.slice(0, Math.floor(0.4 * messages.length)));
    const partitions = [...new Set(of(messages))];
    const filled = (one: string): boolean => early.filter((place) => place === one).length >= 3;
    if (partitions.length >= 4 && partitions.every(filled)) return seed;
  }
}

const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("user_id"),
    amount: int64("amount"),
    time: timestamp("time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const user = entity("user", { keys: { user_id: string() } });
const paid = featureView("paid", {
  entity: user,
  source: payments,
  features: { payments: count().over("7d"), total: sum(payments.amount).over("7d") },
});

/** Both needs, so that the report names both. */
const needed = { missing: realKafka().missing ?? minioServer().missing };

suiteNeeding(needed, "with the history on a real MinIO that goes away", () => {
  let kafka: OwnKafka;
  let minio: Minio;
  let number = 0;
  beforeAll(async () => {
    [kafka, minio] = await Promise.all([startKafkaTopics(), startMinio()]);
    await minio.createBucket("lakes");
  });
  afterAll(async () => {
    await Promise.all([kafka.stop(), minio.stop()]);
  });
  /** A test that fails while MinIO is halted does not fail the next one. */
  afterEach(() => minio.resume());

  /** The SDK's seven attempts take seconds; a run retries on its own. */
  const lake = (prefix: string) =>
    s3Objects({
      bucket: "lakes",
      prefix,
      endpoint: minio.endpoint,
      credentials: minio.credentials,
    });
  const changes = (topics: RegExp, options: Partial<KafkaChangesOptions> = {}): KafkaChanges =>
    kafkaChanges({
      brokers: kafka.brokers,
      topics,
      onWarning: () => undefined,
      unreadable: "keep",
      ...options,
    });

  interface Place {
    readonly scenario: Scenario;
    readonly topics: RegExp;
    readonly lake: string;
    publish(from: number, to: number): Promise<void>;
    open(folder: string): Promise<Store>;
  }

  async function place(seed: number): Promise<Place> {
    const scenario = outageScenario(seed);
    const lines = scenario.lines.map((line) => {
      const message = JSON.parse(line) as RecordedMessage;
      return {
        ...message,
        timestamp: message.timestamp === null ? null : Number(message.timestamp),
      };
    });
    const name = `a${++number}`;
    const names = [...new Set(lines.map(({ topic }) => topic))];
    for (const topic of names)
      await kafka.topic(
        `${name}.${topic}`,
        1 + Math.max(...lines.map((line) => (line.topic === topic ? line.partition : 0))),
      );
    return {
      scenario,
      topics: new RegExp(`^${name}\\.`),
      lake: name,
      async publish(from, to) {
        const some = lines.slice(Math.floor(from * lines.length), Math.floor(to * lines.length));
        for (const topic of names)
          await kafka.publish(
            `${name}.${topic}`,
            some.filter((line) => line.topic === topic),
          );
      },
      open: (folder) =>
        openStore({
          definitions: scenarioDefinitions(scenario),
          ...keepingStores(realStores(folder, {}, lake(name)), { commit: { rows: 1 }, buckets: 2 }),
        }),
    };
  }

  interface Running {
    readonly source: KafkaChanges;
    readonly backpressure: StoreBackpressure[];
    stop(): Promise<void>;
  }

  /**
   * Starts a run in the background. If the run ends by itself, waiting for another event ends too.
   */
  function run(store: Store, from: KafkaChanges, options: RunOptions = {}): Running {
    const stop = new AbortController();
    const backpressure: StoreBackpressure[] = [];
    const ended = store
      .run(from, {
        signal: stop.signal,
        mismatch: 1,
        onBackpressure: (stall) => {
          backpressure.push(stall);
        },
        ...options,
      })
      .then(
        () => null,
        (error: unknown) => error,
      );
    void ended.then((error) => {
      if (!stop.signal.aborted) failure = error;
      return null;
    });
    return {
      source: from,
      backpressure,
      async stop() {
        const reason = new Error("enough");
        stop.abort(reason);
        expect(await ended).toBe(reason);
      },
    };
  }
  let failure: unknown = null;

  async function until(what: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = performance.now() + 120_000; ;) {
      if (failure !== null) throw failure;
      if (await what()) return;
      if (performance.now() > deadline) throw new Error(`waited in vain for ${String(what)}`);
      await sleep(50);
    }
  }

  const caughtUp = ({ source }: Running): boolean =>
    source.lag().length > 0 && source.lag().every(({ lag }) => lag === 0);
  const text = (parts: readonly (readonly Position[] | undefined)[]): string =>
    parts
      .flatMap((positions) =>
        (positions ?? []).map(({ partition, offset }) => `${partition} ${offset}`),
      )
      .toSorted()
      .join();
  const online = async (store: Store): Promise<string> =>
    text((await store.status()).map((one) => one.online?.positions));
  const history = async (store: Store): Promise<string> =>
    text((await store.status()).map((one) => one.history?.positions));

  async function expectOracle(
    store: Store,
    { scenario, topics, lake: prefix }: Place,
  ): Promise<void> {
    await store.run(changes(topics, { until: "caught-up" }), { mismatch: 1 });
    for (const asked of ["online", "as corrected", "as known"] as const)
      expect(await storeDifferences(store, scenario, scenario.requests, asked)).toEqual([]);
    await inFolder(async (folder) => {
      const { offline } = realStores(folder, {}, lake(prefix));
      for (const { name } of scenario.sources) {
        const places: string[] = [];
        const of = new Set(
          scenario.truth.flatMap((change) => (change.source === name ? [change.topic] : [])),
        );
        if (of.size > 0)
          for await (const batch of offline.scan(`${name}/changes`, {
            columns: ["_topic", "_partition", "_offset"],
          })) {
            for (let row = 0; row < batch.length; row++)
              places.push(batch.vectors.map((vector) => String(valueAt(vector, row))).join(":"));
          }
        // Every message in Kafka, once. There may be more than were sent: a producer whose answer
        // is late sends again.
        const expected: string[] = [];
        for (const topic of of) {
          for (const { partition, high } of await kafka.admin.fetchTopicOffsets(
            `${prefix}.${topic}`,
          ))
            for (let offset = 0; offset < Number(high); offset++)
              expected.push(`${prefix}.${topic}:${partition}:${offset}`);
        }
        expect(places.toSorted()).toEqual(expected.toSorted());
      }
    });
  }

  test(
    "the online store reaches the topics' head meanwhile; then the history does",
    { timeout: 600_000 },
    async () => {
      const there = await place(firstSeed);
      await inFolder(async (folder) => {
        const store = await there.open(folder);
        await there.publish(0, 0.3);
        let running = run(store, changes(there.topics, { batchMessages: 20 }));
        await until(
          async () =>
            caughtUp(running) &&
            (await online(store)) !== "" &&
            (await history(store)) === (await online(store)),
        );
        expect(running.backpressure).toEqual([]);

        await minio.halt();
        const before = await online(store);
        await there.publish(0.3, 0.5);
        await until(
          async () =>
            caughtUp(running) &&
            (await online(store)) !== before &&
            running.backpressure.length > 0,
        );
        const [{ history: unknown, backpressure }] = (await store.status()) as [
          Awaited<ReturnType<Store["status"]>>[number],
        ];
        expect(unknown).toBeNull();
        expect(backpressure).toMatchObject([
          { role: "history", error: { code: "OBJECTS_UNREACHABLE" }, caughtUp: false },
        ]);

        // One run is stopped meanwhile, and one starts meanwhile. The latter has no position in the
        // history, and begins at that of the online store.
        await running.stop();
        running = run(store, changes(there.topics, { batchMessages: 20 }));
        await there.publish(0.5, 0.8);
        await until(
          async () =>
            caughtUp(running) && running.backpressure.some(({ independent }) => independent),
        );

        await minio.resume();
        await until(async () => running.backpressure.some(({ caughtUp }) => caughtUp));
        expect(await history(store)).toBe(await online(store));
        await there.publish(0.8, 1);
        await until(
          async () => caughtUp(running) && (await history(store)) === (await online(store)),
        );
        await running.stop();
        await expectOracle(store, there);
        await store.close();
      });
    },
  );

  test(
    "two runners of one group with late histories read on their own, then share again",
    { timeout: 600_000 },
    async () => {
      const there = await place(spreadSeed(firstSeed + 1));
      await inFolder(async (folder) => {
        const stores = [await there.open(folder), await there.open(folder)];
        const [store] = stores as [Store];
        await there.publish(0, 0.4);
        await minio.halt();
        const start = (one: Store): Running =>
          run(
            one,
            changes(there.topics, {
              batchMessages: 3,
              groupId: `away${number}`,
              consumer: { heartbeatInterval: 200, rebalanceTimeout: 5_000, sessionTimeout: 6_000 },
            }),
          );
        const a = start(stores[0]!);
        await until(() => caughtUp(a) && a.backpressure.some(({ independent }) => independent));
        const b = start(stores[1]!);
        await until(
          () => caughtUp(a) && caughtUp(b) && b.backpressure.some(({ independent }) => independent),
        );
        const shares = [a.source.lag().length, b.source.lag().length];
        await minio.resume();
        await there.publish(0.4, 0.7);
        await until(
          () =>
            a.backpressure.some(({ caughtUp }) => caughtUp) &&
            b.backpressure.some(({ caughtUp }) => caughtUp),
        );
        await until(
          async () =>
            caughtUp(a) && caughtUp(b) && (await history(store)) === (await online(store)),
        );
        await a.stop();
        await there.publish(0.7, 1);
        await until(
          async () =>
            b.source.lag().length === shares[0]! + shares[1]! &&
            caughtUp(b) &&
            (await history(store)) === (await online(store)),
        );
        await b.stop();
        console.log(`stores away: partitions ${shares.join(" + ")}`);
        expect(shares.every((share) => share > 0)).toBe(true);
        await expectOracle(store, there);
        for (const one of stores) await one.close();
      });
    },
  );

  test(
    "a full queue detaches the history: the online store goes on, then the history",
    { timeout: 600_000 },
    async () => {
      const topic = `bulk${++number}.public.payments`;
      await kafka.topic(topic, 2);
      const at = Date.UTC(2026, 0, 10) * 1000;
      const many = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => {
          const id = from + i;
          const after = { id, user_id: `u${id % 7}`, amount: id, time: at - id };
          return {
            partition: id % 2,
            timestamp: at / 1000 + id,
            key: JSON.stringify({ id }),
            value: JSON.stringify({
              before: null,
              after,
              source: { schema: "public", table: "payments", lsn: 1000 + id, ts_us: at + id },
              op: "c",
            }),
            headers: {},
          };
        });
      const all = 60_000;
      await inFolder(async (folder) => {
        const store = await openStore({
          definitions: { paid },
          ...keepingStores(realStores(folder, {}, lake("bulk")), { commit: { rows: 5_000 } }),
          clock: () => new Date(at / 1000),
        });
        const topics = new RegExp(`^bulk${number}\\.`);
        const running = run(store, changes(topics));
        await kafka.publish(topic, many(0, 10_000));
        // not all of them: this clock stands still, so fewer than 5,000 changes after a commit
        // never become old
        await until(
          async () =>
            caughtUp(running) && ((await store.status())[0]!.history?.changes ?? 0) >= 5_000,
        );
        await minio.halt();
        await kafka.publish(topic, many(10_000, all));
        await until(
          () => caughtUp(running) && running.backpressure.some(({ independent }) => independent),
        );
        await until(async () =>
          (await store.status())[0]!.online!.positions.every(
            ({ offset }) => offset === all / 2 - 1,
          ),
        );
        const ofUser = (n: number): { payments: bigint; total: bigint } => {
          const ids = Array.from({ length: all }, (_, id) => id).filter(
            (id) => id % 7 === n && id > 0,
          );
          return {
            payments: BigInt(ids.length),
            total: BigInt(ids.reduce((total, id) => total + id, 0)),
          };
        };
        const answers = await store.getOnlineFeatures({
          features: paid,
          entities: [0, 3].map((n) => ({ user_id: `u${n}` })),
        });
        expect(answers.map((row) => [BigInt(row.payments), row.total])).toEqual(
          [0, 3].map((n) => Object.values(ofUser(n))),
        );
        await minio.resume();
        await until(() => running.backpressure.some(({ caughtUp }) => caughtUp));
        await running.stop();
        await store.run(changes(topics, { until: "caught-up" }));
        expect((await store.status())[0]!.history!.changes).toBe(all);
        const labels = [0, 3].map((n) => ({
          user_id: `u${n}`,
          event_timestamp: new Date(at / 1000),
        }));
        const rows = await (
          await store.getHistoricalFeatures({ features: paid, entities: labels })
        ).rows();
        expect(rows.map((row) => [BigInt(row.payments), row.total])).toEqual(
          [0, 3].map((n) => Object.values(ofUser(n))),
        );
        await store.close();
      });
    },
  );
});
