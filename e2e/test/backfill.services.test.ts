/**
 * Tests the backfill of an empty or old online store from the history, on the stores that users
 * have. On a real Kafka and MinIO, the topic's beginning is missing.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import { isTidemarkError, micros, openStore, type Store } from "@tidemark/core";
import { memoryOfflineData, memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  otherDelivery,
  Random,
  requestKeys,
  scenarioDefinitions,
  scenarioSource,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import type { ObjectStore } from "@tidemark/delta";
import { ownBucket, ownTopics } from "@tidemark/testkit/services/shared";
import { kafkaChanges, type RecordedMessage } from "@tidemark/source-debezium";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { minioServer, realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { startChildProgram } from "../src/child-programs.ts";
import { logWithGap, changesOf } from "../src/resnapshot-scenario.ts";
import { keepingStores, inFolder, realStores, type RealStores } from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 8 });
const LONG = { changes: 400, tailCut: false };
const MOST_KILLS = 12;

const open = (scenario: Scenario, stores: RealStores): Promise<Store> =>
  openStore({
    definitions: scenarioDefinitions(scenario),
    ...keepingStores(stores, { commit: { rows: 11 }, buckets: 2 }),
  });

/** Joins files, which leaves them in another order than they were written in. */
async function joinFiles(
  { sources }: Scenario,
  { offline }: RealStores,
  random: Random,
): Promise<void> {
  for (const { name } of sources) {
    if ((await offline.state(`${name}/changes`)) !== null)
      await offline.optimize(`${name}/changes`, { targetBytes: random.between(20_000, 60_000) });
  }
}

function removeOnline(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => one.startsWith("online.db")))
    rmSync(join(folder, name));
}

async function expectOracle(
  store: Store,
  scenario: Scenario,
  truth: Scenario["truth"] = scenario.truth,
): Promise<void> {
  const found: string[] = [];
  for (const asked of ["online", "as corrected", "as known"] as const)
    found.push(...(await storeDifferences(store, scenario, scenario.requests, asked, { truth })));
  expect(found).toEqual([]);
}

test(
  "SQLite filled from joined Delta files, then from the log, has the oracle's bits",
  { timeout: 300_000 },
  async () => {
    let taken = 0;
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const scenario = generateScenario(seed);
      const random = new Random(seed);
      await inFolder(async (folder) => {
        const order = otherDelivery(scenario, random);
        const cut = random.int(order.length) + 1;
        const first = await open(scenario, realStores(folder));
        await first.run(scenarioSource(scenario, order.slice(0, cut)), { mismatch: 1 });
        await first.close();
        removeOnline(folder);
        const stores = realStores(folder);
        await joinFiles(scenario, stores, random);
        const store = await open(scenario, stores);
        taken += (await store.backfill({ batchRows: random.pick([3, 50, 5_000]) })).changes;
        // sources without a history are ready after a run
        await store.run(scenarioSource(scenario, []), { mismatch: 1 });
        await expectOracle(
          store,
          scenario,
          order
            .slice(0, cut)
            .flat()
            .map((line) => scenario.truth[line]!),
        );
        await store.run(scenarioSource(scenario, order), { mismatch: 1 });
        await expectOracle(store, scenario);
        await store.close();
      });
    }
    console.log(`backfill: ${seeds} seeds, ${taken} changes from Delta into SQLite`);
    expect(taken).toBeGreaterThan(seeds * 10);
  },
);

