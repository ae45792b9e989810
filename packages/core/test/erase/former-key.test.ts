/**
 * A row took another primary key, and the log lacks the delete of the former one. The erasure of
 * the row's owner leaves the former key deleted, on every path.
 */
import { describe, expect, test } from "vitest";
import {
  date,
  everything,
  HOUR,
  NOON,
  openShop,
  ShopLog,
  type ShopStores,
} from "../support/shop.ts";

const ANN = { entity: "user", key: { user_id: "ann" } };

async function bobsPayments({ store }: Pick<ShopStores, "store">): Promise<unknown[]> {
  const features = everything;
  const online = await store.getOnlineFeatures({ features, entities: [{ user_id: "bob" }] });
  const event_timestamp = date(NOON + HOUR);
  const entities = [{ user_id: "bob", event_timestamp }];
  const past = await (await store.getHistoricalFeatures({ features, entities })).rows();
  return [online[0]!.payments_l1w, past[0]!.payments_l1w];
}

describe.each([
  ["the person alone had the row", false],
  ["another had the row before", true],
])("%s", (_, hadRow) => {
  const log = new ShopLog()
    .customer(2, "Hue")
    .paid({ id: 1, user: "bob" })
    .paid({ id: 3, user: "bob" });
  if (hadRow) log.paid({ id: 2, user: "bob" });
  log.paid({ id: 2, user: "ann" }, { change: { oldKey: [1n] } });

  test("the history, and what is filled from it", async () => {
    const shop = await openShop();
    await shop.store.run(log.source());
    shop.now = NOON + HOUR;
    await shop.store.erase(ANN);
    expect(await bobsPayments(shop)).toEqual([1, 1]);
    const fresh = await openShop({ offline: shop.offline });
    fresh.now = shop.now;
    await fresh.store.backfill();
    expect(await bobsPayments(fresh)).toEqual([1, 1]);
  });

  test("a new history, and a new online store of it", async () => {
    const shop = await openShop();
    await shop.store.run(log.source());
    shop.now = NOON + HOUR;
    await shop.store.erase(ANN);
    const next = await openShop({ online: shop.online });
    next.now = shop.now;
    await next.store.run(log.source(), { newHistory: true });
    expect(await bobsPayments(next)).toEqual([1, 1]);
    const fresh = await openShop({ offline: next.offline });
    fresh.now = shop.now;
    await fresh.store.backfill();
    expect(await bobsPayments(fresh)).toEqual([1, 1]);
  });
});
