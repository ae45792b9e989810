/** Tests several runners and readers over the same files. */
import { openStore, type Store } from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import {
  generateScenario,
  otherDelivery,
  Random,
  scenarioDefinitions,
  scenarioSource,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { startChildProgram } from "../src/child-programs.ts";
import { keepingStores, inFolder, realStores, writeTopic } from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 10 });

function open(folder: string, scenario: Scenario): Promise<Store> {
  return openStore({
    definitions: scenarioDefinitions(scenario),
    ...keepingStores(realStores(folder), { commit: { rows: 11 }, buckets: 2 }),
  });
}

async function compareAll(folder: string, scenario: Scenario): Promise<string[]> {
  const store = await open(folder, scenario);
  const found: string[] = [];
  for (const asked of ["online", "as corrected", "as known"] as const)
    found.push(...(await storeDifferences(store, scenario, scenario.requests, asked)));
  await store.close();
  return found;
}

test(
  "two runners with half the partitions each end in the oracle's bits on every path",
  { timeout: 600_000 },
  async () => {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const scenario = generateScenario(seed);
      const random = new Random(seed);
      const half = (which: number): number[][] =>
        otherDelivery(scenario, random)
          .map((lines) => lines.filter((line) => scenario.truth[line]!.partition % 2 === which))
          .filter((lines) => lines.length > 0);
      await inFolder(async (folder) => {
        const [even, odd] = [await open(folder, scenario), await open(folder, scenario)];
        const [evenLines, oddLines] = [half(0), half(1)];
        const whole = scenarioSource(scenario, evenLines);
        const turns: ChangeSource = {
          ...whole,
          async *changes(options) {
            for await (const batch of whole.changes(options)) {
              const turn = oddLines.splice(0, 1);
              if (turn.length > 0) await odd.run(scenarioSource(scenario, turn), { mismatch: 1 });
              yield batch;
            }
          },
        };
        await even.run(turns, { mismatch: "ignore" });
        await odd.run(scenarioSource(scenario, oddLines), { mismatch: 1 });
        await even.close();
        await odd.close();
        expect(await compareAll(folder, scenario)).toEqual([]);
      });
    }
  },
);

test(
  "of two processes over one topic the late one is fenced off; nothing is lost or doubled",
  { timeout: 600_000 },
  async () => {
    const endings = new Map<string, number>();
    for (let seed = firstSeed; seed < firstSeed + 3; seed++) {
      const scenario = generateScenario(seed);
      await inFolder(async (folder) => {
        writeTopic(folder, scenario);
        for (const ended of (await Promise.all(await started(folder, seed))).flat())
          endings.set(ended, (endings.get(ended) ?? 0) + 1);
        expect(await compareAll(folder, scenario)).toEqual([]);
      });
    }
    console.log(`runners: ${[...endings].map(([ended, count]) => `${ended} ${count}`).join(", ")}`);
    expect(endings.get("done")).toBe(6);
    expect(
      [...endings.keys()].filter(
        (ended) => !["done", "ONLINE_STORE_FENCED", "HISTORY_FENCED"].includes(ended),
      ),
    ).toEqual([]);
    expect(endings.size).toBeGreaterThan(1);
  },
);

/** Starts two processes at the same moment, and returns how the runs of each ended. */
async function started(folder: string, seed: number): Promise<Promise<string[]>[]> {
  const children = [0, 1].map(() =>
    startChildProgram("run-topic.ts", [folder, String(seed)], { stdin: "pipe" }),
  );
  for (const child of children) expect(await child.line()).toBe("ready");
  for (const child of children) child.endInput("go\n");
  return children.map(async (child) => {
    await child.ended;
    return child.lines.slice(1);
  });
}
