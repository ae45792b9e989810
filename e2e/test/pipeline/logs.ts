/**
 * Tests faults of the log and of the history's place: a poison message, a retention that has passed
 * the stored offsets, a disk without space.
 */
import { isTidemarkError } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { localObjects } from "@tidemark/delta";
import type { Pipeline } from "@tidemark/testkit/services";
import { kafkaChanges } from "@tidemark/source-debezium";
import kafkajs from "kafkajs";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onSmallDisk, smallDisks } from "@tidemark/testkit/small-disk";
import { suiteNeeding } from "@tidemark/testkit/suite-needing";
import { expect, test } from "vitest";
import { checkText } from "../../src/pipeline-check.ts";
import { bank } from "../../src/pipeline-definitions.ts";
import { connected, startLoad } from "../../src/pipeline-load.ts";
import {
  catchUp,
  checkFlow,
  lakeIn,
  openFlow,
  startFlow,
  startRunner,
  untilTrue,
} from "../../src/pipeline-run.ts";
import { inFolder, realStores, type RealStores } from "../../src/real-stores.ts";

export function logTests(pipelineOf: () => Pipeline): void {
  test(
    "poison is quarantined by name; the row's next readable change brings it back",
    { timeout: 400_000 },
    async () => {
      const pipeline = pipelineOf();
      const { kafka } = pipeline;
      const { first: seed } = seedsFromEnvironment({ runs: 1 });
      const flow = await startFlow(pipeline, "poison");
      await inFolder(async (folder) => {
        const stores = (): RealStores => realStores(folder, {}, lakeIn(pipeline, flow.name));
        const from = { brokers: kafka.brokers, topics: flow.topics };
        let load = startLoad(flow.url, seed);
        const database = await connected(flow.url);
        const put = (id: number): Promise<unknown> =>
          database.query(
            `INSERT INTO public.transaction_data (id, "User ID", "Time", "Amount")
            VALUES ($1, 'user_1', '2026-11-20 00:00:00', 1)
            ON CONFLICT (id) DO UPDATE SET "Amount" = 2`,
            [id],
          );
        const store = await openFlow(bank, stores());
        const runner = startRunner(store, from);
        await untilTrue("the first changes", () => runner.taken > 300);
        await load.stop();
        await runner.stop();
        await put(5_000_002);
        await flow.waitForReplication();
        await catchUp(store, from);

        const rows = bank.sources.find(({ spec }) => spec.name === "transactions")!.rows!;
        const countOf = async (id: bigint): Promise<number> =>
          Number(
            valueAt(
              (
                await store.getOnlineBatch({
                  features: rows,
                  entities: [{ id }],
                  asOf: "2090-01-01T00:00:00Z",
                })
              ).vectors[0]!,
              0,
            ),
          );
        expect(await countOf(5_000_002n)).toBe(1);
        const counted = async (): Promise<number> =>
          (await store.status()).find(({ source }) => source === "transactions")!.online!
            .quarantinedChanges;
        const listed = async (): Promise<string[]> =>
          (await store.quarantine("transactions"))
            .map(({ key, reason }) => `${String(key["id"])} ${reason}`)
            .filter((row) => row.startsWith("500000"))
            .sort();
        const [before, topic] = [await counted(), `${flow.name}.public.transaction_data`];
        await publish(kafka.brokers, topic, [
          ['{"id":5000001}', "<html>502 Bad Gateway</html>"],
          ['{"id":5000002}', '{"op":"x","source":{},"after":{"id":5000002}}'],
          ['{"id":5000003}', "[1, 2]"],
          ['{"id":5000004}', '{"id":5000004,"Amount"'],
          ["no key", "no value"],
          [null, '"text"'],
          ['{"id":"abc"}', "\u0000\u0001"],
        ]);
        await catchUp(store, from);
        expect(await listed()).toEqual([
          "5000001 FORMAT_XML",
          "5000002 OP_UNKNOWN",
          "5000003 VALUE_NOT_AN_OBJECT",
          "5000004 VALUE_NOT_JSON",
        ]);
        expect(await counted()).toBe(before + 7);
        expect(await countOf(5_000_002n)).toBe(0);
        load = startLoad(flow.url, seed + 1);
        const later = startRunner(store, from);
        await untilTrue("what comes behind the poison", () => later.taken > 300);
        expect([...later.errors]).toEqual([]);
        for (const id of [5_000_001, 5_000_002, 5_000_003, 5_000_004]) await put(id);
        await untilTrue("the rows to come back", async () => (await listed()).length === 0);
        await database.end();
        await load.stop();
        await later.stop();
        await store.close();
        const result = await checkFlow(pipeline, flow, bank, stores(), seed);
        console.log(
          `pipeline poison: 7 messages, ${load.transactions} transactions behind them; ` +
            `${checkText(result)}`,
        );
        expect(result.differences.slice(0, 20)).toEqual([]);
      });
      await flow.close();
    },
  );

  test(
    "retention past the stored offset is LOG_LOST; a new snapshot and resnapshot repair it",
    { timeout: 400_000 },
    async () => {
      const pipeline = pipelineOf();
      const { kafka } = pipeline;
      const { first: seed } = seedsFromEnvironment({ runs: 1 });
      const flow = await startFlow(pipeline, "expired");
      await inFolder(async (folder) => {
        const load = startLoad(flow.url, seed);
        const stores = (): RealStores => realStores(folder, {}, lakeIn(pipeline, flow.name));
        const store = await openFlow(bank, stores());
        await untilTrue("the first changes", () => load.transactions > 100);
        await catchUp(store, { brokers: kafka.brokers, topics: flow.topics });
        const more = load.transactions + 100;
        await untilTrue("changes that no run has taken", () => load.transactions > more);
        await load.stop();
        await flow.waitForReplication();
        const before = await store.status();
        const topic = `${flow.name}.public.transaction_data`;
        const admin = new kafkajs.Kafka({
          brokers: [...kafka.brokers],
          logLevel: kafkajs.logLevel.NOTHING,
        }).admin();
        await admin.connect();
        const ends = await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({
          topic,
          partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
        });
        await admin.disconnect();
        const error: unknown = await store
          .run(
            kafkaChanges({
              brokers: kafka.brokers,
              topics: flow.topics,
              onWarning: () => undefined,
            }),
          )
          .then(
            () => null,
            (thrown: unknown) => thrown,
          );
        expect(isTidemarkError(error, "LOG_LOST"), String(error)).toBe(true);
        expect((error as Error).message).toMatch(
          new RegExp(
            `${topic.replaceAll(".", "\\.")}, partition \\d: changes up ` +
              "to offset \\d+ were applied, and the log now begins at \\d+.*store\\.resnapshot",
          ),
        );
        // transactions keep their positions and answers; the other tables may have gone on as far
        // as their topics went before the error
        expect((await store.status()).find(({ source }) => source === "transactions")).toEqual(
          before.find(({ source }) => source === "transactions"),
        );
        console.log(
          `pipeline retention: ${load.transactions} transactions; ${(error as Error).message}`,
        );

        const again = await flow.withNewConnector("expired_again");
        const later = startLoad(flow.url, seed + 1);
        for (const { source } of await store.status()) {
          const { generation } = await store.resnapshot(
            source,
            kafkaChanges({
              brokers: kafka.brokers,
              topics: again.topics,
              until: "caught-up",
              onWarning: () => undefined,
            }),
          );
          expect(generation).toBe(1);
        }
        await untilTrue("changes behind the snapshot", () => later.transactions > 50);
        await later.stop();
        await store.close();
        const result = await checkFlow(pipeline, again, bank, stores(), seed);
        console.log(`pipeline retention: begun anew; ${checkText(result)}`);
        expect(result.differences.slice(0, 20)).toEqual([]);
        await again.close();
      });
      await flow.close();
    },
  );

  suiteNeeding(smallDisks(), "on a small disk", () => {
    test(
      "a full disk under the history is named, half-writes nothing, and can recover",
      { timeout: 400_000 },
      async () => {
        const pipeline = pipelineOf();
        const { first: seed } = seedsFromEnvironment({ runs: 1 });
        await inFolder(async (folder) => {
          const disk = join(folder, "disk");
          mkdirSync(disk);
          await onSmallDisk(disk, "16m", async () => {
            const flow = await startFlow(pipeline, "disk");
            const lake = join(disk, "lake");
            const stores = (): RealStores => realStores(folder, {}, localObjects(lake));
            const load = startLoad(flow.url, seed);
            const store = await openFlow(bank, stores());
            const runner = startRunner(store, {
              brokers: pipeline.kafka.brokers,
              topics: flow.topics,
            });
            await untilTrue("the first changes", () => runner.taken > 300);
            const random = new Random(seed);
            let refused = 0;
            for (let round = 0; round < 3; round++) {
              fill(join(disk, "ballast"), random.int(30));
              await untilTrue(
                "the disk to refuse",
                () => (runner.errors.get("OBJECTS_FULL") ?? 0) > refused,
              );
              refused = runner.errors.get("OBJECTS_FULL")!;
              // committed data is whole, though the disk is full
              const held = await messagesIn(stores());
              rmSync(join(disk, "ballast"));
              await untilTrue(
                "the history to go on",
                async () => (await messagesIn(stores())) > held + 200,
                200,
              );
            }
            await load.stop();
            await runner.stop();
            await store.close();
            expect([...runner.errors.keys()]).toEqual(["OBJECTS_FULL"]);
            const result = await checkFlow(pipeline, flow, bank, stores(), seed);
            const files = readdirSync(lake, { recursive: true, encoding: "utf8" });
            console.log(
              `pipeline disk: full 3 times, ${refused} errors, ${files.length} files; ` +
                `${load.transactions} transactions; ${checkText(result)}`,
            );
            expect(result.differences.slice(0, 20)).toEqual([]);
            await flow.close();
          });
        });
      },
    );
  });
}

/** Counts the messages by reading them. */
async function messagesIn({ offline }: RealStores): Promise<number> {
  let messages = 0;
  for (const { spec } of bank.sources) {
    const table = `${spec.name}/changes`;
    if ((await offline.state(table)) === null) continue;
    for await (const batch of offline.scan(table, { columns: ["_offset", "_row"] }))
      messages += batch.length;
  }
  await offline.close();
  return messages;
}

async function publish(
  brokers: readonly string[],
  topic: string,
  messages: readonly (readonly [key: string | null, value: string])[],
): Promise<void> {
  // the partitioner of Java puts each message where the connector puts that key
  const producer = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: messages.map(([key, value]) => ({ key, value })) });
  await producer.disconnect();
}

/** Fills the disk except for this many blocks. */
function fill(path: string, blocks: number): void {
  const { bavail, bsize } = statfsSync(join(path, ".."));
  writeFileSync(path, new Uint8Array(Math.max(0, bavail - blocks) * bsize));
}
