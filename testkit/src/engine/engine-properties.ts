/**
 * Compares a compute engine with the naive one on generated plans and events (law 3: every engine
 * gives the same bits).
 */
import assert from "node:assert/strict";
import type {
  ComputeEngine,
  DerivedColumn,
  DeriveNode,
  EntityRows,
  Events,
} from "../../../packages/core/src/spi.ts";
import {
  engineQueries,
  type EngineQueries,
} from "../../../packages/core/src/testing/engine-queries.ts";
import { eventsOf } from "../../../packages/core/src/testing/engine-cases.ts";
import { columnsIn } from "../generate/expressions.ts";
import { Random } from "../generate/random.ts";
import { seedsFromEnvironment } from "../generate/seeds.ts";
import { naiveEngine } from "../oracle/naive-engine.ts";
import { textOf } from "../oracle/values.ts";
import { randomCases } from "./random-cases.ts";

/**
 * Declares the property tests of a compute engine: the same bits as the naive engine, for any
 * batches of events.
 */
export function computeEngineProperties(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an engine for one test. */
  readonly make: () => Promise<ComputeEngine>;
}): void {
  const runs = seedsFromEnvironment({ runs: 60 });

  function check(name: string, run: (queries: EngineQueries) => Promise<void>): void {
    options.test(name, async () => {
      await run(engineQueries(await options.make()));
    });
  }

  check(
    "batches cut anywhere, rows in any order, asked alone or together: the same bits (law 3)",
    async (queries) => {
      const random = new Random(7);
      for (const { plans, events, rows } of randomCases(random)) {
        for (const plan of plans) {
          const whole = await answersText(queries, plan, eventsOf(plan, events), rows);
          for (const size of [1, 2, 7])
            assert.equal(
              await answersText(queries, plan, eventsOf(plan, random.shuffled(events), size), rows),
              whole,
            );
          const alone = await Promise.all(
            plan.columns.map((column) =>
              answersText(queries, onlyColumn(plan, column), eventsOf(plan, events), rows),
            ),
          );
          assert.equal(alone.join(""), whole);
        }
      }
    },
  );

  check(
    `any plan over any events gives the naive engine's answers (${runs.text})`,
    async (queries) => {
      const naive = engineQueries(naiveEngine());
      let answered = 0;
      for (const seed of runs.seeds) {
        for (const { plans, events, rows } of randomCases(new Random(seed))) {
          for (const plan of plans) {
            await queries.ifSupported(async () => {
              const found = await answersText(queries, plan, eventsOf(plan, events, 16), rows);
              assert.equal(
                found,
                await answersText(naive, plan, eventsOf(plan, events), rows),
                `seed ${seed}`,
              );
              answered++;
            });
          }
        }
      }
      assert.ok(answered > 0, "the engine refused every plan");
    },
  );
}

/** The plan of one of the columns, with what it reads. */
function onlyColumn(plan: DeriveNode, column: DerivedColumn): DeriveNode {
  const { input } = plan;
  const names = columnsIn(column.value);
  const isRead = ({ name }: { readonly name: string }): boolean => names.includes(name);
  return {
    node: "derive",
    input:
      input.node === "window"
        ? { ...input, aggregates: input.aggregates.filter(isRead) }
        : { ...input, facts: input.facts.filter(isRead) },
    columns: [column],
  };
}

/** Returns all answers as text, in which −0 and 0 differ. */
async function answersText(
  ask: EngineQueries,
  plan: DeriveNode,
  events: AsyncIterable<Events>,
  rows: EntityRows,
): Promise<string> {
  const answers = await ask.answer(plan, events, rows);
  return answers
    .map(({ values, statuses, times }, f) =>
      values
        .map(
          (value, i) =>
            `${plan.columns[f]!.name} row ${i}: ` +
            `${Object.is(value, -0) ? "-0" : textOf(value)} ${statuses[i]} @${times[i]}\n`,
        )
        .join(""),
    )
    .join("");
}
