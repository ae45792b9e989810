import { computed } from "../../src/testing/engine-queries.ts";
import { expect, test } from "vitest";
import { localEngine } from "../../src/engine/local-engine.ts";
import { computeEngineConformance } from "../../src/testing/engine-conformance.ts";
import {
  windowPlan,
  entityRows,
  eventRow,
  eventsOf,
  over,
} from "../../src/testing/engine-cases.ts";
import { computeEngineProperties } from "@tidemark/testkit/engine/engine-properties";
import { naiveEngine } from "@tidemark/testkit/oracle/naive-engine";

computeEngineConformance({ test, make: async () => localEngine() });
computeEngineProperties({ test, make: async () => localEngine() });
computeEngineConformance({
  test: (name, run) => {
    test(`naive: ${name}`, run);
  },
  make: async () => naiveEngine(),
});

test("overflows are counted for each call", async () => {
  const counts: number[] = [];
  const engine = localEngine({
    onOverflow: (count) => {
      counts.push(count);
    },
  });
  const plan = windowPlan(over("sum", "x", 100));
  const rows = [eventRow(0, 1, { x: 1e308 }), eventRow(0, 2, { x: 1e308 })];
  await computed(engine, plan, eventsOf(plan, rows), entityRows([0, 3], [0, 2], [0, 4]));
  await computed(engine, plan, eventsOf(plan, rows), entityRows([0, 2]));
  await computed(engine, plan, eventsOf(plan, rows), entityRows([0, 3]));
  expect(counts).toEqual([2, 1]);
});
