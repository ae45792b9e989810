/**
 * A dimension that views of the entity look up by its key has no view of its own. Its rows of an
 * erased entity go from both stores, and no replay brings them back.
 */
import {
  count,
  eq,
  enrichedSource,
  entity,
  featureView,
  int64,
  source,
  string,
  timestamp,
} from "@tidemark/core";
import { commitTime } from "@tidemark/core";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { valueAt } from "../../src/columns/batch.ts";
import { date, HOUR, NOON, openShop, ShopLog, type ShopStores } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const orders = source("orders", {
  table: "public.orders",
  columns: { id: int64(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const profiles = source("profiles", {
  table: "public.profiles",
  columns: { owner: string(), city: string().nullable() },
  primaryKey: ["owner"],
  eventTime: commitTime(),
});
const located = enrichedSource("located", {
  from: orders,
  with: profiles,
  on: { owner: orders.user_id },
  columns: { city: profiles.city },
});
const cities = featureView("cities", {
  entity: user,
  source: located,
  features: { in_hue: count().where(eq(located.city, "Hue")).over("7d") },
});
const definitions = { cities };

const ANN = { entity: "user", key: { user_id: "ann" } };

function profile(log: ShopLog, owner: string, committed: number): void {
  log.add("profiles", "upsert", [owner, "Hue"], { committed });
}

function order(log: ShopLog, id: number, user_id: string, time: number): void {
  log.add("orders", "upsert", [BigInt(id), user_id, time], { committed: time + 1 });
}

function firstLog(): ShopLog {
  const log = new ShopLog();
  profile(log, "ann", NOON + 1);
  profile(log, "bob", NOON + 2);
  order(log, 1, "ann", NOON + 10);
  order(log, 2, "bob", NOON + 11);
  return log;
}

/** Every text of the rows in the stores. */
async function texts({ online, offline }: { online: OnlineStore; offline: OfflineStore }) {
  const { cells } = await online.scan({ prefix: new Uint8Array(), limit: 1e6, cursor: null });
  const all = cells.flatMap(({ key, value }) => [
    Buffer.from(key).toString("latin1"),
    Buffer.from(value).toString("latin1"),
  ]);
  for (const name of ["profiles/changes", "profiles/versions", "orders/changes"]) {
    const state = (await offline.state(name))!;
    const columns = state.columns.map((column) => column.name);
    for await (const { vectors, length } of offline.scan(name, { columns }))
      for (const vector of vectors)
        for (let i = 0; i < length; i++) all.push(String(valueAt(vector, i)));
  }
  return all.join("\n").replaceAll(/[\w-]{22,}/g, "");
}

async function inHue({ store }: Pick<ShopStores, "store">): Promise<unknown[]> {
  const users = ["ann", "bob"];
  const entities = users.map((user_id) => ({ user_id }));
  const online = await store.getOnlineFeatures({ features: cities, entities });
  const past = await store.getHistoricalFeatures({
    features: cities,
    entities: entities.map((one) => ({ ...one, event_timestamp: date(NOON + 2 * HOUR) })),
  });
  const rows = await past.rows();
  expect(online.map((row) => row.in_hue)).toEqual(rows.map((row) => row.in_hue));
  return rows.map((row) => row.in_hue);
}

/** Stores from which ann was erased an hour after the log. */
async function erasedShop(log: ShopLog): Promise<ShopStores> {
  const shop = await openShop({ definitions });
  await shop.store.run(log.source());
  expect(await texts(shop)).toContain("ann");
  shop.now = NOON + HOUR;
  expect(await inHue(shop)).toEqual([1, 1]);
  const receipt = await shop.store.erase(ANN);
  expect(receipt.tables).toContainEqual({ table: "profiles/changes", removed: 1, reduced: 0 });
  expect(receipt.tables).toContainEqual({ table: "profiles/versions", removed: 1, reduced: 0 });
  expect(receipt.online).toContainEqual({ place: "source:profiles", rows: 1, cells: 0 });
  return shop;
}

test("the rows go, and those of others stay", async () => {
  const shop = await erasedShop(firstLog());
  expect(await inHue(shop)).toEqual([0, 1]);
  expect(await texts(shop)).not.toContain("ann");
  expect(await texts(shop)).toContain("bob");
});

test("no replay brings them back, and a later row is taken", async () => {
  const log = firstLog();
  const shop = await erasedShop(log);
  const again = new ShopLog();
  for (const change of log.changes) again.changes.push({ ...change, offset: change.offset + 100 });
  await shop.store.run(again.source());
  expect(await texts(shop)).not.toContain("ann");
  const later = new ShopLog();
  order(later, 3, "ann", NOON + HOUR + 1);
  for (const change of later.changes)
    again.changes.push({ ...change, order: 500n, offset: change.offset + 300 });
  await shop.store.run(again.source());
  shop.now = NOON + 2 * HOUR;
  // her former profile is not found
  expect(await inHue(shop)).toEqual([0, 1]);
});

test("new stores learn that the rows are refused", async () => {
  const log = firstLog();
  const shop = await erasedShop(log);
  const newOnline = await openShop({ definitions, offline: shop.offline });
  newOnline.now = shop.now;
  await newOnline.store.run(log.source());
  expect(await texts({ online: newOnline.online, offline: shop.offline })).not.toContain("ann");
  const filled = await openShop({ definitions, offline: shop.offline });
  filled.now = shop.now;
  await filled.store.backfill();
  expect(await inHue(filled)).toEqual([0, 1]);
  const newHistory = await openShop({ definitions, online: shop.online });
  newHistory.now = shop.now;
  await newHistory.store.run(log.source(), { newHistory: true });
  expect(await inHue(newHistory)).toEqual([0, 1]);
  expect(await texts({ online: shop.online, offline: newHistory.offline })).not.toContain("ann");
});

test("an online store that still has the rows erases them with its next run", async () => {
  const log = firstLog();
  const shop = await openShop({ definitions });
  await shop.store.run(log.source());
  const other = await openShop({ definitions, offline: shop.offline });
  await other.store.backfill();
  const stores = { online: other.online, offline: shop.offline };
  shop.now = NOON + HOUR;
  await shop.store.erase(ANN);
  expect(await texts(stores)).toContain("ann");
  other.now = NOON + HOUR;
  await other.store.run(log.source());
  expect(await texts(stores)).not.toContain("ann");
  expect(await inHue(other)).toEqual([0, 1]);
});
