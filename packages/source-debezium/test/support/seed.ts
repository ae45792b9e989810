import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import type fc from "fast-check";

const { first: seed, runs } = seedsFromEnvironment({ runs: 1_000 });

/** The seed and the number of runs, from the environment if it gives them. */
export const parameters: fc.Parameters<unknown> = { seed, numRuns: runs };

/** Makes a source of numbers in [0, below), which are the same for the same seed. */
export function random(from: number): (below: number) => number {
  let state = (seed ^ Math.imul(from + 1, 0x9e37_79b9)) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
