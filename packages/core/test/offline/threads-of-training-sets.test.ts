/** The threads that a training set may start under its memory limit. */
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { expect, test } from "vitest";
import { localEngine } from "../../src/engine/local-engine.ts";
import { openStore } from "../../src/index.ts";
import { threadsOfCores, threadsWithin } from "../../src/memory-limit.ts";
import type { ComputeEngine, OfflineStore } from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

const END = Date.parse("2025-03-10T00:00:00Z") * 1000;
const MiB = 2 ** 20;

test.each([
  [64 * MiB, 2, 0],
  [1023 * MiB, 8, 0],
  [1024 * MiB, 0, 0],
  [1024 * MiB, 2, 2],
  [1024 * MiB, 8, 3],
  [4096 * MiB, 8, 8],
  [4096 * MiB, 256, 12],
])("a limit of %i bytes with %i threads has %i", (memoryLimit, workers, threads) => {
  expect(threadsWithin(memoryLimit, workers)).toBe(threads);
});

test("without settings there is a thread for each core, at most three", () => {
  expect(threadsWithin()).toBe(Math.min(3, threadsOfCores()));
});

test("neither a scan nor the engine has threads under a small limit", async () => {
  const stored = memoryOfflineStore();
  const seen = new Set<number | undefined>();
  const offline: OfflineStore = {
    ...stored,
    scan(table, options) {
      if (table === "transactions/versions") seen.add(options.workers);
      return stored.scan(table, options);
    },
  };
  const inner = localEngine();
  const engine: ComputeEngine = {
    name: "engine",
    compute(task, host) {
      seen.add(host.workers);
      return inner.compute(task, host);
    },
  };
  const store = await openStore({ definitions: { weekly }, offline, engine });
  await store.run(transactionSource(transactionRows({ users: 3, events: 60, end: END })));
  await store.compact();
  const threads = async (memoryLimit: number): Promise<readonly (number | undefined)[]> => {
    seen.clear();
    const training = await store.getHistoricalFeatures({
      features: weekly,
      entities: [{ user_id: userName(1), event_timestamp: new Date(END / 1000) }],
      memoryLimit,
      workers: 2,
    });
    await training.rows();
    return [...seen];
  };
  expect(await threads(512 * MiB)).toEqual([0]);
  expect(await threads(1024 * MiB)).toEqual([2]);
});
