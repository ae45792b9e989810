/** Plants faults of changed definitions one at a time. Law 11 must be seen broken with each. */
import { seedsFromEnvironment } from "@tidemark/testkit";
import { startNode } from "@tidemark/testkit/child-process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changeFaults } from "../src/change-law/planted-faults.ts";

/** The most seeds that are tried with a fault. */
const MOST_SEEDS = 400;
const { first } = seedsFromEnvironment({ runs: MOST_SEEDS });

/** Checks seeds in a process with a fault, until one breaks the law. */
async function seedsUntilFound(
  fault: string,
): Promise<{ readonly found: number; readonly breach: string; readonly refusals: string[] }> {
  const program = join(import.meta.dirname, "../src/change-law/find-breach.ts");
  const child = startNode(program, [fault, first, MOST_SEEDS]);
  return JSON.parse((await child.succeeded()).stdout) as Awaited<
    ReturnType<typeof seedsUntilFound>
  >;
}

test.concurrent.for(changeFaults)("found: $name", { timeout: 1_800_000 }, async ({ name }) => {
  const { found } = await seedsUntilFound(name);
  console.log(`planted fault "${name}": found by seed ${found}`);
  expect(found).toBeGreaterThan(0);
});
