/** The batch kernel answers as the kernel of one entity row after another does. */
import assert from "node:assert/strict";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { randomCases } from "@tidemark/testkit/engine/random-cases";
import { expect, test } from "vitest";
import { answerColumns } from "../../src/engine/answer-columns.ts";
import { answersByRow } from "../../src/engine/answers-by-row.ts";
import { resultsOf } from "../../src/engine/engine-columns.ts";
import { orderRows } from "../../src/engine/entity-row-order.ts";
import { gatherEvents } from "../../src/engine/gather-events.ts";
import { isWindowPlan } from "../../src/plan/plan-kinds.ts";
import { eventColumns, type WindowPlan } from "../../src/plan/plan-kinds.ts";
import type { EntityRows } from "../../src/spi.ts";
import { eventsOf } from "../../src/testing/engine-cases.ts";
import { batchKernel } from "../../src/window/batch-kernel.ts";
import { resultWriters, type TimedRows } from "../../src/window/timed-rows.ts";
import { windowKernel } from "../../src/window/window-kernel.ts";

const runs = seedsFromEnvironment({ runs: 40 });

interface Answers {
  readonly columns: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly unknown[];
    readonly times: readonly number[];
  }[];
  readonly overflow: number;
  readonly truncated: number;
}

interface Entities extends TimedRows {
  readonly starts: Int32Array;
}

function inBatch(plan: WindowPlan, events: Entities, rows: EntityRows): Answers {
  const overflows = { count: 0, truncated: 0 };
  const { starts, times, rows: rowOf } = orderRows(rows);
  const columns = answerColumns(plan.columns, rows.length, true);
  const answers = answersByRow(plan.columns, rowOf);
  const kernel = batchKernel(plan, events, columns, overflows);
  for (let e = 0; e < rows.keyCount; e++) {
    const [start, end, first, last] = [
      events.starts[e]!,
      events.starts[e + 1]!,
      starts[e]!,
      starts[e + 1]!,
    ];
    // the later entity rows of an entity may be asked apart
    const middle = e % 2 === 0 ? last : (first + last) >>> 1;
    kernel(start, end, { times, first, last: middle });
    if (middle < last) kernel(start, end, { times, first: middle, last });
  }
  answers.put(
    0,
    columns.map((column) => column.finish()),
  );
  return answersOf(resultsOf(answers.finish()), overflows);
}

function oneByOne(plan: WindowPlan, events: Entities, rows: EntityRows): Answers {
  const overflows = { count: 0, truncated: 0 };
  const results = resultWriters(plan.columns, rows.length);
  const kernel = windowKernel(plan, events, overflows);
  rows.entity.forEach((e, row) => {
    kernel(events.starts[e]!, events.starts[e + 1]!, rows.time[row]!, results, row);
  });
  return answersOf(results, overflows);
}

function answersOf(
  columns: ReturnType<typeof resultsOf>,
  { count, truncated }: { readonly count: number; readonly truncated: number },
): Answers {
  return {
    columns: columns.map(({ values, statuses, times }) => ({
      values: [...values],
      statuses: [...statuses],
      times: [...times],
    })),
    overflow: count,
    truncated,
  };
}

/** A condition may overflow, and is evaluated once for a row here, and for each window there. */
function hasConditions({ input }: WindowPlan): boolean {
  return input.input.node === "filter" || input.aggregates.some(({ where }) => where !== null);
}

test(`any plan: the answers of one row after another (${runs.text})`, async () => {
  let answers = 0;
  let differing = 0;
  for (const seed of runs.seeds) {
    const random = new Random(seed);
    const size = random.pick([
      { events: 30, rows: 60 },
      { events: 400, rows: 40 },
      { events: 1200, rows: 60 },
    ]);
    for (const { plans, events: given, rows } of randomCases(random, size))
      for (const plan of plans) {
        if (!isWindowPlan(plan)) continue;
        const columns = eventColumns(plan.input.input);
        const events = await gatherEvents(columns, eventsOf(plan, given, 64), rows.keyCount);
        for (const known of [true, false]) {
          const one: Entities = known ? events : { ...events, from: null, to: null };
          const found = inBatch(plan, one, rows);
          const expected = oneByOne(plan, one, rows);
          // Object.is for numbers, and deep for lists.
          assert.deepStrictEqual(found.columns, expected.columns, `seed ${seed}`);
          expect(found.truncated).toBe(expected.truncated);
          if (!hasConditions(plan)) expect(found.overflow).toBe(expected.overflow);
          answers += rows.length;
          if (new Set(found.columns[0]!.times).size > 1) differing++;
        }
      }
  }
  expect(answers).toBeGreaterThan(0);
  expect(differing).toBeGreaterThan(0);
});
