import { computed } from "../../src/testing/engine-queries.ts";
import { describe, expect, test } from "vitest";
import { localEngine } from "../../src/engine/local-engine.ts";
import type { ComputeEngine } from "../../src/spi.ts";
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

/** The engine with so many bytes for events. */
function limited(engine: ComputeEngine, memoryLimit: number): ComputeEngine {
  return { ...engine, compute: (task, host) => engine.compute(task, { ...host, memoryLimit }) };
}

const inThreads = [1, 2, 3].map((workers) => localEngine({ workers, rowsPerSplit: 7 }));

describe.each<readonly [string, ComputeEngine]>([
  ["splits of 1 row", localEngine({ workers: 0, rowsPerSplit: 1 })],
  ["splits of 7 rows", localEngine({ workers: 0, rowsPerSplit: 7 })],
  ["a file, and 100 bytes of memory", limited(localEngine({ workers: 0 }), 100)],
  ["a file, and 2000 bytes of memory", limited(localEngine({ workers: 0 }), 2000)],
  ...inThreads.map((engine, i) => [`threads: ${i + 1}`, engine] as const),
  ["a thread and a file", limited(inThreads[0]!, 2000)],
])("%s", (_, engine) => {
  computeEngineConformance({ test, make: async () => engine });
  computeEngineProperties({ test, make: async () => engine });
});
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
