/**
 * Law 11: a source that gets another table answers nothing until a run has read that table's log.
 * Its history has rows of the former table only.
 */
import { count, featureView, int64, openStore, source, string, timestamp } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { date, NOON, HOUR, rejectionOf, ShopLog, user } from "../support/shop.ts";

const viewOf = (table: string) => {
  const columns = {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    shop_id: int64("shop").nullable(),
    vendor: string("Vendor").nullable(),
    amount: string("Amount").nullable(),
    fee: string("fee").nullable(),
    time: timestamp("Time", { zone: "UTC" }).nullable(),
  };
  return featureView("paid", {
    entity: user,
    source: source("payments", { table, columns, primaryKey: ["id"], eventTime: "time" }),
    features: { num: count().over("7d") },
  });
};

test("a backfill from the history of another table makes no source ready; a run does", async () => {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (view: ReturnType<typeof viewOf>) =>
    openStore({
      definitions: { view },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: { store: memoryOfflineStore(offline), buckets: 1 },
      clock: () => date(NOON),
    });
  const log = new ShopLog().paid({ id: 1, time: NOON - HOUR });
  const [formerView, view] = [viewOf("public.payments"), viewOf("sales.payments")];
  const former = await open(formerView);
  await former.run(log.source(), { mismatch: "ignore" });
  const store = await open(view);
  const num = async (): Promise<unknown> => {
    const asked = { features: view, entities: [{ user_id: "ann" }] };
    return (await store.getOnlineFeatures(asked))[0]!.num;
  };
  expect((await rejectionOf(num())).code).toBe("NEEDS_BACKFILL");
  for (let filled = 0; filled < 2; filled++) {
    await store.backfill();
    const { code, message } = await rejectionOf(num());
    expect([code, message]).toEqual([
      "NOT_READY",
      'memory online store: source "payments" was never level with the log or the history, so an ' +
        "answer could be a smaller number: its table is another one since the last run: run it " +
        "with `tidemark run` (store.run)",
    ]);
  }
  // a run of the former table says nothing of the new one
  await former.run(log.source(), { mismatch: "ignore" });
  expect((await rejectionOf(num())).code).toBe("NOT_READY");
  await store.run(log.paid({ id: 2, time: NOON - HOUR }).source(), { mismatch: "ignore" });
  expect(await num()).toBe(1);
});
