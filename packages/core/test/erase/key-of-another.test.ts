/**
 * The primary key holds the key of an entity, and another entity of the row is erased. The erased
 * change stays as a delete of its row.
 */
import { count, entity, featureView, int64, source, string, timestamp } from "@tidemark/core";
import { expect, test } from "vitest";
import { date, HOUR, NOON, openShop, ShopLog } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const shop = entity("shop", { keys: { shop_id: string() } });
const transfers = source("transfers", {
  table: "public.transfers",
  columns: {
    sender: string(),
    number: int64(),
    receiver: string(),
    shop_id: string(),
    time: timestamp(),
  },
  primaryKey: ["sender", "number"],
  eventTime: "time",
});
const over = { source: transfers, features: { num: count().over("7d") } };
const definitions = {
  sent: featureView("sent", { entity: user, ...over, keys: { user_id: transfers.sender } }),
  received: featureView("received", {
    entity: user,
    ...over,
    keys: { user_id: transfers.receiver },
  }),
  sold: featureView("sold", { entity: shop, ...over }),
};

type Transfer = Readonly<Record<"receiver" | "shop_id", string>>;

/** A log of one row of ann. */
function logOf(transfersOfAnn: readonly Transfer[]): ShopLog {
  const log = new ShopLog();
  for (const [i, { receiver, shop_id }] of transfersOfAnn.entries())
    log.add("transfers", "upsert", ["ann", 1n, receiver, shop_id, NOON], {
      committed: NOON + i + 1,
    });
  return log;
}

type Numbered = { readonly num: number };
type View = (typeof definitions)[keyof typeof definitions];

/** The number of an entity's rows, online and in a training set. */
async function numbers(
  { store }: Pick<Awaited<ReturnType<typeof openShop>>, "store">,
  features: View,
  entity: Readonly<Record<string, string>>,
) {
  const ask = { features, entities: [entity] } as never;
  const online = (await store.getOnlineFeatures(ask)) as unknown as readonly Numbered[];
  const event_timestamp = date(NOON + HOUR);
  const past = await store.getHistoricalFeatures({
    features,
    entities: [{ ...entity, event_timestamp }],
  } as never);
  const rows = (await past.rows()) as unknown as readonly Numbered[];
  return [online[0]!.num, rows[0]!.num];
}

test("the erased entity owns the row by another view", async () => {
  const log = logOf([
    { receiver: "bob", shop_id: "s1" },
    { receiver: "cid", shop_id: "s1" },
  ]);
  const stores = await openShop({ definitions });
  await stores.store.run(log.source());
  stores.now = NOON + HOUR;
  await stores.store.erase({ entity: "user", key: { user_id: "cid" } });
  expect(await numbers(stores, definitions.received, { user_id: "bob" })).toEqual([0, 0]);
  expect(await numbers(stores, definitions.sent, { user_id: "ann" })).toEqual([0, 0]);
  const fresh = await openShop({ definitions, offline: stores.offline });
  fresh.now = stores.now;
  await fresh.store.backfill();
  expect(await numbers(fresh, definitions.received, { user_id: "bob" })).toEqual([0, 0]);
});

test("a new history knows of an erased entity besides that of a change", async () => {
  const log = logOf([
    { receiver: "bob", shop_id: "s1" },
    { receiver: "bob", shop_id: "s2" },
  ]);
  const stores = await openShop({ definitions });
  await stores.store.run(log.source());
  stores.now = NOON + HOUR;
  await stores.store.erase({ entity: "user", key: { user_id: "zed" } });
  await stores.store.erase({ entity: "shop", key: { shop_id: "s2" } });
  expect(await numbers(stores, definitions.sold, { shop_id: "s1" })).toEqual([0, 0]);
  const next = await openShop({ definitions, online: stores.online });
  next.now = stores.now;
  await next.store.run(log.source(), { newHistory: true });
  expect(await numbers(next, definitions.sold, { shop_id: "s1" })).toEqual([0, 0]);
});
