/**
 * Tests random pushes from two stores at once, which die: online, as corrected and as known have
 * the oracle's bits.
 */
import { openStore } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import {
  Random,
  scenarioDefinitions,
  type OracleRequest,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import type { Change } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { startChild } from "../src/crash-process.ts";
import { pushOfChild, type PushChildRun } from "../src/push-child.ts";
import {
  pushRun,
  pushScenario,
  truthOfLog,
  type Push,
  type PushRunResult,
  type AnsweredPush,
  type PushRun,
  type PushStores,
} from "../src/push-scenario.ts";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 12, least: 6 });
/** How often a kind of death occurs at least. Few seeds may have few. */
const least = seeds < 12 ? 0 : seeds;

/** Returns the scenario's requests, and the same at the commit times of pushes. */
function requestsOf(
  scenario: Scenario,
  truth: readonly Change[],
  random: Random,
): readonly OracleRequest[] {
  const moments = truth.flatMap(({ committed }) => [committed! - 1, committed!, committed! + 1]);
  return [
    ...scenario.requests,
    ...scenario.requests.map((request) => ({
      ...request,
      time: moments.length === 0 ? request.time : random.pick(moments),
    })),
  ];
}

async function compare(
  { scenario, truth, open }: Pick<PushRunResult, "scenario" | "truth" | "open">,
  paths: readonly ("online" | "as corrected" | "as known")[],
): Promise<void> {
  const store = await open();
  const requests = requestsOf(scenario, truth, new Random(scenario.seed));
  for (const path of paths)
    expect(await storeDifferences(store, scenario, requests, path, { truth })).toEqual([]);
  await store.close();
}

function memoryStores(
  parts: { readonly online?: boolean; readonly offline?: boolean } = {},
): () => PushStores {
  const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
  return () => ({
    online: parts.online === false ? undefined : memoryOnlineStore(onlineData),
    offline: parts.offline === false ? undefined : memoryOfflineStore(offlineData),
  });
}

const run = (
  options: Pick<PushRun, "stores" | "seed"> & Partial<PushRun>,
): Promise<PushRunResult> =>
  pushRun({ pushes: 60, crashChance: 0.6, concurrentChance: 0.4, ...options });

test(
  "pushes from two dying memory stores: each is in once, with the oracle's bits",
  { timeout: 600_000 },
  async () => {
    let [deaths, repeated] = [0, 0];
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const pushed = await run({ seed, stores: memoryStores() });
      deaths += pushed.crashes;
      repeated += pushed.retries;
      await compare(pushed, ["online", "as corrected", "as known"]);
    }
    expect(deaths).toBeGreaterThan(least);
    expect(repeated).toBeGreaterThan(least);
  },
);

test("the same over SQLite and Delta", { timeout: 600_000 }, async () => {
  for (let seed = firstSeed; seed < firstSeed + Math.ceil(seeds / 2); seed++) {
    await inFolder(async (folder) => {
      await compare(await run({ seed, stores: () => realStores(folder), pushes: 30 }), [
        "online",
        "as corrected",
        "as known",
      ]);
    });
  }
});

test(
  "a push that has resolved is served by the store that took it",
  { timeout: 600_000 },
  async () => {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      await run({
        seed,
        stores: memoryStores(),
        concurrentChance: 0,
        pushes: 15,
        crashChance: 0.3,
        async onPushed(scenario, truth, store) {
          expect(
            await storeDifferences(store, scenario, scenario.requests.slice(0, 3), "online", {
              truth,
            }),
          ).toEqual([]);
        },
      });
    }
  },
);

test("with one of the two stores alone", { timeout: 600_000 }, async () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    await compare(await run({ seed, stores: memoryStores({ online: false }), crashChance: 0 }), [
      "as corrected",
      "as known",
    ]);
    await compare(await run({ seed, stores: memoryStores({ offline: false }), crashChance: 0 }), [
      "online",
    ]);
  }
});

const POINTS = [
  "delta parquet-written",
  "delta before-commit",
  "delta after-commit",
  "sqlite before-commit",
  "sqlite after-commit",
] as const;

test(
  "pushes from two killed processes: each is in once, with the oracle's bits",
  { timeout: 600_000 },
  async () => {
    const killed = new Map<string, number>();
    for (let seed = firstSeed; seed < firstSeed + Math.ceil(seeds / 6); seed++) {
      await inFolder(async (folder) => {
        const random = new Random(seed);
        const scenario = pushScenario(seed);
        const sent = new Map<string, Push>();
        const resolved: AnsweredPush[] = [];
        const last = 12;
        await Promise.all(
          [0, 1].map(async (worker) => {
            for (let n = 0; n < last; n++) {
              const push = pushOfChild(seed, worker, n);
              sent.set(push.id, push);
            }
            let first = worker === 0;
            for (let from = 0; from < last;) {
              const kill = first
                ? { point: "delta after-commit", occurrence: 1 }
                : random.chance(0.8)
                  ? { point: random.pick(POINTS), occurrence: random.between(1, 4) }
                  : null;
              const run: PushChildRun = { folder, seed, worker, from, to: last, kill };
              first = false;
              const child = startChild("push-child.ts", run);
              const { how, stderr } = await child.ended;
              for (const line of child.lines) {
                const { n, result } = JSON.parse(line) as {
                  n: number;
                  result: AnsweredPush["result"];
                };
                resolved.push({ push: pushOfChild(seed, worker, n), result });
                from = n + 1;
              }
              if (how === "SIGKILL") killed.set(kill!.point, (killed.get(kill!.point) ?? 0) + 1);
              else expect([how, stderr, from]).toEqual(["0", "", last]);
            }
          }),
        );
        const stores = realStores(folder);
        const truth = await truthOfLog(scenario, sent, stores.offline, resolved);
        await compare(
          {
            scenario,
            truth,
            open: () =>
              openStore({ definitions: scenarioDefinitions(scenario), ...keepingStores(stores) }),
          },
          ["online", "as corrected", "as known"],
        );
      });
    }
    console.log(
      `killed at ${[...killed].map(([point, times]) => `${point}: ${times}`).join(", ")}`,
    );
    expect(killed.get("delta after-commit") ?? 0).toBeGreaterThan(0);
  },
);
