/**
 * Runs seeded logs through a real Kafka into the real stores, and compares with the oracle: shared
 * groups, killed runners, and broker outages.
 */
import { openStore, type Store } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import {
  generateScenario,
  Random,
  scenarioDefinitions,
  type Scenario,
  type ScenarioOptions,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { type OwnKafka, startKafkaTopics } from "@tidemark/testkit/services";
import {
  kafkaChanges,
  type KafkaChanges,
  type KafkaChangesOptions,
  type RecordedMessage,
} from "@tidemark/source-debezium";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realKafka, suiteNeeding } from "@tidemark/testkit/needs";
import { killAfter, startChildProgram } from "../src/child-programs.ts";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";
import { slowSource } from "../src/slow-source.ts";
import { storeDifferences } from "../src/store-differences.ts";

/** Enough changes that a runner is still running when it is killed. */
const MANY = { changes: 600, tailCut: false };
/** A log with fewer messages is read before its readers can be disturbed. */
const FEW = 60;

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 3 });

interface Published {
  readonly scenario: Scenario;
  /** The pattern of the topics' names in Kafka. */
  readonly topics: RegExp;
  readonly names: readonly string[];
  /** The number of partitions of all its topics. */
  readonly partitions: number;
  publish(from: number, to: number): Promise<void>;
}

