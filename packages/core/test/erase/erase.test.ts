/**
 * An erased entity is gone, and the answers of all others stay. The reference is a store that was
 * fed a log in which the entity's images are deletes.
 */
import { TidemarkError } from "@tidemark/core";
import type { Change, ChangeSource, OfflineStore, Value } from "@tidemark/core/spi";
import { seedsFromEnvironment } from "@tidemark/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  date,
  everything,
  HOUR,
  iso,
  NOON,
  openShop,
  rejectionOf,
  SECOND,
  ShopLog,
  shops,
  weekly,
  type ShopStores,
} from "../support/shop.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 120, least: 15 });
const ANN = { entity: "user", key: { user_id: "ann" } };

/** Every text that the stores hold, without salts and hashes, which may spell any name. */
async function texts({ online, offline, store }: ShopStores): Promise<string> {
  const all: string[] = [];
  const { cells } = await online.scan({ prefix: new Uint8Array(), limit: 1e6, cursor: null });
  for (const { key, value } of cells)
    all.push(Buffer.from(key).toString("latin1"), Buffer.from(value).toString("latin1"));
  for (const { name } of [...store.tables(), { name: "tidemark/erasures" }]) {
    const state = await offline.state(name);
    if (state === null) continue;
    const columns = state.columns.map((column) => column.name);
    for await (const { vectors, length } of offline.scan(name, { columns }))
      for (const vector of vectors)
        for (let i = 0; i < length; i++) {
          const { valueAt } = await import("../../src/columns/batch.ts");
          const value = valueAt(vector, i);
          all.push(value instanceof Uint8Array ? Buffer.from(value).toString() : String(value));
        }
    all.push(...state.metadata.values());
  }
  return all.join("\n").replaceAll(/[\w-]{22,}/g, "");
}

async function answers({ store }: Pick<ShopStores, "store">, users: readonly string[]) {
  const asOf = date(NOON + 2 * HOUR);
  const entities = users.map((user_id) => ({ user_id }));
  const training = async (knowledge: "as-corrected" | "as-known") =>
    (
      await store.getHistoricalFeatures({
        features: everything,
        knowledge,
        entities: [0, 1, 2].flatMap((hour) =>
          entities.map((entity) => ({ ...entity, event_timestamp: date(NOON + hour * HOUR) })),
        ),
      })
    ).rows();
  return [
    await store.getOnlineFeatures({ features: everything, entities, asOf }),
    await store.getOnlineFeatures({
      features: shops,
      entities: [{ shop_id: 1n }, { shop_id: 2n }],
      asOf,
    }),
    await training("as-corrected"),
    await training("as-known"),
  ];
}

/** The log with deletes in place of the images of ann. */
function withoutAnn(log: ShopLog): ShopLog {
  const other = new ShopLog();
  const images = new Map<string, readonly Value[]>();
  for (const change of log.changes) {
    const { source, kind, values, unavailable } = change;
    const id = `${source} ${String(values?.[0])}`;
    if (kind === "upsert" && change.undecodable === null) {
      const before = images.get(id);
      const merged = values!.map((value, c) =>
        unavailable.includes(c) ? (before?.[c] ?? null) : value,
      );
      const left = before === undefined ? unavailable : [];
      if (left.length === 0) images.set(id, merged);
      other.changes.push(
        merged[1] === "ann"
          ? { ...change, ...DELETED, values: values!.map((value, c) => (c === 0 ? value : null)) }
          : { ...change, values: merged, unavailable: left },
      );
    } else {
      if (kind === "delete") images.delete(id);
      if (kind === "truncate") images.clear();
      other.changes.push(change);
    }
  }
  return other;
}

const DELETED: Partial<Change> = { kind: "delete", unavailable: [] };

