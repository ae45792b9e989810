/**
 * The online store on a real PostgreSQL: its answers against the oracle, kills of runs, and several
 * processes over one store (law 5: position and effect are committed together).
 */
import { micros, openStore } from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  Coverage,
  differenceText,
  generateScenario,
  scenarioDefinitions,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareReal } from "../src/compare.ts";
import { crashText, crashUntilCovered, runTorn } from "../src/crash.ts";
import { startChildProgram } from "../src/child-programs.ts";
import {
  inFolder,
  keepingStores,
  ONLINE_URL,
  onlineStoreOf,
  realStores,
  schemaOf,
  writeTopic,
} from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 12 });
const kills = Math.ceil(seeds / 2);

suiteNeeding(realPostgres(), "the online store on PostgreSQL", () => {
  beforeAll(async () => {
    process.env[ONLINE_URL] = (await ownDatabase()).url;
  });
  afterAll(() => {
    delete process.env[ONLINE_URL];
  });

  test(`gives the oracle's bits over ${seeds} seeds`, async () => {
    const coverage = new Coverage();
    for (let n = seed; n < seed + seeds; n++) {
      const differences = await compareReal(n, coverage, undefined, { everyAggregation: true });
      expect(differences.slice(0, 10).map(differenceText)).toEqual([]);
    }
    console.log(`PostgreSQL: ${coverage.comparisons} comparisons over ${seeds} seeds`);
    expect(coverage.comparisons).toBeGreaterThan(seeds * 100);
  });

  test("an entity of many rows is answered as by the store in memory", async () => {
    const end = 1_741_600_000_000_000;
    await inFolder(async (folder) => {
      const stores = [];
      for (const online of [onlineStoreOf(folder), memoryOnlineStore()]) {
        const store = await openStore({
          definitions: { weekly },
          online: { store: online, retention: "1d" },
          clock: () => new Date(end / 1000),
        });
        const rows = transactionRows({ users: 2, events: 9000, end, seed });
        await store.run(transactionSource(rows, { updated: 0.05 }));
        stores.push(store);
      }
      for (let hour = 0; hour < 12; hour++) {
        const question = {
          features: weekly,
          entities: [{ user_id: userName(0) }, { user_id: userName(1) }],
          asOf: micros(end - hour * 3_599_999_999),
        };
        const [real, inMemory] = await Promise.all(
          stores.map((store) => store.getOnlineFeatures(question)),
        );
        expect(real).toEqual(inMemory);
      }
      for (const store of stores) await store.close();
    });
  });

  test("kill -9 of a run at any point and start again: nothing lost, nothing doubled", async () => {
    const result = await crashUntilCovered({
      firstSeed: seed,
      random: kills,
      perPoint: 1,
      parallel: 2,
    });
    console.log(`kill -9 over PostgreSQL, TIDEMARK_SEED=${seed}\n${crashText(result)}`);
    for (const [kind, met] of result.kills) expect(met.kills, kind).toBeGreaterThan(0);
  });

  test("a store that commits positions before cells is found out", async () => {
    let found = "whole";
    for (let n = 0; n < 8 && found === "whole"; n++) {
      found = await runTorn(seed + n, "online position first").then(
        () => "whole",
        (error: Error) => error.name,
      );
    }
    expect(found).toBe("AssertionError");
  });

  test("a run ends when a failover lost steps, and the next one repeats them", async () => {
    const scenario = generateScenario(seed, { traits: { changes: 80 } });
    await inFolder(async (folder) => {
      const topic = recordedTopic(writeTopic(folder, scenario), {
        batchChanges: 3,
        onWarning: () => undefined,
        unreadable: "keep",
      });
      const tables = ["metadata", "positions", "cells"];
      const [there, saved] = [schemaOf(folder), `saved_${schemaOf(folder)}`];
      const losing: ChangeSource = {
        ...topic,
        async *changes(options) {
          let batches = 0;
          for await (const batch of topic.changes(options)) {
            if (++batches === 5)
              await queried(
                `create schema ${saved}`,
                ...tables.map(
                  (table) => `create table ${saved}.${table} as table ${there}.${table}`,
                ),
              );
            if (batches === 12)
              await queried(
                "begin",
                ...tables.map((table) => `delete from ${there}.${table}`),
                ...tables.map((table) => `insert into ${there}.${table} table ${saved}.${table}`),
                "commit",
              );
            yield batch;
          }
        },
      };
      const store = await openStore({
        definitions: scenarioDefinitions(scenario),
        online: { store: onlineStoreOf(folder), retention: "forever" },
      });
      await expect(store.run(losing, { mismatch: "ignore" })).rejects.toMatchObject({
        code: "ONLINE_STORE_FENCED",
      });
      await store.run(topic, { mismatch: "ignore" });
      expect(await storeDifferences(store, scenario, scenario.requests, "online")).toEqual([]);
      await store.close();
    });
  });

  async function queried(...texts: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: process.env[ONLINE_URL]! });
    await client.connect();
    for (const text of texts) await client.query(text);
    await client.end();
  }

  test("of two runner processes the late one is fenced off, and nothing is lost", async () => {
    const changes = 80;
    const scenario = generateScenario(seed, { traits: { changes } });
    await inFolder(async (folder) => {
      writeTopic(folder, scenario);
      const runners = [0, 1].map(() =>
        startChildProgram("run-topic.ts", [folder, String(seed), String(changes)], {
          stdin: "pipe",
        }),
      );
      for (const runner of runners) expect(await runner.line()).toBe("ready");
      for (const runner of runners) runner.endInput("go\n");
      const endings: string[] = [];
      for (const runner of runners) {
        await runner.succeeded();
        endings.push(...runner.lines.slice(1));
      }
      console.log(`two runners over PostgreSQL: ${endings.join(", ")}`);
      expect(endings.filter((ending) => ending === "done")).toHaveLength(2);
      for (const ending of endings)
        expect(["done", "ONLINE_STORE_FENCED", "HISTORY_FENCED"]).toContain(ending);
      const store = await openStore({
        definitions: scenarioDefinitions(scenario),
        ...keepingStores(realStores(folder)),
      });
      for (const asked of ["online", "as corrected", "as known"] as const)
        expect(await storeDifferences(store, scenario, scenario.requests, asked)).toEqual([]);
      await store.close();
    });
  });
});
