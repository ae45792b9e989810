import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  generateScenario,
  feed,
  pathReaders,
  scenarioSource,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { crashText, crashUntilCovered, runTorn } from "../src/crash.ts";
import { prefixesOf } from "../src/crash-prefixes.ts";
import { readWhileKilled } from "../src/crash-reading.ts";

/** The number of kills at random moments. */
const { first: seed, runs: kills } = seedsFromEnvironment({ runs: 30 });
const killsPerPoint = Math.ceil(kills / 10);

test(
  "kill -9 at any point and start again: nothing lost, nothing doubled (law 5)",
  { timeout: 600_000 },
  async () => {
    const started = performance.now();
    const result = await crashUntilCovered({
      firstSeed: seed,
      random: kills,
      perPoint: killsPerPoint,
      parallel: 2,
    });
    console.log(
      `kill -9, TIDEMARK_SEED=${seed}, ` +
        `${((performance.now() - started) / 1000).toFixed(1)} s\n${crashText(result)}`,
    );
    expect(result.kills.get("random")!.kills).toBeGreaterThanOrEqual(kills);
    for (const [kind, met] of result.kills)
      expect(met.kills, kind).toBeGreaterThanOrEqual(killsPerPoint);
    expect(result.orphans).toBeGreaterThan(0);
  },
);

test.concurrent(
  "a reader sees prefixes of the log in order while the writer is killed",
  { timeout: 600_000 },
  async () => {
    // A fast machine may finish a short log after a kill or two; then more logs run.
    for (let [next, killed] = [seed, 0]; killed < kills / 5; next += 2) {
      for (const reading of await Promise.all([next, next + 1].map(readWhileKilled))) {
        const { kills, reads, seen } = reading;
        console.log(
          `read while killed: ${kills} kills, ${reads} reads; prefixes seen: ${Object.entries(seen)
            .map(([path, count]) => `${path} ${count}`)
            .join(", ")}`,
        );
        expect(reading.reads).toBeGreaterThan(0);
        killed += reading.kills;
      }
    }
  },
);

test.concurrent.for(["online position first", "history position last"] as const)(
  "a store that commits position and effect one after the other is found out: %s",
  { timeout: 600_000 },
  async (torn, context) => {
    let found = "whole";
    for (let n = 0; n < 8 && found === "whole"; n++) {
      found = await runTorn(seed + n, torn).then(
        () => "whole",
        (error: Error) => error.name,
      );
    }
    context.expect(found).toBe("AssertionError");
  },
);

test("a shorter prefix after a longer one, or an answer of no prefix, is detected", async () => {
  const scenario = generateScenario(1, { traits: { changes: 40 } });
  const rows = scenario.requests.map((_, row) => row);
  const after = async (share: number) => {
    const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    await feed(
      scenario,
      stores,
      {},
      scenarioSource(scenario, [
        scenario.truth.slice(0, scenario.truth.length * share).map((_, i) => i),
      ]),
    );
    return pathReaders(scenario, stores).history("as-corrected");
  };
  const [none, half, all] = [await after(0), await after(0.5), await after(1)];
  const inOrder = prefixesOf(scenario);
  for (const answers of [none, half, all]) inOrder.check("history", "corrected", rows, answers);
  inOrder.checkAllSeen();
  const backwards = prefixesOf(scenario);
  backwards.check("history", "corrected", rows, all);
  expect(() => {
    backwards.check("history", "corrected", rows, half);
  }).toThrow("before, and now no more than");
  expect(() => {
    backwards.check(
      "history",
      "corrected",
      rows,
      all.map((answers, f) => (f % 2 === 0 ? half[f]! : answers)),
    );
  }).toThrow("no prefix of the log gives");
});