describe("erase", () => {
  test("removes every row of the entity from both stores, and keeps the others", async () => {
    const shop = await openShop();
    const log = new ShopLog()
      .paid({ id: 1, vendor: "Anns vendor" })
      .paid({ id: 2, user: "bob", vendor: "Bobs vendor" })
      .paid({ id: 3, time: null, vendor: "Quarantined" })
      .deletePayment(1)
      .paid({ id: 4, shop: 2, vendor: "Anns last" })
      .customer(1, "Anns city")
      .customer(2, "Bobs city");
    await shop.store.run(log.source());
    shop.now = NOON + 24 * HOUR;
    await shop.store.materialize({ views: [weekly], dates: ["2026-01-05"], zone: "UTC" });
    const before = await texts(shop);
    for (const word of ["ann", "Anns vendor", "Quarantined", "Anns last", "Anns city"])
      expect(before, word).toContain(word);
    const receipt = await shop.store.erase({ ...ANN, by: "the officer" });
    const after = await texts(shop);
    for (const word of ["ann", "Anns vendor", "Quarantined", "Anns last", "Anns city"])
      expect(after, word).not.toContain(word);
    expect(after).toContain("Bobs vendor");
    expect(receipt).toMatchObject({
      entity: "user",
      by: "the officer",
      erasedAt: iso(NOON + 24 * HOUR),
      repeated: false,
      tables: [
        { table: "payments/changes", removed: 4, reduced: 0 },
        { table: "payments/versions", removed: 4, reduced: 0 },
        { table: "customers/changes", removed: 1, reduced: 0 },
        { table: "customers/versions", removed: 1, reduced: 0 },
        { table: "weekly/features", removed: 1, reduced: 0 },
      ],
    });
    expect(JSON.stringify(receipt)).not.toContain("ann");
    expect(await shop.store.erasures()).toEqual([receipt]);
    expect(await shop.store.quarantine("payments")).toEqual([]);
    expect(await shop.store.getMaterialized({ view: weekly, entities: [ANN.key] })).toEqual([null]);

    const again = await shop.store.erase(ANN);
    expect(again).toMatchObject({
      repeated: true,
      tables: [{ table: "weekly/features", removed: 0 }],
    });
  });

  test("counts without a change, if it is only asked", async () => {
    const shop = await openShop();
    const log = new ShopLog().paid({ id: 1 }).paid({ id: 2, user: "bob" }).customer(1, "Hue");
    await shop.store.run(log.source());
    const before = await texts(shop);
    const receipt = await shop.store.erase({ ...ANN, dryRun: true });
    expect(receipt.tables[0]).toEqual({ table: "payments/changes", removed: 1, reduced: 0 });
    expect(await texts(shop)).toBe(before);
  });

  test("a reader that has cached the answers of the entity does not serve them", async () => {
    const cached = await openShop();
    await cached.store.run(new ShopLog().paid({ id: 1 }).source());
    const request = { features: weekly, entity: ANN.key, asOf: date(NOON + HOUR) };
    const other = await cached.reopened();
    for (let i = 0; i < 3; i++)
      expect(await other.getOnlineFeatures(request)).toMatchObject({ payments_l1w: 1 });
    await cached.store.erase(ANN);
    expect(await other.getOnlineFeatures(request)).toMatchObject({ payments_l1w: 0 });
  });

  test("a replay does not bring the rows back, and a later change is taken", async () => {
    const log = new ShopLog().paid({ id: 1 }).paid({ id: 2, user: "bob" }).customer(1, "Hue");
    const shop = await openShop();
    await shop.store.run(log.source());
    shop.now = NOON + HOUR;
    await shop.store.erase(ANN);
    // a new online store is filled from the topic, and learns of the erasure from the history
    const fresh = await openShop({ offline: shop.offline });
    await fresh.store.run(log.source());
    expect(await texts({ ...fresh, offline: shop.offline })).not.toContain("ann");
    const request = { features: weekly, entity: ANN.key, asOf: date(NOON + 3 * HOUR) };
    expect(await fresh.store.getOnlineFeatures(request)).toMatchObject({ payments_l1w: 0 });
    log.paid({ id: 9, time: NOON + 2 * HOUR });
    await shop.store.run(log.source());
    expect(await shop.store.getOnlineFeatures(request)).toMatchObject({ payments_l1w: 1 });
    const [row] = await (
      await shop.store.getHistoricalFeatures({
        features: weekly,
        entities: [{ ...ANN.key, event_timestamp: date(NOON + 3 * HOUR) }],
      })
    ).rows();
    expect(row).toMatchObject({ payments_l1w: 1 });
  });

  test("a run that began while the history did not answer erases at its end", async () => {
    const shop = await openShop();
    const log = new ShopLog().paid({ id: 1 }).paid({ id: 2, user: "bob" }).customer(1, "Hue");
    await shop.store.run(log.source());
    shop.now = NOON + HOUR;
    await shop.store.erase(ANN);
    let isDown = true;
    const down: OfflineStore = {
      ...shop.offline,
      state: (...all) =>
        isDown
          ? Promise.reject(new TidemarkError("OBJECTS_FAILED", "down", { retryable: true }))
          : shop.offline.state(...all),
    };
    const fresh = await openShop({ offline: down });
    const running = fresh.store.run(log.source());
    setTimeout(() => {
      isDown = false;
    }, 300);
    await running;
    expect(await texts({ ...fresh, offline: shop.offline })).not.toContain("ann");
  });

  test("killed at any write, and called again, leaves nothing of the entity", async () => {
    const log = new ShopLog()
      .paid({ id: 1, vendor: "Anns" })
      .paid({ id: 2, user: "bob" })
      .paid({ id: 3 })
      .paid({ id: 3, user: "bob", vendor: "moved" })
      .paid({ id: 4, user: "bob" })
      .paid({ id: 4, vendor: "moved to ann" })
      .paid({ id: 5, time: null })
      .customer(1, "Anns city");
    const reference = await openShop();
    await reference.store.run(withoutAnn(log).source());
    const users = ["ann", "bob"];
    const expected = await answers(reference, users);
    let kills = 0;
    for (let at = 0; ; at++) {
      const shop = await openShop();
      await shop.store.run(log.source());
      shop.now = NOON + 24 * HOUR;
      await shop.store.materialize({ views: [weekly], dates: ["2026-01-05"], zone: "UTC" });
      let writes = 0;
      const killed = async <T>(write: () => Promise<T>): Promise<T> => {
        const isHere = writes++ === at >> 1;
        if (isHere && at % 2 === 0) throw new Error("killed");
        const done = await write();
        if (isHere) throw new Error("killed");
        return done;
      };
      const { online, offline } = shop;
      const dying = await shop.reopened({
        online: {
          store: { ...online, write: (step) => killed(() => online.write(step)) },
          retention: "forever",
        },
        offline: {
          store: {
            ...offline,
            append: (...all) => killed(() => offline.append(...all)),
            replaceRows: (...all) => killed(() => offline.replaceRows(...all)),
          },
        },
      });
      const done = await dying.erase(ANN).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe("killed");
          return false;
        },
      );
      if (done) break;
      kills++;
      const receipt = await shop.store.erase(ANN);
      expect(await texts(shop), `killed at ${at}`).not.toContain("ann");
      expect(await shop.store.erasures()).toContainEqual(receipt);
      expect(await answers(shop, users), `killed at ${at}`).toEqual(expected);
      await shop.store.run(replayed(log));
      expect(await answers(shop, users), `killed at ${at}`).toEqual(expected);
    }
    expect(kills).toBeGreaterThan(20);
  });

  test("names the entities that there are", async () => {
    const { store } = await openShop();
    expect(await rejectionOf(store.erase({ entity: "usr", key: { user_id: "ann" } }))).toEqual({
      code: "ENTITY_UNKNOWN",
      message: 'erase: no view is of an entity "usr"; did you mean "user"? (user, shop)',
    });
    expect(await rejectionOf(store.erase({ entity: "user", key: {} }))).toMatchObject({
      code: "KEY_INVALID",
    });
  });

  test(`answers of others stay, of rows that moved too (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            id: fc.integer({ min: 1, max: 4 }),
            user: fc.constantFrom("ann", "bob", "cid", null),
            shop: fc.constantFrom(1, 2),
            kind: fc.constantFrom(
              "paid",
              "paid",
              "paid",
              "toast",
              "delete",
              "customer",
              "truncate",
            ),
            minute: fc.integer({ min: 0, max: 110 }),
            partition: fc.integer({ min: 0, max: 1 }),
          }),
          { minLength: 1, maxLength: 25 },
        ),
        fc.nat(),
        fc.boolean(),
        async (steps, cut, compacted) => {
          // both sources have rows, so both are ready
          const log = new ShopLog().paid({ id: 99, user: "bob" }).customer(99, "Hue");
          let committed = NOON;
          for (const { id, user, shop, kind, minute, partition } of steps) {
            committed += 60 * SECOND;
            const time = NOON + minute * 60 * SECOND;
            const place = { committed, partition };
            if (kind === "delete") log.deletePayment(id, place);
            else if (kind === "truncate") log.truncatePayments(place);
            else if (kind === "customer")
              log.add("customers", "upsert", [BigInt(id), user ?? "bob", `city ${minute}`, null], {
                committed,
              });
            else
              log.paid(
                { id, user, shop, vendor: `v${minute}`, amount: minute, time },
                // replayed after an erased image that left columns out, a row is quarantined
                kind === "toast" && compacted && user !== "ann"
                  ? { ...place, change: { unavailable: [3, 4] } }
                  : place,
              );
          }
          const shop = await openShop();
          const reference = await openShop();
          const upTo = compacted ? log.changes.length : 1 + (cut % log.changes.length);
          await shop.store.run(log.source({ upTo }));
          shop.now = NOON + 3 * HOUR;
          await shop.store.erase(ANN);
          await shop.store.run(log.source());
          await reference.store.run(withoutAnn(log).source());
          const users = ["ann", "bob", "cid"];
          expect(await answers(shop, users)).toEqual(await answers(reference, users));
          expect(await texts(shop)).not.toContain("ann");
          // the log once more, at the same and at new offsets
          await shop.store.run(replayed(log));
          expect(await answers(shop, users)).toEqual(await answers(reference, users));
          expect(await texts(shop)).not.toContain("ann");
          const fresh = await openShop({ offline: shop.offline });
          await fresh.store.backfill();
          expect(await answers(fresh, users)).toEqual(await answers(reference, users));
        },
      ),
      { seed, numRuns: runs },
    );
  });
});

/** The log, delivered again at new offsets. */
function replayed(log: ShopLog): ChangeSource {
  const again = new ShopLog();
  for (const change of log.changes) again.changes.push({ ...change, offset: change.offset + 1000 });
  return again.source();
}