suiteNeeding(realKafka(), "seeded logs through a real Kafka", () => {
  let kafka: OwnKafka;
  beforeAll(async () => {
    kafka = await startKafkaTopics();
  });
  afterAll(async () => {
    await kafka.stop();
  });
  let number = 0;

  /** Publishes the topics of a seed under their own names, in the log's order, in pieces. */
  async function topicsOf(seed: number, options: ScenarioOptions = {}): Promise<Published> {
    const scenario = generateScenario(seed, options);
    const lines = scenario.lines.map((line) => {
      const message = JSON.parse(line) as RecordedMessage;
      return {
        ...message,
        timestamp: message.timestamp === null ? null : Number(message.timestamp),
      };
    });
    const prefix = `s${++number}.`;
    const names = [...new Set(lines.map(({ topic }) => topic))];
    let partitions = 0;
    for (const name of names) {
      const count =
        1 + Math.max(...lines.map(({ topic, partition }) => (topic === name ? partition : 0)));
      await kafka.topic(prefix + name, count);
      partitions += count;
    }
    return {
      scenario,
      partitions,
      topics: new RegExp(`^s${number}\\.`),
      names: names.map((name) => prefix + name),
      async publish(from, to) {
        const some = lines.slice(Math.floor(from * lines.length), Math.floor(to * lines.length));
        for (const name of names)
          await kafka.publish(
            prefix + name,
            some.filter(({ topic }) => topic === name),
          );
      },
    };
  }

  const open = (folder: string, scenario: Scenario): Promise<Store> =>
    openStore({
      definitions: scenarioDefinitions(scenario),
      ...keepingStores(realStores(folder), { commit: { rows: 11 }, buckets: 2 }),
    });
  const changes = (topics: RegExp, options: Partial<KafkaChangesOptions> = {}): KafkaChanges =>
    kafkaChanges({
      unreadable: "keep",
      brokers: kafka.brokers,
      topics,
      batchMessages: 3,
      onWarning: () => undefined,
      ...options,
    });

  /**
   * Reads the rest and compares: the oracle's answers on every path, and every message once in the
   * history.
   */
  async function expectOracle(
    folder: string,
    { scenario, topics, names }: Published,
  ): Promise<void> {
    const store = await open(folder, scenario);
    await store.run(changes(topics, { until: "caught-up" }), { mismatch: 1 });
    const found: string[] = [];
    for (const asked of ["online", "as corrected", "as known"] as const)
      found.push(...(await storeDifferences(store, scenario, scenario.requests, asked)));
    expect(found).toEqual([]);
    await store.close();
    const { offline } = realStores(folder);
    for (const source of scenario.sources) {
      const places: string[] = [];
      for await (const batch of offline.scan(`${source.name}/changes`, {
        columns: ["_topic", "_partition", "_offset"],
      })) {
        for (let row = 0; row < batch.length; row++)
          places.push(batch.vectors.map((vector) => String(valueAt(vector, row))).join(":"));
      }
      // Every message in Kafka, once. There may be more than were sent: if one partition has no
      // leader, the producer repeats what the others took.
      const expected: string[] = [];
      for (const topic of new Set(
        scenario.truth.flatMap((change) => (change.source === source.name ? [change.topic] : [])),
      )) {
        const name = names.find((one) => one.endsWith(`.${topic}`))!;
        for (const { partition, high } of await kafka.admin.fetchTopicOffsets(name))
          for (let offset = 0; offset < Number(high); offset++)
            expected.push(`${name}:${partition}:${offset}`);
      }
      expect(places.toSorted()).toEqual(expected.toSorted());
    }
    await offline.close();
  }

  test(
    "runners of one group come and go: partitions move, no message is lost or doubled",
    { timeout: 600_000 },
    async () => {
      for (let seed = firstSeed, done = 0; done < seeds; seed++) {
        const published = await topicsOf(seed);
        // with one partition the second runner would never own any, and with few messages the first
        // would take them all at once
        if (published.partitions < 2 || published.scenario.lines.length < FEW) continue;
        done++;
        const { scenario, topics, publish } = published;
        await inFolder(async (folder) => {
          await publish(0, 0.5);
          const taken = [0, 0];
          const starts: string[] = [];
          const runner = async (
            which: number,
          ): Promise<{ stop(): Promise<void>; source: KafkaChanges }> => {
            const store = await open(folder, scenario);
            const source = changes(topics, {
              groupId: `shared${number}`,
              consumer: { heartbeatInterval: 200, rebalanceTimeout: 5_000, sessionTimeout: 6_000 },
            });
            const stop = new AbortController();
            const ended = store
              .run(
                slowSource(source, 15, (count) => {
                  taken[which]! += count;
                }),
                { signal: stop.signal, mismatch: 1 },
              )
              .then(
                () => "done",
                (error: Error & { code?: string }) => error.code ?? error.name,
              );
            return {
              source,
              async stop() {
                stop.abort();
                starts.push(String(await ended));
                await store.close();
              },
            };
          };
          const a = await runner(0);
          await until(() => taken[0]! > 10);
          const b = await runner(1);
          // the rest may be small: the first runner may have read everything by then
          await until(() => a.source.lag().length > 0 && b.source.lag().length > 0);
          const shares = [a.source.lag().length, b.source.lag().length];
          await publish(0.5, 0.8);
          await sleep(200);
          await a.stop();
          await until(() => b.source.lag().length === shares[0]! + shares[1]!);
          const c = await runner(0);
          await publish(0.8, 1);
          const both = () => [...b.source.lag(), ...c.source.lag()];
          await until(
            () =>
              c.source.lag().length > 0 &&
              both().length === shares[0]! + shares[1]! &&
              both().every(({ lag }) => lag === 0),
          );
          await b.stop();
          await c.stop();
          expect(shares.every((share) => share > 0)).toBe(true);
          // The overtaken runners went on: none was fenced off.
          expect(starts).toEqual(["20", "20", "20"]);
          console.log(
            `kafka: seed ${seed}, ${scenario.lines.length} messages, ` +
              `partitions ${shares.join(" + ")}, taken ${taken.join(" + ")}`,
          );
          await expectOracle(folder, published);
        });
      }
    },
  );

  test(
    "a runner killed at random points, again and again, loses nothing and doubles nothing",
    { timeout: 600_000 },
    async () => {
      const random = new Random(firstSeed);
      const published = await topicsOf(firstSeed, { traits: MANY });
      await published.publish(0, 1);
      await inFolder(async (folder) => {
        let killed = 0;
        for (let done = false; !done;) {
          const settings = {
            folder,
            seed: firstSeed,
            traits: MANY,
            broker: kafka.brokers[0]!,
            topics: published.topics.source,
          };
          const child = startChildProgram("run-kafka.ts", [JSON.stringify(settings)]);
          await child.line();
          const how = await killAfter(child, random.between(150, 700));
          if (how === "killed") killed++;
          done = how === "done" || killed === 10;
        }
        console.log(`kafka: killed ${killed} times`);
        expect(killed).toBeGreaterThan(1);
        await expectOracle(folder, published);
      });
    },
  );

  test(
    "a stopped or killed broker: the run waits and goes on at its position",
    { timeout: 600_000 },
    async () => {
      const published = await topicsOf(firstSeed + 100, {
        traits: { changes: FEW, tailCut: false },
      });
      const { scenario, topics, publish } = published;
      await publish(0, 0.5);
      await inFolder(async (folder) => {
        const store = await open(folder, scenario);
        const warnings: string[] = [];
        const source = changes(topics, {
          onWarning: ({ code }) => {
            warnings.push(code);
          },
        });
        const stop = new AbortController();
        let taken = 0;
        const ended = store
          .run(
            slowSource(source, 10, (count) => {
              taken += count;
            }),
            { signal: stop.signal, mismatch: 1 },
          )
          .then(
            () => "done",
            (error: Error & { code?: string }) => String(error.code ?? error.name),
          );
        await until(() => taken > 10);
        await kafka.service.halt();
        await sleep(4_000);
        await kafka.service.resume();
        const back = performance.now();
        await publish(0.5, 0.8);
        await until(() => taken > 0.7 * scenario.lines.length);
        console.log(
          `kafka: went on ${((performance.now() - back) / 1000).toFixed(1)} s ` +
            "after the broker was back",
        );
        await kafka.service.halt("SIGKILL");
        await sleep(1_000);
        await kafka.service.resume();
        await publish(0.8, 1);
        await until(() => source.lag().length > 0 && source.lag().every(({ lag }) => lag === 0));
        stop.abort();
        expect(await ended).toBe("20");
        await store.close();
        console.log(
          `kafka: broker away twice, warnings ${[...new Set(warnings)].join(", ") || "none"}`,
        );
        await expectOracle(folder, published);
      });
    },
  );
});

async function until(there: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 90_000; !there();) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${String(there)}`);
    await sleep(20);
  }
}
