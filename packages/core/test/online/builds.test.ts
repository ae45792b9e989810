/**
 * Law 11: a backfill stores rows anew in place, while the rest is served and written. A kill at any
 * step leaves a store that another call brings to its end.
 */
import {
  count,
  countDistinct,
  entity,
  featureView,
  int64,
  max,
  openStore,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  type MemoryOnlineData,
} from "@tidemark/core/testing";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { backfillOnline } from "../../src/online/backfill.ts";
import { onlineMaintenance } from "../../src/online/maintenance.ts";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { DAY, HOUR, NOON, ShopLog, date, payments, rejectionOf, user } from "../support/shop.ts";

const ann = [{ user_id: "ann" }] as const;
const narrow = featureView("narrow", {
  entity: user,
  source: payments,
  features: { paid_l7d: count().over("7d"), largest_l7d: max(payments.amount).over("7d") },
});
const wide = featureView("wide", {
  entity: user,
  source: payments,
  features: { paid_l30d: count().over("30d"), vendors: countDistinct(payments.vendor).over("2d") },
});
const byShop = featureView("by_shop", {
  entity: entity("shop", { keys: { shop_id: int64() } }),
  source: payments,
  features: { sales: count().over("30d") },
});

const log = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 20 * DAY, amount: 5 })
    .paid({ id: 2, time: NOON - HOUR, amount: 7, vendor: "Hospital" });

function open(
  online: OnlineStore,
  offline: OfflineStore,
  definitions: { readonly [name: string]: unknown },
): Promise<Store> {
  return openStore({
    definitions,
    online: { store: online, retention: "1d", logRetention: "60d" },
    offline: { store: offline, commit: { rows: 2 } },
    clock: () => date(NOON),
  });
}

function copyOf({ namespaces, version }: MemoryOnlineData): MemoryOnlineData {
  const copy = <T>(bySource: ReadonlyMap<string, ReadonlyMap<string, T>>) =>
    new Map([...bySource].map(([source, list]) => [source, new Map(list)]));
  return {
    version,
    namespaces: new Map(
      [...namespaces].map(([name, { cells, positions, metadata }]) => [
        name,
        { cells: new Map(cells), positions: copy(positions), metadata: copy(metadata) },
      ]),
    ),
  };
}

const cellNames = (data: MemoryOnlineData): readonly string[] =>
  [...data.namespaces.get("default")!.cells.keys()].sort();

/** A store whose process dies at the given call; after it no call does anything. */
function dyingAt(store: OnlineStore, calls: number): OnlineStore & { calls: number } {
  const dying = { ...store, calls: 0 };
  const called = <T>(call: () => Promise<T>): Promise<T> => {
    dying.calls++;
    return dying.calls > calls ? Promise.reject(new Error("killed")) : call();
  };
  dying.read = (keys) => called(() => store.read(keys));
  dying.write = (step) => called(() => store.write(step));
  dying.positions = (source) => called(() => store.positions(source));
  dying.metadata = (source) => called(() => store.metadata(source));
  dying.deleteCells = (options) => called(() => store.deleteCells(options));
  return dying;
}

/** A store filled under the narrow definitions, and its history. */
async function filled() {
  const data = memoryOnlineData();
  const offline = memoryOfflineStore();
  const changes = log();
  await (await open(memoryOnlineStore(data), offline, { narrow })).run(changes.source());
  return { data, offline, changes };
}

test("a longer window, another column and another key are there after a backfill", async () => {
  const { data, offline, changes } = await filled();
  const before = await open(memoryOnlineStore(data), offline, { narrow });
  const store = await open(memoryOnlineStore(data), offline, { narrow, wide, byShop });
  const asked = { features: [wide, byShop], entities: [{ user_id: "ann", shop_id: 1 }] } as const;
  expect((await rejectionOf(store.getOnlineFeatures(asked))).code).toBe("NEEDS_BACKFILL");
  const { sources } = await store.backfill({ sources: ["payments"] });
  expect(sources).toMatchObject([
    {
      source: "payments",
      changes: 2,
      reason: "feature wide.paid_l30d needs a window of 30d instead of 7d",
    },
  ]);
  expect((await store.getOnlineFeatures(asked))[0]).toMatchObject({ paid_l30d: 2, vendors: 1 });
  // a runner and a reader of the definitions of before go on
  await before.run(changes.paid({ id: 3, time: NOON - 2 * HOUR, vendor: "Bakery" }).source());
  expect((await before.getOnlineFeatures({ features: narrow, entities: ann }))[0]).toEqual({
    paid_l7d: 2,
    largest_l7d: 7,
  });
  expect((await store.getOnlineFeatures({ features: wide, entities: ann }))[0]).toEqual({
    paid_l30d: 3,
    vendors: 2,
  });
  const names = cellNames(data).filter((name) => /rows?[:/]/.test(name));
  expect(names.every((name) => /rows?\/1:/.test(name))).toBe(true);
  expect(await store.backfill()).toMatchObject({ changes: 0, sources: [{ reason: null }] });
});

