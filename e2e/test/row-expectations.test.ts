import { differenceText, seedsFromEnvironment } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { compareSeeds } from "../src/compare.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 60 });

test(
  `rows that violate an expectation are in no window, on every path, over ${runs} seeds`,
  { timeout: 1_800_000 },
  async () => {
    const run = await compareSeeds({
      firstSeed: seed,
      seeds: runs,
      comparisons: 0,
      realEvery: 4,
      everyAggregation: true,
      expected: true,
    });
    console.log(`expectations: ${run.coverage.comparisons} comparisons over ${run.seeds} seeds`);
    expect(run.differences.slice(0, 10).map(differenceText)).toEqual([]);
  },
);
