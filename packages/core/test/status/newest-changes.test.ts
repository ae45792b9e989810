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

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test("the bytes of a message that cannot be decoded are kept, shown and bounded", async () => {
  const { store } = await openShop();
  const undecodable = { reason: "NOT_JSON", message: "no JSON" };
  const long = `${"é".repeat(999)}x${"é".repeat(5000)}`;
  const messages = [
    { key: text('{"id":1}'), value: text("{ no JSON: é") },
    { key: null, value: Uint8Array.of(0, 0, 0, 0, 7, 0x41) },
    { key: text("k"), value: null },
    { key: Uint8Array.of(0xff), value: text(long) },
    { key: text(""), value: new Uint8Array(5000).fill(0x80) },
  ];
  const log = new ShopLog();
  for (const [i, { key, value }] of messages.entries()) {
    // without a readable key, and with one
    const kind = i < 2 ? "none" : "upsert";
    const original = { key, value, headers: {} };
    log.paid({ id: i }, { change: { kind, undecodable, original } });
  }
  log.paid({ id: 9 });
  await store.run(log.source(), { mismatch: "ignore" });
  const [decoded, ...changes] = await store.changes("payments");
  expect(decoded!.original).toBeNull();
  const shown = [
    {
      key: { text: '{"id":1}', encoding: "utf-8", size: 8 },
      value: { text: "{ no JSON: é", encoding: "utf-8", size: 13 },
    },
    { key: null, value: { text: "000000000741", encoding: "hex", size: 6 } },
    { key: { text: "k", encoding: "utf-8", size: 1 }, value: null },
    {
      key: { text: "ff", encoding: "hex", size: 1 },
      // the character at the end of 2,000 bytes is not whole
      value: { text: `${"é".repeat(999)}x`, encoding: "utf-8", size: 11_999 },
    },
    {
      key: { text: "", encoding: "utf-8", size: 0 },
      value: { text: "80".repeat(1000), encoding: "hex", size: 5000 },
    },
  ];
  expect(changes.map(({ original }) => original)).toEqual(shown.toReversed());
  const quarantined = await store.quarantine("payments");
  const byOffset = quarantined.toSorted((a, b) => a.offset - b.offset);
  expect(byOffset.map(({ original }) => original)).toEqual(shown);
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
