import { expect, test, vi } from "vitest";
import { rerunCommand, seedsFromEnvironment } from "../../src/generate/seeds.ts";

const ofRuns = (runs: number, environment: Record<string, string>, least?: number): number =>
  seedsFromEnvironment({ runs, least, environment }).runs;

test("the first seed and the number of seeds come from the environment", () => {
  expect(
    seedsFromEnvironment({ runs: 9, environment: { TIDEMARK_SEED: "41", TIDEMARK_RUNS: "2" } }),
  ).toEqual({ first: 41, runs: 2, seeds: [41, 42], text: "TIDEMARK_SEED=41 TIDEMARK_RUNS=2" });
});

test("CI takes all seeds; another run takes a quarter, and not less than its least", () => {
  expect(ofRuns(40, { CI: "true" }, 30)).toBe(40);
  expect(ofRuns(40, {})).toBe(10);
  expect(ofRuns(40, {}, 30)).toBe(30);
  expect(ofRuns(1, {})).toBe(1);
  expect(ofRuns(3, {}, 30)).toBe(3);
});

test("a seed that is no whole number is an error", () => {
  for (const text of ["-1", "1.5", "x", "1e3", "9".repeat(16)])
    expect(() => ofRuns(1, { TIDEMARK_SEED: text })).toThrow(`TIDEMARK_SEED is "${text}"`);
  expect(() => ofRuns(1, { TIDEMARK_RUNS: "many" })).toThrow("TIDEMARK_RUNS");
});

test("the command that repeats a file names its seeds, once the file has some", () => {
  vi.stubEnv("TIDEMARK_RUNS", "");
  expect(rerunCommand("e2e/test/x.test.ts")).toBeNull();
  const { first, runs } = seedsFromEnvironment({ runs: 8 });
  expect(rerunCommand("e2e/test/x.test.ts")).toBe(
    `TIDEMARK_SEED=${first} TIDEMARK_RUNS=${runs} npm test -- e2e/test/x.test.ts`,
  );
  seedsFromEnvironment({ runs: 800, least: 500 });
  expect(rerunCommand("e2e/test/x.test.ts")).toBe(
    `TIDEMARK_SEED=${first} npm test -- e2e/test/x.test.ts`,
  );
});
