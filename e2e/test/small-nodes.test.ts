/** What is read from states of blocks has the bits of what is read row by row. */
import { seedsFromEnvironment } from "@tidemark/testkit";
import { startNode } from "@tidemark/testkit/child-process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFaults } from "../src/planted-faults.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 40 });

interface Compared {
  readonly comparisons: number;
  readonly differences: readonly string[];
}

async function compared(seeds: number, fault: string): Promise<Compared> {
  const program = join(import.meta.dirname, "../src/compare-small-nodes.ts");
  const child = startNode(program, [seed, seeds, fault]);
  return JSON.parse((await child.succeeded()).stdout) as Compared;
}

test(
  `entities of many small segments and nodes give the oracle's bits, over ${runs} seeds`,
  { timeout: 1_200_000 },
  async () => {
    const { comparisons, differences } = await compared(runs, "");
    console.log(`small nodes: ${comparisons} comparisons over ${runs} seeds`);
    expect(differences).toEqual([]);
    expect(comparisons).toBeGreaterThan(runs * 100);
  },
);

test.concurrent.for(nodeFaults)("found: $name", { timeout: 600_000 }, async ({ name }) => {
  expect((await compared(12, name)).differences).not.toEqual([]);
});
