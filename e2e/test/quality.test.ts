import {
  compareQuality,
  fedInMemory,
  generateScenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";

const { first, runs } = seedsFromEnvironment({ runs: 100 });

test(
  "expectations are exact under updates, deletes and late rows, at every time",
  { timeout: 600_000 },
  async () => {
    const compared = new Map<string, number>();
    for (let seed = first; seed < first + runs; seed++) {
      const scenario = generateScenario(seed, {
        requests: 5,
        traits: { expected: seed % 2 === 0 },
      });
      const stores = await fedInMemory(scenario);
      const found = await compareQuality(scenario, stores.offline);
      expect(found.differences).toEqual([]);
      for (const [label, count] of found.compared)
        compared.set(label, (compared.get(label) ?? 0) + count);
    }
    console.log(`compared ${[...compared].map(([label, n]) => `${label}: ${n}`).join(", ")}`);
    expect([...compared.keys()].toSorted()).toEqual([
      "fresh on source",
      "holds on features",
      "holds on source",
      "unique on features",
      "unique on source",
      "volume on source",
    ]);
  },
);
