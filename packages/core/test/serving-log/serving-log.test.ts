/** The serving log holds what was served, and an answer never waits for it. */
import type { OfflineStore } from "@tidemark/core/spi";
import { openStore, TidemarkError, type ServingLogOptions } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import { valueAt } from "../../src/columns/batch.ts";
import {
  date,
  DAY,
  definitions,
  everything,
  NOON,
  openShop,
  rejectionOf,
  SECOND,
  ShopLog,
  weekly,
  type ShopStores,
} from "../support/shop.ts";

const LOG = "serving-log/answers";
const entity = { user_id: "ann" };

/** The rows of the log, as objects. */
async function rowsOf(offline: OfflineStore): Promise<Record<string, unknown>[]> {
  const state = await offline.state(LOG);
  if (state === null) return [];
  const rows: Record<string, unknown>[] = [];
  const columns = state.columns.map(({ name }) => name);
  for await (const { length, vectors } of offline.scan(LOG, { columns }))
    for (let i = 0; i < length; i++)
      rows.push(Object.fromEntries(columns.map((name, c) => [name, valueAt(vectors[c]!, i)])));
  return rows;
}

async function filled(servingLog: ServingLogOptions, offline = false): Promise<ShopStores> {
  const shop = await openShop({ servingLog });
  const log = new ShopLog();
  log.paid({ id: 1, amount: 0.1, fee: 250n, time: NOON }).paid({ id: 2, amount: 0.2, time: NOON });
  await shop.store.run(log.source());
  shop.now = NOON + 60 * SECOND;
  if (offline) await shop.store.servingLog!.flush();
  return shop;
}

