import {
  compareTimelines,
  fedInMemory,
  generateScenario,
  Random,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 12 });

test(
  `a timeline has the answer of the history at every time, bit for bit, over ${seeds} seeds`,
  { timeout: 1_800_000 },
  async () => {
    const faults: string[] = [];
    let [timelines, exact, points, answers] = [0, 0, 0, 0];
    for (let one = seed; one < seed + seeds; one++) {
      const scenario = generateScenario(one, {
        everyAggregation: true,
        traits: { computed: one % 2 === 0, derived: true },
      });
      const stores = await fedInMemory(scenario);
      const compared = await compareTimelines(scenario, stores.offline, new Random(one));
      timelines += compared.timelines;
      exact += compared.exact;
      points += compared.points;
      answers += compared.answers;
      faults.push(...compared.faults);
    }
    console.log(
      `timeline: ${timelines} timelines, ${exact} exact ones with ${points} points, ` +
        `${answers} answers compared, ${faults.length} faults`,
    );
    expect(faults.slice(0, 5)).toEqual([]);
    expect(exact).toBeGreaterThan(timelines / 2);
    expect(points).toBeGreaterThan(exact);
  },
);
