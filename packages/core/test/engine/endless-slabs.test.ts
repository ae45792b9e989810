/** An entity that is larger than memory has the oracle's answers, where windows have no end. */
import assert from "node:assert/strict";
import { randomCases } from "@tidemark/testkit/engine/random-cases";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { naiveEngine } from "@tidemark/testkit/oracle/naive-engine";
import { expect, test } from "vitest";
import { isSeries } from "../../src/define/window-reach.ts";
import { answerSplits } from "../../src/engine/answer-splits.ts";
import { computeSplit } from "../../src/engine/compute-split.ts";
import type { ComputeEngine } from "../../src/spi.ts";
import type { WindowSpec } from "../../src/specs.ts";
import { eventsOf, type NamedRow } from "../../src/testing/engine-cases.ts";
import { engineQueries } from "../../src/testing/engine-queries.ts";

const runs = seedsFromEnvironment({ runs: 40 });

/** Makes most windows windows without an end. */
function endless(random: Random): (window: WindowSpec) => WindowSpec {
  return (window) => {
    if (isSeries(window) || random.chance(0.2)) return window;
    return random.chance(0.7)
      ? { kind: "lifetime" }
      : { kind: "lastRows", count: random.pick([1, 2, 5, 30]), within: null };
  };
}

/** What was seen of the slabs of an engine. */
interface Seen {
  slabs: number;
  /** Slabs whose states are cut at rows that stay rows. */
  cut: number;
}

function slabEngine(memoryLimit: number, seen: Seen): ComputeEngine {
  return {
    name: "slabs",
    compute: (task, host) =>
      answerSplits(
        task,
        { ...host, memoryLimit },
        {
          concurrency: 1,
          rowsPerSplit: () => Infinity,
          async compute(load) {
            const split = await load();
            const states = split.carried?.states ?? [];
            if (states.length > 0) seen.slabs++;
            if (states.some((one) => one !== null && one.length > 1)) seen.cut++;
            return (await computeSplit(split)).answers;
          },
        },
      ),
  };
}

test(`any plan with windows without an end, any memory limit (${runs.text})`, async () => {
  const naive = engineQueries(naiveEngine());
  const seen: Seen = { slabs: 0, cut: 0 };
  for (const seed of runs.seeds) {
    const random = new Random(seed);
    // slabs of one row, of some rows, and of all
    const { most, limits } = random.pick([
      { most: { events: 40, rows: 25 }, limits: [100, random.between(500, 20_000)] },
      { most: { events: 80, rows: 40 }, limits: [100, 2000] },
      { most: { events: 300, rows: 60 }, limits: [random.between(10_000, 200_000)] },
    ]);
    const alwaysKnown = random.chance(0.3);
    for (const { plans, events, rows } of randomCases(random, most, endless(random))) {
      const given = alwaysKnown
        ? events.map((event): NamedRow => ({ ...event, from: -Infinity, to: Infinity }))
        : events;
      for (const plan of plans) {
        const expected = await naive.answer(plan, eventsOf(plan, given), rows);
        for (const limit of limits) {
          const engine = engineQueries(slabEngine(limit, seen));
          assert.deepStrictEqual(
            await engine.answer(plan, eventsOf(plan, given, 16), rows),
            expected,
            `seed ${seed}, ${limit} bytes`,
          );
        }
      }
    }
  }
  expect(seen.slabs).toBeGreaterThan(0);
  expect(seen.cut).toBeGreaterThan(0);
});
