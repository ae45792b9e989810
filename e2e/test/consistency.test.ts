import { changeKinds, differenceText, nullKinds, windowEdges } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { compareSeeds } from "../src/compare.ts";
import { seedSettings } from "../src/settings.ts";

const { seed, seeds } = seedSettings("consistency", 200);

test(
  "stream and history give the oracle's bits, 100,000 times over 200 seeds",
  { timeout: 900_000 },
  async () => {
    const run = await compareSeeds({ firstSeed: seed, seeds, comparisons: 100_000, realEvery: 4 });
    console.log(
      `consistency: ${run.seeds} seeds, ${run.coverage.comparisons} comparisons, ` +
        `${run.differences.length} differ\n${run.coverage.toText()}`,
    );
    expect(run.differences.slice(0, 10).map(differenceText)).toEqual([]);
    expect(run.coverage.below([...changeKinds, ...windowEdges, ...nullKinds], 1000)).toEqual([]);
  },
);
