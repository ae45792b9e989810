/** Tests the counts of what a store has answered. */
import { openStore } from "@tidemark/core";
import { expect, test } from "vitest";
import { AnswerCounter, ENTITY_ROW_BOUNDS } from "../../src/online/answer-counts.ts";
import { definitions, last, NOON, openShop, SECOND, ShopLog, weekly } from "../support/shop.ts";

test("values are counted by feature and status, on every call", async () => {
  const { store } = await openShop();
  await store.run(
    new ShopLog().paid({ id: 1, time: NOON - SECOND, amount: null, vendor: "Shop" }).source(),
  );
  const entities = [{ user_id: "ann" }, { user_id: "nobody" }];
  await store.getOnlineFeatures({ features: weekly, entities });
  await store.getOnlineFeatures({ features: [weekly.mean_l1w], entity: { user_id: "ann" } });
  await store.getOnlineBatch({ features: weekly, entities });
  const of = (feature: string) =>
    store.answerCounts().features.find((one) => one.feature === feature)!;
  expect(of("payments_l1w")).toMatchObject({
    view: "weekly",
    statuses: { PRESENT: 2, NULL_VALUE: 0, NOT_FOUND: 2 },
  });
  expect(of("mean_l1w").statuses).toMatchObject({ PRESENT: 0, NULL_VALUE: 3, NOT_FOUND: 2 });
});

test("features that cannot be answered are counted with their status", async () => {
  const { store } = await openShop();
  const request = { features: last, entity: { user_id: "ann" } } as const;
  await store.getOnlineFeatures({ ...request, onMissing: "null" });
  await expect(store.getOnlineFeatures(request)).rejects.toMatchObject({ code: "NOT_READY" });
  const [feature] = store.answerCounts().features;
  expect(feature).toMatchObject({ view: "last", statuses: { NOT_READY: 1, PRESENT: 0 } });
});

test("an answer of the cache is a hit, and the rows behind the others are counted", async () => {
  const { store, online } = await openShop();
  const log = new ShopLog();
  for (let id = 0; id < 12; id++) log.paid({ id, time: NOON - id * SECOND });
  await store.run(log.source());
  const ask = { features: weekly, entity: { user_id: "ann" } } as const;
  for (let i = 0; i < 3; i++) await store.getOnlineFeatures(ask);
  expect(store.answerCounts().answerCache).toEqual({ hits: 2, misses: 1 });
  const [rows] = store.answerCounts().entityRows;
  expect(rows).toMatchObject({ view: "weekly", rows: 12, most: 12 });
  expect(rows!.answers[ENTITY_ROW_BOUNDS.indexOf(100)]).toBe(1);
  const uncached = await openStore({
    definitions,
    online: { store: online, retention: "forever", answerCache: { maxBytes: 0 } },
    clock: () => new Date(NOON / 1000),
  });
  for (let i = 0; i < 2; i++) await uncached.getOnlineFeatures(ask);
  expect(uncached.answerCounts()).toMatchObject({
    answerCache: { hits: 0, misses: 0 },
    entityRows: [{ view: "weekly", rows: 24, most: 12 }],
  });
});

test("rows at a bound belong to its bucket", () => {
  const counter = new AnswerCounter();
  for (const rows of [0, 1, 2, 10, 11, 1_000_000, 1_000_001]) counter.addEntityRows("v", rows);
  expect(counter.counts().entityRows[0]!.answers).toEqual([1, 1, 2, 1, 0, 0, 0, 1, 1]);
});
