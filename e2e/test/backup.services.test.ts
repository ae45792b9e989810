/**
 * A backup over a real Kafka and a lake in a real MinIO, while a run writes and a process answers.
 * Restored at another place, a run goes on: nothing is lost, and nothing is taken twice.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import { openStore, restoreBackup, type Store } from "@tidemark/core";
import { valueAt, type OfflineStore } from "@tidemark/core/spi";
import { kafkaChanges, type RecordedMessage } from "@tidemark/source-debezium";
import { generateScenario, scenarioDefinitions, seedsFromEnvironment } from "@tidemark/testkit";
import { minioServer, realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { ownBucket, ownTopics } from "@tidemark/testkit/services/shared";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { inFolder, keepingStores, realStores } from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const needed = { missing: realKafka().missing ?? minioServer().missing };

/** The place of every message in the change logs, with its repetitions. */
async function placesIn(offline: OfflineStore, sources: readonly string[]): Promise<string[]> {
  const places: string[] = [];
  for (const source of sources)
    for await (const batch of offline.scan(`${source}/changes`, {
      columns: ["_topic", "_partition", "_offset"],
    }))
      for (let row = 0; row < batch.length; row++)
        places.push(batch.vectors.map((vector) => String(valueAt(vector, row))).join(":"));
  return places.toSorted();
}

suiteNeeding(needed, "a backup over a real Kafka and a real MinIO", () => {
  test.each(["copy", "pin"] as const)(
    "with a %s of the history, restored: nothing is lost or doubled",
    { timeout: 240_000 },
    (history) =>
      inFolder(async (folder) => {
        const [kafka, bucket] = [await ownTopics(), await ownBucket()];
        const scenario = generateScenario(seed, {
          traits: { changes: 400, partitions: 3, tailCut: false },
        });
        const prefix = `backup-${history}-${seed}.`;
        const messages = scenario.lines.map((line) => {
          const { timestamp, ...rest } = JSON.parse(line) as RecordedMessage;
          return { ...rest, timestamp: timestamp === null ? null : Number(timestamp) };
        });
        const topics = [...new Set(messages.map(({ topic }) => topic))];
        for (const topic of topics) {
          const own = messages.filter((message) => message.topic === topic);
          await kafka.topic(prefix + topic, 1 + Math.max(...own.map(({ partition }) => partition)));
        }
        const publish = async (from: number, to: number): Promise<void> => {
          const some = messages.slice(from * messages.length, to * messages.length);
          for (const topic of topics)
            await kafka.publish(
              prefix + topic,
              some.filter((message) => message.topic === topic),
            );
        };
        const lake = (name: string) => s3Objects({ ...bucket, prefix: name });
        const storesIn = (place: string, name: string) => {
          mkdirSync(join(folder, place), { recursive: true });
          return realStores(join(folder, place), {}, lake(name));
        };
        const definitions = scenarioDefinitions(scenario);
        const open = (stores: ReturnType<typeof storesIn>): Promise<Store> =>
          openStore({
            definitions,
            ...keepingStores(stores, { commit: { rows: 15 }, buckets: 2 }),
          });
        const changes = () =>
          kafkaChanges({
            brokers: kafka.brokers,
            topics: new RegExp(`^${prefix.replaceAll(".", "\\.")}`),
            unreadable: "keep",
            until: "caught-up",
            batchMessages: 5,
            onWarning: () => undefined,
          });
        const ask = (store: Store) =>
          storeDifferences(store, scenario, scenario.requests.slice(0, 5), "online");

        await publish(0, 0.3);
        const writer = await open(storesIn("first", "first"));
        await writer.run(changes(), { mismatch: 1 });
        await publish(0.3, 0.8);
        // a run, a process that answers and the backup work at the same time
        const backup = join(folder, "backup");
        const server = await open(storesIn("first", "first"));
        let isServing = true;
        const served = (async () => {
          for (; isServing; await sleep(5)) await ask(server);
        })();
        const backer = await open(storesIn("first", "first"));
        const running = writer.run(changes(), { mismatch: 1 });
        const manifest = await backer.backup({ to: backup, history });
        await running;
        isServing = false;
        await served;
        for (const store of [writer, server, backer]) await store.close();
        expect(manifest.history?.tables.length).toBeGreaterThan(0);

        // the machine of the first stores is gone; a pinned history stays in the bucket
        const restoredLake = history === "copy" ? "restored" : "first";
        const restore = (check: boolean) =>
          restoreBackup({ from: backup, definitions, check, ...storesIn("second", restoredLake) });
        const checked = await restore(true);
        expect(await restore(false)).toEqual(checked);
        await publish(0.8, 1);
        const stores = storesIn("second", restoredLake);
        const store = await open(stores);
        await store.run(changes(), { mismatch: 1 });
        for (const asked of ["online", "as corrected", "as known"] as const)
          expect(await storeDifferences(store, scenario, scenario.requests, asked)).toEqual([]);
        expect((await store.status()).map(({ problem }) => problem)).toEqual(
          scenario.sources.map(() => null),
        );
        await store.close();
        const places = await placesIn(
          stores.offline,
          scenario.sources.map(({ name }) => name),
        );
        expect(places).toEqual([...new Set(places)]);
      }),
  );
});
