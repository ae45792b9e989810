/** What the stores hold: entities with their rows, and what to do about it. */
import { describe, expect, test } from "vitest";
import { storageAdvice } from "../../src/status/storage-advice.ts";
import { NOON, openShop, rejectionOf, SECOND, ShopLog } from "../support/shop.ts";

/** Payments of one user who has many, and of users who have one each. */
function paymentsLog(many: number, few: number): ShopLog {
  const log = new ShopLog();
  for (let i = 0; i < many; i++) log.paid({ id: i, user: "ann", time: NOON - i * SECOND });
  for (let i = 0; i < few; i++) log.paid({ id: many + i, user: `user ${i}`, shop: 7 });
  return log;
}

describe("storage of the online store", () => {
  test("counts entities, their rows and their segments, the largest first", async () => {
    const { store } = await openShop();
    await store.run(paymentsLog(700, 9).source());
    const { online } = await store.storage();
    const byUser = online!.entityLogs.find(({ keys }) => keys.join() === "user_id")!;
    expect(byUser).toMatchObject({ source: "payments", entities: 10, rows: 709, isWhole: true });
    expect(byUser.segments).toBeGreaterThan(0);
    expect(byUser.largest).toHaveLength(5);
    expect(byUser.largest[0]).toMatchObject({ key: { user_id: "ann" }, rows: 700 });
    expect(byUser.largest[1]).toMatchObject({ rows: 1, segments: 0 });
    const byShop = online!.entityLogs.find(({ keys }) => keys.join() === "shop_id")!;
    expect(byShop.rows).toBe(709);
    expect(byShop.largest.map(({ key }) => typeof key["shop_id"])).toContain("bigint");
  });

  test("a source without rows has no entities", async () => {
    const { store } = await openShop();
    const { online } = await store.storage();
    expect(online!.entityLogs.map(({ entities, rows }) => entities + rows)).not.toContain(1);
    expect(online!.entityLogs[0]).toMatchObject({ entities: 0, isWhole: true, largest: [] });
  });
});

describe("storage of the history", () => {
  test("describes the tables that exist, or says that the store describes none", async () => {
    const { store, offline } = await openShop();
    const tables = store.tables().map(({ name }) => name);
    expect((await store.storage()).history).toEqual({ store: offline.name, tables: null });
    expect(await rejectionOf(store.storage({ tables: ["payments/change"] }))).toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining('"payments/change"; did you mean') as string,
    });
    expect(tables).toContain("payments/changes");
  });
});

describe("advice", () => {
  const table = {
    table: "payments/changes",
    holds: "changes",
    of: "payments",
    version: 3,
    rows: 100,
    files: 40,
    bytes: 40 * 1024,
    changed: null,
    oldest: null,
    newest: null,
    positions: [],
  } as const;
  const log = { source: "payments", keys: ["user_id"], entities: 1, rows: 1, segments: 0 };

  test("many small files are joined, and large entities are named by their number of rows", () => {
    const online = (rows: number): Parameters<typeof storageAdvice>[0]["online"] => ({
      store: "memory",
      cells: null,
      bytes: null,
      entityLogs: [
        { ...log, isWhole: true, largest: [{ key: { user_id: "ann" }, rows, segments: 1 }] },
      ],
    });
    const history = (files: number): Parameters<typeof storageAdvice>[0]["history"] => ({
      store: "lake",
      tables: [{ ...table, files }],
    });
    const advice = storageAdvice({ history: history(40), online: online(20_000) });
    expect(advice).toEqual([
      "table payments/changes has 40 small files: run tidemark optimize --table payments/changes",
      expect.stringMatching(/^source payments has entities with up to 20000 rows by user_id/),
    ]);
    expect(advice.join()).not.toContain("ann");
    expect(storageAdvice({ history: history(3), online: online(500) })).toEqual([]);
    expect(storageAdvice({ history: null, online: null })).toEqual([]);
  });
});
