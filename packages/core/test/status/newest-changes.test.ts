/** The newest changes of a source, as their messages said them and as they were decoded. */
import { expect, test } from "vitest";
import { NOON, openShop, rejectionOf, SECOND, ShopLog } from "../support/shop.ts";

test("the newest changes come first, from all partitions", async () => {
  const { store } = await openShop();
  const log = new ShopLog();
  for (let i = 0; i < 20; i++)
    log.paid(
      { id: i, amount: i / 2, time: NOON + i * SECOND },
      { partition: i % 2, committed: NOON + i * SECOND },
    );
  log.deletePayment(19, { partition: 1, committed: NOON + 30 * SECOND });
  await store.run(log.source());
  const changes = await store.changes("payments", { limit: 5 });
  expect(changes.map(({ kind, partition, row }) => [kind, partition, row?.["id"]])).toEqual([
    ["delete", 1, "19"],
    ["upsert", 1, "19"],
    ["upsert", 0, "18"],
    ["upsert", 1, "17"],
    ["upsert", 0, "16"],
  ]);
  const [, newest] = changes;
  expect(newest).toMatchObject({
    topic: "t.public.payments",
    offset: 9,
    committed: "2026-01-05T12:00:19.000000Z",
    isSnapshot: false,
    row: { amount: 9.5, vendor: "Sport", time: "2026-01-05T12:00:19.000000Z" },
    undecodable: null,
    invalid: [],
  });
  expect(JSON.parse(newest!.message!)).toMatchObject({ values: { Amount: 9.5 } });
  expect(await store.changes("payments")).toHaveLength(21);
  expect(await store.changes("payments", { limit: 0 })).toEqual([]);
});

test("a message that cannot be decoded has its reason", async () => {
  const { store } = await openShop();
  const log = new ShopLog()
    .paid({ id: 1 }, { change: { undecodable: { reason: "NOT_JSON", message: "no JSON" } } })
    .paid({ id: 2 });
  await store.run(log.source(), { mismatch: "ignore" });
  const reasons = (await store.changes("payments")).map(({ undecodable }) => undecodable);
  expect(reasons).toEqual([null, "NOT_JSON"]);
});

test("a source without changes has none, and an unknown source is refused", async () => {
  const { store } = await openShop();
  expect(await store.changes("customers")).toEqual([]);
  expect(await rejectionOf(store.changes("customer"))).toMatchObject({ code: "SOURCE_UNKNOWN" });
  expect(await rejectionOf(store.changes("customers", { limit: -1 }))).toMatchObject({
    code: "OPTION_INVALID",
  });
});
