/** What is served while a stream runs is what the history gives as known then, to the bit. */
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { generateScenario, seedsFromEnvironment } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { inFolder, realStores } from "../src/real-stores.ts";
import { SERVED_TRAITS, serveScenario } from "../src/served-scenario.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 3, least: 1 });

test(`answers of ${seeds} generated scenarios have no skew`, { timeout: 600_000 }, async () => {
  let [answers, compared] = [0, 0];
  for (let n = 0; n < seeds; n++) {
    const scenario = generateScenario(seed + n, { everyAggregation: true, traits: SERVED_TRAITS });
    const check = async (stores: Parameters<typeof serveScenario>[1]): Promise<void> => {
      const { store, rows, range } = await serveScenario(scenario, stores);
      const report = await store.skew(range);
      expect(report.answers).toBe(rows);
      expect(report.examples, `seed ${seed + n}`).toEqual([]);
      expect(report).toMatchObject({ otherDefinition: 0, notInHistory: 0 });
      answers += report.answers;
      compared += report.compared;
      await store.close();
    };
    if (n % 3 === 0) await inFolder(async (folder) => check(realStores(folder)));
    else await check({ online: memoryOnlineStore(), offline: memoryOfflineStore() });
  }
  console.log(`skew: ${answers} answers, ${compared} values`);
  if (seeds >= 3) expect(compared).toBeGreaterThan(20_000);
});

test("answers without the newest changes are late, and none of them is wrong", async () => {
  let [late, behind] = [0, 0];
  for (let n = 0; n < seeds; n++) {
    const scenario = generateScenario(seed + n, { traits: SERVED_TRAITS });
    const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    const { store, range } = await serveScenario(scenario, stores, { behind: 2 });
    const report = await store.skew(range);
    expect(
      report.examples.filter(({ kind }) => kind !== "late" && kind !== "behind"),
      `seed ${seed + n}`,
    ).toEqual([]);
    // answers that fall into the middle of a transaction are behind, and fewer
    late += report.late.values;
    behind += report.behind.values;
    await store.close();
  }
  expect(late).toBeGreaterThan(behind);
});
