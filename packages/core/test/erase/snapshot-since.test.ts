/**
 * A snapshot row of a dimension holds from a declared column, perhaps from before the version that
 * it replaces. An erased one ends that version when the snapshot read it, on every path.
 */
import { expect, test } from "vitest";
import { date, DAY, HOUR, NOON, openShop, ShopLog, type ShopStores } from "../support/shop.ts";
import { profile } from "../support/shop.ts";

const ANN = { entity: "user", key: { user_id: "ann" } };

/** The city of bob at these hours, online and in a training set. */
async function cities({ store }: Pick<ShopStores, "store">, hours: readonly number[]) {
  const found: unknown[] = [];
  for (const hour of hours) {
    const time = date(NOON + hour * HOUR);
    const entities = [{ user_id: "bob" }];
    const [online] = await store.getOnlineFeatures({ features: profile, entities, asOf: time });
    const past = await store.getHistoricalFeatures({
      features: profile,
      entities: [{ user_id: "bob", event_timestamp: time }],
    });
    found.push([online!.city, (await past.rows())[0]!.city]);
  }
  return found;
}

const city = (id: number, user: string, name: string, since: number | null) => [
  BigInt(id),
  user,
  name,
  since,
];

test.each([false, true])("compacted: %s", async (isCompacted) => {
  const log = new ShopLog()
    .paid({ id: 1, user: "bob" })
    .add("customers", "upsert", city(1, "bob", "Hue", null), { committed: NOON + HOUR })
    .add("customers", "upsert", city(1, "ann", "Da Lat", NOON - DAY), {
      committed: NOON + 3 * HOUR,
      change: { snapshot: true },
    });
  const shop = await openShop();
  await shop.store.run(log.source());
  if (isCompacted) await shop.store.compact();
  shop.now = NOON + 5 * HOUR;
  const hours = [1, 2, 3, 4];
  await shop.store.erase(ANN);

  expect(await cities(shop, hours)).toEqual([
    [null, null],
    ["Hue", "Hue"],
    ["Hue", "Hue"],
    [null, null],
  ]);
  const fresh = await openShop({ offline: shop.offline });
  fresh.now = shop.now;
  await fresh.store.backfill();
  expect(await cities(fresh, hours)).toEqual(await cities(shop, hours));
});
