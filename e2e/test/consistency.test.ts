import {
  changeKinds,
  differenceText,
  nullKinds,
  windowEdges,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { expect, test } from "vitest";
import { compareSeeds } from "../src/compare.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 200 });
const comparisons = seeds * 500;
/** How often each kind occurs at least. Few seeds may lack a rare kind. */
const least = seeds < 200 ? 0 : comparisons / 100;

test(
  `stream and history give the oracle's bits, ${comparisons} times over ${seeds} seeds`,
  { timeout: 900_000 },
  async () => {
    const run = await compareSeeds({ firstSeed: seed, seeds, comparisons, realEvery: 4 });
    console.log(
      `consistency: ${run.seeds} seeds, ${run.coverage.comparisons} comparisons, ` +
        `${run.differences.length} differ\n${run.coverage.toText()}`,
    );
    expect(run.differences.slice(0, 10).map(differenceText)).toEqual([]);
    expect(run.coverage.below([...changeKinds, ...windowEdges, ...nullKinds], least)).toEqual([]);
  },
);
