/**
 * Tests the repair of a real topic that lost changes or was recreated: a new snapshot in it, and
 * `store.resnapshot`.
 */
import { openStore, type Store } from "@tidemark/core";
import { scenarioDefinitions, seedsFromEnvironment } from "@tidemark/testkit";
import type { KafkaTopics } from "@tidemark/testkit/services";
import { ownTopics } from "@tidemark/testkit/services/shared";
import {
  kafkaChanges,
  type KafkaChanges,
  type KafkaChangesOptions,
  type RecordedMessage,
} from "@tidemark/source-debezium";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";
import { logsWithSnapshotEnd, type LogWithGap } from "../src/resnapshot-scenario.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed } = seedsFromEnvironment({ runs: 1 });

suiteNeeding(realKafka(), "a real topic that has lost changes", () => {
  let kafka: KafkaTopics;
  beforeAll(async () => {
    kafka = await ownTopics();
  });
  afterAll(async () => {
    await kafka.stop();
  });

  const messages = (lines: readonly string[]): RecordedMessage[] =>
    lines
      .map((line) => JSON.parse(line) as RecordedMessage)
      .map((message) => ({ ...message, timestamp: Number(message.timestamp) }));
  const topicsOf = (log: LogWithGap): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { topic, partition } of messages([...log.lines.before, ...log.lines.after]))
      counts.set(topic, Math.max(counts.get(topic) ?? 1, partition + 1));
    return counts;
  };
  const publish = async (
    log: LogWithGap,
    prefix: string,
    lines: readonly string[],
  ): Promise<void> => {
    for (const topic of topicsOf(log).keys())
      await kafka.publish(
        prefix + topic,
        messages(lines).filter((message) => message.topic === topic),
      );
  };
  const make = async (log: LogWithGap, prefix: string): Promise<void> => {
    for (const [topic, partitions] of topicsOf(log)) await kafka.topic(prefix + topic, partitions);
  };
  const open = (folder: string, { scenario }: LogWithGap): Promise<Store> =>
    openStore({
      definitions: scenarioDefinitions(scenario),
      ...keepingStores(realStores(folder), { commit: { rows: 11 }, buckets: 2 }),
    });
  const changes = (prefix: string, options: Partial<KafkaChangesOptions> = {}): KafkaChanges =>
    kafkaChanges({
      unreadable: "keep",
      brokers: kafka.brokers,
      topics: new RegExp(`^${prefix.replaceAll(".", "\\.")}`),
      batchMessages: 7,
      until: "caught-up",
      onWarning: () => undefined,
      ...options,
    });
  const failure = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => "it ended well",
      (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
    );

  async function beganAnew(
    store: Store,
    log: LogWithGap,
    again: () => KafkaChanges,
  ): Promise<void> {
    const { scenario } = log;
    for (const { name } of scenario.sources)
      expect((await store.resnapshot(name, again())).generation).toBe(1);
    const found: string[] = [];
    const known = { truth: [...log.before, ...log.after], ended: [...log.snapshots.values()] };
    for (const asked of ["online", "as corrected", "as known"] as const)
      found.push(...(await storeDifferences(store, scenario, scenario.requests, asked, known)));
    expect(found).toEqual([]);
    // and the stream goes on from there without further permission
    expect(await store.run(again())).toMatchObject({ changes: 0 });
    expect(
      (await store.status()).every(
        ({ generation, resnapshotting }) => generation === 1 && !resnapshotting,
      ),
    ).toBe(true);
  }

  test(
    "retention past the stored offset is LOG_LOST; its way out makes every path agree",
    { timeout: 600_000 },
    async () => {
      const [log] = logsWithSnapshotEnd(firstSeed, 1, "retained") as [LogWithGap];
      const prefix = "lost.";
      await make(log, prefix);
      await publish(log, prefix, log.lines.before);
      await inFolder(async (folder) => {
        const store = await open(folder, log);
        await store.run(changes(prefix));
        // changes that no reader will ever read
        await publish(log, prefix, log.lines.before);
        for (const topic of topicsOf(log).keys()) {
          const ends = (await kafka.admin.fetchTopicOffsets(prefix + topic)).filter(
            ({ high }) => high !== "0",
          );
          // a table that was empty until the snapshot has nothing to lose
          if (ends.length > 0)
            await kafka.admin.deleteTopicRecords({
              topic: prefix + topic,
              partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
            });
        }
        expect(await failure(store.run(changes(prefix)))).toMatch(
          /^LOG_LOST: .*are gone.*snapshot.*store\.resnapshot/s,
        );
        const [first] = log.scenario.sources;
        // before the snapshot exists, none is reported as complete
        expect(
          await failure(store.resnapshot(first!.name, changes(prefix, { beginning: "retained" }))),
        ).toMatch(/^SNAPSHOT_INCOMPLETE: .*Run tidemark resnapshot .*again/);
        await publish(log, prefix, log.lines.after);
        expect(await failure(store.run(changes(prefix)))).toMatch(/^LOG_LOST: /);
        await beganAnew(store, log, () => changes(prefix, { beginning: "retained" }));
        await store.close();
      });
    },
  );

  test(
    "a topic that was made anew: TOPIC_RECREATED names the way out, and offsets begin again",
    { timeout: 600_000 },
    async () => {
      const [log] = logsWithSnapshotEnd(firstSeed + 1000, 1, "recreated") as [LogWithGap];
      const prefix = "anew.";
      await make(log, prefix);
      await publish(log, prefix, log.lines.before);
      await inFolder(async (folder) => {
        const store = await open(folder, log);
        await store.run(changes(prefix));
        await kafka.admin.deleteTopics({
          topics: [...topicsOf(log).keys()].map((topic) => prefix + topic),
        });
        for (let there = true; there;) {
          await sleep(200);
          there = (await kafka.admin.listTopics()).some((topic) => topic.startsWith(prefix));
        }
        await make(log, prefix);
        await publish(log, prefix, log.lines.after);
        expect(await failure(store.run(changes(prefix)))).toMatch(
          /^TOPIC_RECREATED: .*snapshot.*store\.resnapshot/s,
        );
        await beganAnew(store, log, () => changes(prefix));
        await store.close();
      });
    },
  );
});
