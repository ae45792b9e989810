import {
  changeKinds,
  combinations,
  differenceText,
  nullKinds,
  partFunctions,
  windowEdges,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { compareSeeds } from "../src/compare.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 300 });
const comparisons = seeds * 500;
/** How often each kind occurs at least. Few seeds may lack a rare kind. */
const least = seeds < 200 ? 0 : comparisons / 100;
/** How often each aggregation meets each kind of window, a condition and categories at least. */
const leastCombined = seeds < 300 ? 0 : 100;

test(
  `stream and history give the oracle's bits, ${comparisons} times over ${seeds} seeds`,
  { timeout: 1_800_000 },
  async () => {
    const run = await compareSeeds({
      firstSeed: seed,
      seeds,
      comparisons,
      realEvery: 4,
      everyAggregation: true,
    });
    console.log(
      `consistency: ${run.seeds} seeds, ${run.coverage.comparisons} comparisons, ` +
        `${run.differences.length} differ\n${run.coverage.toText()}`,
    );
    expect(run.differences.slice(0, 10).map(differenceText)).toEqual([]);
    expect(run.coverage.below([...changeKinds, ...windowEdges, ...nullKinds], least)).toEqual([]);
    expect(run.coverage.below(combinations, leastCombined)).toEqual([]);
    expect(run.coverage.count("derived view")).toBeGreaterThan(seeds);
    expect(run.coverage.count("transform")).toBeGreaterThan(seeds);
    const functions = partFunctions.map((name) => `function ${name}`);
    expect(run.coverage.below(functions, seeds < 200 ? 0 : 100)).toEqual([]);
    expect(run.coverage.count("role")).toBeGreaterThan(seeds);
    expect(run.coverage.count("enriched source")).toBeGreaterThan(seeds);
    expect(run.coverage.count("exploded source")).toBeGreaterThan(seeds);
  },
);

const computedSeeds = Math.ceil(seeds / 4);

test(
  `functions of columns give the oracle's bits on every path, over ${computedSeeds} seeds`,
  { timeout: 1_800_000 },
  async () => {
    const run = await compareSeeds({
      firstSeed: seed,
      seeds: computedSeeds,
      comparisons: 0,
      realEvery: 4,
      computed: true,
      everyAggregation: true,
    });
    console.log(`functions: ${run.coverage.comparisons} comparisons over ${run.seeds} seeds`);
    expect(run.differences.slice(0, 10).map(differenceText)).toEqual([]);
  },
);
