/** A split in a thread has the answers of a split in the calling thread. */
import { Random } from "@tidemark/testkit/generate/random";
import { randomCases } from "@tidemark/testkit/engine/random-cases";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { computeSplit, type Split } from "../../src/engine/compute-split.ts";
import { orderRows } from "../../src/engine/entity-row-order.ts";
import { eventBatch } from "../../src/engine/event-batch.ts";
import { splitInThread, splitTask } from "../../src/engine/split-threads.ts";
import { eventsOf } from "../../src/testing/engine-cases.ts";

const runs = seedsFromEnvironment({ runs: 5 });

test(`any split (${runs.text})`, async () => {
  for (const seed of runs.seeds)
    for (const { plans, events, rows } of randomCases(new Random(seed)))
      for (const plan of plans) {
        const labels = orderRows(rows);
        const split: Split = { plan, first: 0, ...labels, batches: [] };
        const batches = [];
        for await (const batch of eventsOf(plan, events, 16)) batches.push(eventBatch(batch) ?? []);
        const whole = { ...split, batches: batches.flat() };
        // null would mean that no thread answered
        expect(await splitInThread(async () => splitTask(whole))).toStrictEqual(
          await computeSplit(whole),
        );
      }
});
