import { expect, test } from "vitest";
import { crashText, crashUntilMet } from "../src/crash.ts";
import { runSettings } from "../src/settings.ts";

const { seed } = runSettings("crash", 1);

test("kill -9 at any point and start again: nothing lost, nothing doubled (law 5)", { timeout: 600_000 }, async () => {
  const started = performance.now();
  const result = await crashUntilMet({ firstSeed: seed, random: 50, perPoint: 5, parallel: 2 });
  console.log(`kill -9, TIDEMARK_SEED=${seed}, ${((performance.now() - started) / 1000).toFixed(1)} s\n${crashText(result)}`);
  expect(result.kills.get("random")!.kills).toBeGreaterThanOrEqual(50);
  for (const [kind, { kills }] of result.kills) expect(kills, kind).toBeGreaterThanOrEqual(5);
  expect(result.orphans).toBeGreaterThan(0);
});