test(
  "a new generation in the history fills an empty or older store as the live one",
  { timeout: 300_000 },
  async () => {
    const met = { logs: 0, unfinished: 0, answers: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds * 3; seed++) {
      const log = logWithGap(seed, (["retained", "recreated", "restored"] as const)[seed % 3]!);
      if (log === null) continue;
      const { scenario } = log;
      const offline = memoryOfflineStore(memoryOfflineData());
      const make = (online = memoryOnlineStore()): Promise<Store> =>
        openStore({
          definitions: scenarioDefinitions(scenario),
          online: { store: online, retention: "forever" },
          offline: { store: offline, commit: { rows: 9 }, buckets: 2 },
          clock: () => new Date(4_200_000_000_000),
        });
      const random = (): Random => new Random(seed);
      const live = await make();
      await live.run(changesOf("before", log.before, random()), { mismatch: 1 });
      const old = await make();
      await old.backfill();
      for (const { name } of scenario.sources) {
        await live
          .resnapshot(name, changesOf(name, log.after, random()), { mismatch: 1 })
          .catch((error: unknown) => {
            if (!isTidemarkError(error, "SNAPSHOT_INCOMPLETE")) throw error;
            met.unfinished++;
          });
      }
      const empty = await make();
      for (const store of [old, empty]) await store.backfill({ batchRows: 7 });
      const expectAlike = async (): Promise<void> => {
        const [expected, ...others] = await Promise.all(
          [live, old, empty].map((store) => said(store, scenario)),
        );
        for (const other of others) expect(other, `seed ${seed}`).toEqual(expected);
        met.answers += scenario.requests.length;
      };
      await expectAlike();
      for (const store of [live, old, empty])
        await store.run(changesOf("rest", log.after, random()), { mismatch: 1 });
      await expectAlike();
      met.logs++;
    }
    console.log(`backfill: generations ${JSON.stringify(met)}`);
    expect(met.logs).toBeGreaterThan(0);
  },
);

/** Returns the answers of the online store, and its status. */
async function said(store: Store, scenario: Scenario): Promise<unknown> {
  const { all } = scenarioDefinitions(scenario);
  const rows: unknown[] = [];
  for (const request of scenario.requests)
    rows.push(
      await store.getOnlineFeatures({
        features: all,
        entity: requestKeys(scenario, request),
        asOf: micros(request.time),
        metadata: true,
      }),
    );
  // a store that no run has filled has no measure of the lag
  const status = (await store.status()).map((one) => ({ ...one, lag: null, lagUnknown: null }));
  return { rows, status };
}

const needs = [realKafka(), minioServer()].find(({ missing }) => missing !== null) ?? {
  missing: null,
};

