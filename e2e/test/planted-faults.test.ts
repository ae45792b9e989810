import { seedsFromEnvironment } from "@tidemark/testkit";
import { join } from "node:path";
import { startNode } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { sourceFaults } from "../src/planted-faults.ts";

const findDifference = join(import.meta.dirname, "../src/find-difference.ts");
const { first: seed, runs } = seedsFromEnvironment({ runs: 200 });
/** The number of seeds in CI. A fault that needs more seeds would slip through. */
const MOST_SEEDS = 200;

/**
 * Returns how many seeds it takes until the paths differ from the oracle; 0 if they never do. No
 * name: nothing is planted.
 */
async function seedsUntilFound(name: string, most: number): Promise<number> {
  const child = startNode(findDifference, [name, seed, most]);
  return Number((await child.succeeded()).stdout);
}

test.concurrent.for(sourceFaults)("found: $name", { timeout: 900_000 }, async ({ name }) => {
  const seeds = await seedsUntilFound(name, MOST_SEEDS);
  console.log(`planted fault "${name}": found by seed ${seeds}`);
  expect(seeds).toBeGreaterThan(0);
});

// The consistency test compares the same over more seeds.
test("nothing is found where nothing is planted", { timeout: 900_000 }, async () => {
  expect(await seedsUntilFound("", Math.min(runs, 50))).toBe(0);
});
