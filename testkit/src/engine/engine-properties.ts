/** A compute engine against the naive one, on generated plans and events (law 3). */
import assert from "node:assert/strict";
import type {
  AggregatePlan,
  ComputeEngine,
  EntityRows,
  Events,
  JoinPlan,
} from "../../../packages/core/src/spi.ts";
import { askEngine, type AskEngine } from "../../../packages/core/src/testing/ask-engine.ts";
import { eventsOf } from "../../../packages/core/src/testing/engine-cases.ts";
import { Random, seedsFromEnvironment } from "../generate/random.ts";
import { naiveEngine } from "../oracle/naive-engine.ts";
import { textOf } from "../oracle/values.ts";
import { randomCases } from "./random-cases.ts";

/**
 * Declares the property tests of a compute engine: the same bits as the naive engine, however the
 * events come.
 */
export function computeEngineProperties(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** An engine, for one test. */
  readonly make: () => Promise<ComputeEngine>;
}): void {
  const runs = seedsFromEnvironment({ runs: 60 });

  function fact(name: string, run: (ask: AskEngine) => Promise<void>): void {
    options.test(name, async () => {
      await run(askEngine(await options.make()));
    });
  }

  fact(
    "batches cut anywhere, rows in any order, asked alone or together: the same bits (law 3)",
    async (ask) => {
      const random = new Random(7);
      for (const { plans, events, rows } of randomCases(random)) {
        for (const plan of plans) {
          const whole = await text(ask, plan, eventsOf(plan, events), rows);
          for (const size of [1, 2, 7])
            assert.equal(
              await text(ask, plan, eventsOf(plan, random.shuffled(events), size), rows),
              whole,
            );
          const alone = await Promise.all(
            plan.features.map((feature) =>
              text(ask, { ...plan, features: [feature] }, eventsOf(plan, events), rows),
            ),
          );
          assert.equal(alone.join(""), whole);
        }
      }
    },
  );

  fact(`any plan over any events gives the naive engine's answers (${runs.text})`, async (ask) => {
    const naive = askEngine(naiveEngine());
    let answered = 0;
    for (const seed of runs.seeds) {
      for (const { plans, events, rows } of randomCases(new Random(seed))) {
        for (const plan of plans) {
          await ask.unlessRefused(async () => {
            const found = await text(ask, plan, eventsOf(plan, events, 16), rows);
            assert.equal(
              found,
              await text(naive, plan, eventsOf(plan, events), rows),
              `seed ${seed}`,
            );
            answered++;
          });
        }
      }
    }
    assert.ok(answered > 0, "the engine refused every plan");
  });
}

/** All answers as text, −0 apart from 0. */
async function text(
  ask: AskEngine,
  plan: AggregatePlan | JoinPlan,
  events: AsyncIterable<Events>,
  rows: EntityRows,
): Promise<string> {
  const answers = await ask.raw(plan, events, rows);
  return answers
    .map(({ values, statuses, times }, f) =>
      values
        .map(
          (value, i) =>
            `${plan.features[f]!.name} row ${i}: ` +
            `${Object.is(value, -0) ? "-0" : textOf(value)} ${statuses[i]} @${times[i]}\n`,
        )
        .join(""),
    )
    .join("");
}
