import { openStore, type Store } from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { date, definitions, HOUR, NOON, ShopLog, weekly } from "../support/shop.ts";

const PARTITIONS = 4;

/** A log whose payments lie in several partitions. */
function partitionedLog(changes: number): ShopLog {
  const log = new ShopLog();
  for (let i = 0; i < changes; i++)
    log.paid({ id: i, time: NOON - i * HOUR, amount: i / 4 }, { partition: i % PARTITIONS });
  return log;
}

/** The part of a log that one of two members of a group owns. */
function halfOf(log: ShopLog, which: number): ShopLog {
  const half = new ShopLog();
  half.changes.push(...log.changes.filter(({ partition }) => partition % 2 === which));
  return half;
}

test("two runs of disjoint partitions commit to one history without a conflict", async () => {
  const [online, lake] = [memoryOnlineData(), memoryOfflineData()];
  const ended: string[] = [];
  const counted = (): OfflineStore => {
    const store = memoryOfflineStore(lake);
    return {
      ...store,
      async append(spec, rows, options) {
        // the other run commits meanwhile
        await new Promise((resolve) => setTimeout(resolve, 1));
        const result = await store.append(spec, rows, options);
        if (spec.name === "payments/changes") ended.push(result);
        return result;
      },
    };
  };
  const open = (): Promise<Store> =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: { store: counted(), commit: { rows: 10 } },
      clock: () => date(NOON),
    });
  const log = partitionedLog(800);
  // the history, its id and both runs' partitions are there
  const first = await open();
  await first.run(log.source({ batch: 10, upTo: 40 }));
  ended.length = 0;
  const [even, odd] = [await open(), await open()];
  await Promise.all([
    even.run(halfOf(log, 0).source({ batch: 10 })),
    odd.run(halfOf(log, 1).source({ batch: 10 })),
  ]);
  const conflicts = ended.filter((result) => result === "conflict").length;
  console.log(`two runs: ${ended.length} commits tried, ${conflicts} conflicts`);
  expect(ended.length).toBeGreaterThan(70);
  expect(conflicts).toBe(0);
  const { rows } = await even.getOnlineFeatures({
    features: weekly,
    entities: [{ user_id: "ann" }],
    metadata: true,
  });
  expect(rows[0]).toBeDefined();
  expect((await even.status()).map(({ problem }) => problem)).toEqual([null, null]);
});