describe("the serving log", () => {
  test("has a row for each entity, with exact values", async () => {
    const shop = await filled({});
    const asOf = date(NOON + SECOND);
    await shop.store.getOnlineFeatures({ features: everything, entity, requestId: "r-1" });
    await shop.store.getOnlineFeatures({
      features: [weekly.spent_7d, weekly.fees_l1w],
      entities: [entity, { user_id: "no'one\n" }],
      asOf,
    });
    await shop.store.servingLog!.flush();
    const [first, second, third] = await rowsOf(shop.offline);
    expect(first).toMatchObject({
      date: "2026-01-05",
      answered_at: NOON + 60 * SECOND,
      as_of: NOON + 60 * SECOND,
      service: "everything",
      request_id: "r-1",
      entity: '{"user_id":"ann"}',
      request_data: null,
      newest_event: NOON,
      sequence: 0n,
    });
    expect(JSON.parse(first!["values"] as string)).toMatchObject({
      spent_7d: 0.1 + 0.2,
      fees_l1w: "2.50",
      payments_l1w: 2,
      city: null,
    });
    expect(JSON.parse(first!["statuses"] as string)).toMatchObject({ city: "NOT_FOUND" });
    expect(JSON.parse(first!["features"] as string)).toMatchObject({ city: "profile:city" });
    expect(second).toMatchObject({ as_of: NOON + SECOND, service: null, request_id: null });
    expect(JSON.parse(third!["entity"] as string)).toEqual({ user_id: "no'one\n" });
    expect(shop.store.servingLog!.status()).toMatchObject({
      answered: 3,
      sampled: 3,
      written: 3,
      lost: { queueFull: 0, writeFailed: 0 },
      queuedRows: 0,
      queuedBytes: 0,
      lastError: null,
    });
  });

  test("is committed when the store is closed", async () => {
    const shop = await filled({});
    await shop.store.getOnlineFeatures({ features: weekly, entity });
    await shop.store.close();
    const reopened = await shop.reopened({ servingLog: undefined });
    expect((await reopened.skew({ from: date(NOON - DAY), to: date(NOON + DAY) })).answers).toBe(1);
  });

  test("counts the rows that a full queue loses, and every answer is given", async () => {
    const shop = await filled({ queue: { rows: 10 } });
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    for (let i = 0; i < 25; i++)
      expect(await shop.store.getOnlineFeatures({ features: weekly, entity })).toBeDefined();
    expect(shop.store.servingLog!.status()).toMatchObject({
      answered: 25,
      queuedRows: 10,
      lost: { queueFull: 15, writeFailed: 0 },
    });
    expect(await warned).toMatchObject({ code: "SERVING_LOG_LOST" });
    await shop.store.servingLog!.flush();
    expect(await rowsOf(shop.offline)).toHaveLength(10);
  });

  test("rows wait while the offline store is unavailable, and are written once", async () => {
    const shop = await filled({});
    const { append } = shop.offline;
    let failures = 0;
    // the second failure is told after the commit took effect
    shop.offline.append = async (table, rows, options) => {
      if (table.name !== LOG || failures === 2)
        return append.call(shop.offline, table, rows, options);
      if (failures++ === 1) await append.call(shop.offline, table, rows, options);
      throw new TidemarkError("OBJECTS_UNREACHABLE", "the store is away", { retryable: true });
    };
    for (let i = 0; i < 3; i++) {
      await shop.store.getOnlineFeatures({ features: weekly, entity });
      await shop.store.servingLog!.flush();
      if (i === 0)
        expect(shop.store.servingLog!.status()).toMatchObject({
          queuedRows: 1,
          lastError: "the store is away",
        });
    }
    const rows = await rowsOf(shop.offline);
    const sequences = rows.map((row) => Number(row["sequence"]));
    expect(sequences).toEqual([...new Set(sequences)]);
    expect(shop.store.servingLog!.status().lost).toEqual({ queueFull: 0, writeFailed: 0 });
    expect(rows).toHaveLength(3);
  });

  test("rows that cannot be written are counted", async () => {
    const shop = await filled({});
    shop.offline.append = async () => {
      throw new Error("no");
    };
    await shop.store.getOnlineFeatures({ features: weekly, entity });
    await shop.store.servingLog!.flush();
    expect(shop.store.servingLog!.status()).toMatchObject({
      written: 0,
      lost: { queueFull: 0, writeFailed: 1 },
      lastError: "no",
    });
  });

  test("a share of the requests is chosen by id, alike in every process", async () => {
    const chosen = async (): Promise<readonly unknown[]> => {
      const shop = await filled({ sample: 0.3 });
      for (let i = 0; i < 400; i++)
        await shop.store.getOnlineFeatures({ features: weekly, entity, requestId: `r-${i}` });
      await shop.store.servingLog!.flush();
      return (await rowsOf(shop.offline)).map((row) => row["request_id"]);
    };
    const [first, second] = [await chosen(), await chosen()];
    expect(first).toEqual(second);
    expect(first.length).toBeGreaterThan(80);
    expect(first.length).toBeLessThan(160);
  });

  test("requests without an id are drawn", async () => {
    let drawn = 0;
    const shop = await filled({ sample: 0.5, random: () => (drawn++ % 4) / 4 });
    for (let i = 0; i < 8; i++) await shop.store.getOnlineFeatures({ features: weekly, entity });
    expect(shop.store.servingLog!.status()).toMatchObject({ answered: 8, sampled: 4 });
  });

  test("an id for each entity chooses each row", async () => {
    const shop = await filled({ sample: 0.5 });
    const requestId = Array.from({ length: 100 }, (_, i) => `r-${i}`);
    const entities = requestId.map(() => entity);
    await shop.store.getOnlineColumns({ features: weekly, entities, requestId });
    await shop.store.servingLog!.flush();
    const ids = (await rowsOf(shop.offline)).map((row) => row["request_id"]);
    expect(ids.length).toBeGreaterThan(30);
    expect(ids.length).toBeLessThan(70);
    expect(requestId.filter((id) => ids.includes(id))).toEqual(ids);
  });

  test("days past the retention are removed", async () => {
    const shop = await filled({ retention: "2d" });
    for (const day of [0, 1, 2, 3]) {
      shop.now = NOON + day * DAY;
      const store = await shop.reopened();
      await store.getOnlineFeatures({ features: weekly, entity });
      await store.servingLog!.flush();
    }
    expect((await rowsOf(shop.offline)).map((row) => row["date"])).toEqual([
      "2026-01-06",
      "2026-01-07",
      "2026-01-08",
    ]);
  });

  test("two processes write one table", async () => {
    const shop = await filled({});
    const stores = [shop.store, await shop.reopened(), await shop.reopened()];
    await Promise.all(
      stores.map(async (store) => {
        for (let i = 0; i < 5; i++) {
          await store.getOnlineFeatures({ features: weekly, entity });
          await store.servingLog!.flush();
        }
      }),
    );
    const rows = await rowsOf(shop.offline);
    expect(rows).toHaveLength(15);
    expect(new Set(rows.map((row) => row["process"])).size).toBe(3);
  });

  test("an erasure reaches the table and the queues of other processes", async () => {
    const shop = await filled({});
    const other = await shop.reopened();
    const entities = [entity, { user_id: "bob" }];
    for (const store of [shop.store, other]) {
      await store.getOnlineFeatures({ features: weekly, entities });
      await store.servingLog!.flush();
      await store.getOnlineFeatures({ features: weekly, entities });
    }
    shop.now += SECOND;
    const receipt = await shop.store.erase({ entity: "user", key: entity });
    // the queue of this process was committed first
    expect(receipt.tables).toContainEqual({ table: LOG, removed: 3, reduced: 0 });
    await other.servingLog!.flush();
    const left = (await rowsOf(shop.offline)).map((row) => row["entity"]);
    expect(left).toEqual(Array.from({ length: 4 }, () => '{"user_id":"bob"}'));
    // an answer after the erasure is logged
    shop.now += SECOND;
    await other.getOnlineFeatures({ features: weekly, entity });
    await other.servingLog!.flush();
    expect(await rowsOf(shop.offline)).toHaveLength(5);
  });

  test("wrong settings are refused", async () => {
    const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    for (const [servingLog, code] of [
      [{ sample: 1.5 }, "OPTION_INVALID"],
      [{ rate: 1 }, "OPTION_UNKNOWN"],
      [{ queue: { rows: 0 } }, "OPTION_INVALID"],
      [{ commit: { age: "1 second" } }, "DURATION_INVALID"],
      [true, "OPTION_INVALID"],
    ] as const)
      expect(
        await rejectionOf(openStore({ definitions, ...stores, servingLog: servingLog as never })),
      ).toMatchObject({ code });
    expect(
      await rejectionOf(openStore({ definitions, online: stores.online, servingLog: {} })),
    ).toMatchObject({ code: "STORE_MISSING" });
  });
});