suiteNeeding(
  needs,
  "a topic whose beginning is gone, on a real Kafka, with the history in a bucket of a real MinIO",
  () => {
    test(
      "backfill killed with -9 repeatedly ends in the oracle's bits, and the run goes on",
      { timeout: 600_000 },
      async () => {
        const [kafka, bucket] = await Promise.all([ownTopics(), ownBucket()]);
        try {
          const objects = (): ObjectStore => s3Objects(bucket);
          const scenario = generateScenario(firstSeed, { traits: LONG });
          const lines = scenario.lines
            .map((line) => JSON.parse(line) as RecordedMessage)
            .map((message) => ({
              ...message,
              timestamp: message.timestamp === null ? null : Number(message.timestamp),
            }));
          const topics = [...new Set(lines.map(({ topic }) => topic))];
          for (const topic of topics)
            await kafka.topic(
              topic,
              1 + Math.max(...lines.map((line) => (line.topic === topic ? line.partition : 0))),
            );
          const publish = async (from: number, to: number): Promise<void> => {
            for (const topic of topics)
              await kafka.publish(
                topic,
                lines.slice(from, to).filter((line) => line.topic === topic),
              );
          };
          const changes = () =>
            kafkaChanges({
              unreadable: "keep",
              brokers: kafka.brokers,
              topics,
              until: "caught-up",
              batchMessages: 10,
              onWarning: () => undefined,
            });

          await inFolder(async (folder) => {
            const [empty, old] = [join(folder, "empty"), join(folder, "old")];
            for (const one of [empty, old]) mkdirSync(one);
            const [early, middle] = [
              Math.floor(lines.length * 0.2),
              Math.floor(lines.length * 0.6),
            ];
            await publish(0, early);
            const first = await open(scenario, realStores(empty, {}, objects()));
            await first.run(changes(), { mismatch: 1 });
            await first.close();
            cpSync(empty, old, { recursive: true });
            await publish(early, middle);
            const second = await open(scenario, realStores(empty, {}, objects()));
            await second.run(changes(), { mismatch: 1 });
            const status = await second.status();
            await second.close();
            removeOnline(empty);
            await joinFiles(scenario, realStores(empty, {}, objects()), new Random(firstSeed));
            // as retention does: the topics lose everything that the history has
            for (const { partition, offset } of status.flatMap(
              ({ history }) => history?.positions ?? [],
            )) {
              const at = partition.lastIndexOf(":");
              await kafka.admin.fetchTopicOffsets(partition.slice(0, at));
              await kafka.admin.deleteTopicRecords({
                topic: partition.slice(0, at),
                partitions: [
                  { partition: Number(partition.slice(at + 1)), offset: String(offset + 1) },
                ],
              });
            }
            await publish(middle, middle + 5);

            for (const [name, place] of [
              ["empty", empty],
              ["old", old],
            ] as const) {
              const lost = await open(scenario, realStores(place, {}, objects()));
              await expect(lost.run(changes(), { mismatch: 1 })).rejects.toMatchObject({
                code: "LOG_LOST",
                message: expect.stringContaining("call store.backfill() first") as string,
              });
              await lost.close();
              const { kills, refused } = await killedBackfill(
                scenario,
                place,
                bucket,
                name === "empty" ? scenario.truth.slice(0, middle) : null,
              );
              console.log(
                `backfill: ${name} online store, killed ${kills} times, ` +
                  `${refused} times refused meanwhile`,
              );
              expect(kills).toBeGreaterThan(4);
              // one of the requests may have come after the end
              if (name === "empty") expect(refused).toBeGreaterThanOrEqual(kills - 1);
            }
            for (const place of [empty, old]) {
              const store = await open(scenario, realStores(place, {}, objects()));
              await expectOracle(store, scenario, scenario.truth.slice(0, middle));
              await store.close();
            }
            await publish(middle + 5, lines.length);
            for (const place of [empty, old]) {
              const store = await open(scenario, realStores(place, {}, objects()));
              await store.run(changes(), { mismatch: 1 });
              await expectOracle(store, scenario);
              await store.close();
            }
          });
        } finally {
          await kafka.stop();
        }
      },
    );
  },
);

/**
 * Kills the backfill before or after a commit, until it ends by itself. Meanwhile an empty store
 * refuses or answers `whole`, and an old store answers.
 */
async function killedBackfill(
  scenario: Scenario,
  folder: string,
  bucket: Parameters<typeof s3Objects>[0],
  whole: Scenario["truth"] | null,
): Promise<{ readonly kills: number; readonly refused: number }> {
  const random = new Random(firstSeed);
  let kills = 0;
  let refused = 0;
  for (;;) {
    const settings = {
      folder,
      seed: scenario.seed,
      traits: LONG,
      bucket,
      dieAt: kills < MOST_KILLS ? random.between(2, 9) : 0,
    };
    const child = startChildProgram("backfill.ts", [JSON.stringify(settings)]);
    if ((await child.ended).how !== "SIGKILL") {
      await child.succeeded();
      return { kills, refused };
    }
    kills++;
    const store = await openStore({
      definitions: scenarioDefinitions(scenario),
      ...keepingStores(realStores(folder, {}, s3Objects(bucket))),
    });
    try {
      const found = await storeDifferences(store, scenario, scenario.requests, "online", {
        truth: whole ?? scenario.truth,
      });
      if (whole !== null) expect(found).toEqual([]);
    } catch (error) {
      if (!isTidemarkError(error, "NEEDS_BACKFILL")) throw error;
      refused++;
    }
    await store.close();
  }
}
