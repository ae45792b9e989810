/**
 * An erasure reaches rows that were stored under another definition: another name of the key's
 * column, or of the primary key's. Rows of which nobody knows whose they are refuse it.
 */
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  timestamp,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { date, NOON, HOUR, rejectionOf, ShopLog } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const columns = {
  shop_id: int64("shop").nullable(),
  vendor: string("Vendor").nullable(),
  amount: string("Amount").nullable(),
  fee: string("fee").nullable(),
  time: timestamp("Time", { zone: "UTC" }).nullable(),
};
const table = "public.payments";
const formerSource = source("payments", {
  table,
  columns: { id: int64("id"), user_id: string("User ID").nullable(), ...columns },
  primaryKey: ["id"],
  eventTime: "time",
});
const former = featureView("paid", {
  entity: user,
  source: formerSource,
  features: { num: count().over("7d") },
});
const renamedSource = source("payments", {
  table,
  columns: { number: int64("id"), client: string("User ID").nullable(), ...columns },
  primaryKey: ["number"],
  eventTime: "time",
});
const renamed = featureView("paid", {
  entity: user,
  source: renamedSource,
  keys: { user_id: renamedSource.client },
  features: { num: count().over("7d") },
});
const client = entity("client", { keys: { vendor: string() } });
const byVendor = featureView("sold", {
  entity: client,
  source: formerSource,
  features: { sold: count().over("7d") },
});

function bank() {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (definitions: { readonly [name: string]: unknown }) =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: { store: memoryOfflineStore(offline), buckets: 1 },
      clock: () => date(NOON),
    });
  const log = new ShopLog()
    .paid({ id: 1, user: "ann", time: NOON - HOUR })
    .paid({ id: 2, user: "bob", time: NOON - HOUR });
  return { open, log };
}

/** The number of payments of ann and bob, online and in a training set. */
async function counts(store: Store, view: never) {
  const users = ["ann", "bob"];
  const entities = users.map((user_id) => ({ user_id }));
  const online = await store.getOnlineFeatures({ features: view, entities } as never);
  const rows = entities.map((one) => ({ ...one, event_timestamp: date(NOON) }));
  const past = await store.getHistoricalFeatures({ features: view, entities: rows } as never);
  const num = (row: unknown): unknown => (row as { readonly num: unknown }).num;
  return [(online as unknown[]).map(num), (await past.rows()).map(num)];
}

test("rows under other names are erased, online and in the history", async () => {
  const { open, log } = bank();
  const before = await open({ former });
  await before.run(log.source(), { mismatch: "ignore" });
  await before.compact();
  expect(await counts(before, former as never)).toEqual([
    [1, 1],
    [1, 1],
  ]);
  const after = await open({ renamed });
  await after.erase({ entity: "user", key: { user_id: "ann" } });
  expect(await counts(before, former as never)).toEqual([
    [0, 1],
    [0, 1],
  ]);
  await after.backfill();
  expect(await counts(after, renamed as never)).toEqual([
    [0, 1],
    [0, 1],
  ]);
});

test("stored rows without the key's column refuse the erasure until a backfill", async () => {
  const { open, log } = bank();
  await (await open({ former })).run(log.source(), { mismatch: "ignore" });
  const store = await open({ former, byVendor });
  const erase = () => store.erase({ entity: "client", key: { vendor: "Sport" } });
  const { code, message } = await rejectionOf(erase());
  expect([code, message]).toEqual([
    "NEEDS_BACKFILL",
    'memory online store: the stored rows of source "payments" are of another definition, ' +
      "without the column vendor that says whose they are: run tidemark backfill " +
      "(store.backfill), and erase again",
  ]);
  await store.backfill();
  await erase();
  expect(await counts(store, former as never)).toEqual([
    [0, 0],
    [0, 0],
  ]);
});