test("fewer features and other columns that no feature reads need no backfill", async () => {
  const { data, offline } = await filled();
  const fewer = featureView("narrow", {
    entity: user,
    source: payments,
    features: { paid_l7d: count().over("7d") },
  });
  const store = await open(memoryOnlineStore(data), offline, { fewer });
  expect(await store.backfill()).toMatchObject({ changes: 0, sources: [{ reason: null }] });
});

test("a backfill does not wait for a history that is gone, or that there never was", async () => {
  const began = performance.now();
  const { data, changes } = await filled();
  const gone = await open(memoryOnlineStore(data), memoryOfflineStore(), { narrow, wide });
  await expect(gone.backfill()).rejects.toMatchObject({ code: "HISTORY_MISSING" });
  const alone = memoryOnlineStore();
  await (
    await openStore({
      definitions: { narrow },
      online: { store: alone, retention: "1d" },
      clock: () => date(NOON),
    })
  ).run(changes.source());
  const store = await open(alone, memoryOfflineStore(), { narrow, wide });
  await expect(store.backfill()).rejects.toMatchObject({ code: "HISTORY_BEHIND" });
  // a history that is behind is waited for
  expect(performance.now() - began).toBeLessThan(30_000);
});

test("a history behind the online store is named, and nothing is served halfway", async () => {
  const { data, offline, changes } = await filled();
  const other = memoryOnlineStore(data);
  const alone = await openStore({
    definitions: { narrow },
    online: { store: other, retention: "1d" },
    clock: () => date(NOON),
  });
  await alone.run(changes.paid({ id: 3, time: NOON - HOUR }).source());
  const online = memoryOnlineStore(data);
  await online.open({ namespace: "default" });
  const { sources, views } = collectDefinitions({ narrow, wide });
  const settings = {
    online,
    offline,
    namespace: "default",
    views: [...views.values()],
    clock: () => NOON,
    retention: { retain: DAY, logRetention: 60 * DAY },
    historyTimeout: 300,
  };
  const maintenance = onlineMaintenance({
    ...settings,
    store: online,
    sources: [...sources.values()],
  });
  const backfill = backfillOnline([...sources.values()], { ...settings, maintenance });
  await expect(backfill).rejects.toMatchObject({ code: "HISTORY_BEHIND" });
  const store = await open(memoryOnlineStore(data), offline, { narrow, wide });
  expect((await store.getOnlineFeatures({ features: narrow, entities: ann }))[0]).toEqual({
    paid_l7d: 2,
    largest_l7d: 7,
  });
  // the run that brings the changes also brings the backfill to its end
  await store.run(changes.source());
  await store.backfill();
  expect((await store.getOnlineFeatures({ features: wide, entities: ann }))[0]).toMatchObject({
    paid_l30d: 3,
  });
});

describe("a kill at any call of a backfill", () => {
  test("leaves whole answers, and the next call ends as one without a kill", async () => {
    const { data: begun, offline } = await filled();
    let kills = 0;
    let reference: readonly string[] | null = null;
    for (let calls = 0; reference === null; calls++) {
      const data = copyOf(begun);
      const dying = dyingAt(memoryOnlineStore(data), calls);
      const killed = await open(dying, offline, { narrow, wide })
        .then((store) => store.backfill())
        .then(
          () => false,
          (error: unknown) => {
            expect(error).toMatchObject({ message: "killed" });
            return true;
          },
        );
      if (killed) kills++;
      const store = await open(memoryOnlineStore(data), offline, { narrow, wide });
      expect(
        (await store.getOnlineFeatures({ features: narrow, entities: ann }))[0],
        `killed at call ${calls}`,
      ).toEqual({ paid_l7d: 1, largest_l7d: 7 });
      const asked = store.getOnlineFeatures({ features: wide, entities: ann });
      const answer = await asked.then(
        ([row]) => row,
        (error: unknown) => (error as { code: string }).code,
      );
      expect(["NEEDS_BACKFILL", { paid_l30d: 2, vendors: 1 }]).toContainEqual(answer);
      await store.backfill();
      expect((await store.getOnlineFeatures({ features: wide, entities: ann }))[0]).toEqual({
        paid_l30d: 2,
        vendors: 1,
      });
      const names = cellNames(data);
      expect(names.filter((name) => /rows?:|backfill:|build:|old-builds:/.test(name))).toEqual([]);
      if (!killed) reference = names;
    }
    expect(kills).toBeGreaterThan(30);
  });
});
