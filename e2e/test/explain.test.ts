import {
  compareExplanations,
  fedInMemory,
  generateScenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 18 });

/** The reasons that generated logs give. */
const REASONS = [
  "AFTER_WINDOW",
  "BEFORE_WINDOW",
  "DELETED",
  "FILTERED",
  "NOT_KNOWN_YET",
  "NO_CATEGORY",
  "OLDER",
  "QUARANTINED",
  "SUPERSEDED",
];

test(
  `the rows of an explanation give what is served, bit for bit, over ${seeds} seeds`,
  { timeout: 1_800_000 },
  async () => {
    const faults: string[] = [];
    const reasons = new Map<string, number>();
    let [explanations, tests, parts, rows] = [0, 0, 0, 0];
    for (let one = seed; one < seed + seeds; one++) {
      const scenario = generateScenario(one, {
        everyAggregation: true,
        traits: { computed: one % 2 === 0, derived: true, expected: one % 3 !== 0 },
      });
      const stores = await fedInMemory(scenario);
      const compared = await compareExplanations(scenario, stores);
      explanations += compared.explanations;
      tests += compared.tests;
      parts += compared.parts;
      rows += compared.rowsInside;
      for (const [reason, count] of compared.reasons)
        reasons.set(reason, (reasons.get(reason) ?? 0) + count);
      faults.push(...compared.faults);
    }
    console.log(
      `explain: ${explanations} explanations, ${tests} run as tests, ${parts} parts, ` +
        `${rows} rows inside, ${faults.length} faults; ` +
        [...reasons].map(([reason, count]) => `${reason} ${count}`).join(", "),
    );
    expect(faults.slice(0, 5)).toEqual([]);
    expect(tests).toBeGreaterThan(seeds * 10);
    if (seeds >= 18) expect([...reasons.keys()].sort()).toEqual(expect.arrayContaining(REASONS));
  },
);
