import { micros, openStore, type Store } from "@tidemark/core";
import { memoryOnlineData, memoryOnlineStore, type MemoryOnlineData } from "@tidemark/core/testing";
import { Random } from "@tidemark/testkit";
import { describe, expect, test } from "vitest";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  SECOND,
  date,
  iso,
  last,
  profile,
  rejectionOf,
  weekly,
} from "../support/shop.ts";

const cells = (data: MemoryOnlineData): number => data.namespaces.get("default")!.cells.size;
const ann = [{ user_id: "ann" }] as const;

interface RetainingStore {
  readonly data: MemoryOnlineData;
  now: number;
  open(options?: {
    readonly retain?: "1d" | "2h" | "9d" | "forever";
    readonly logRetention?: "1d" | "forever";
  }): Promise<Store>;
}

/** Opens a store with windows of a week and a retention of a day. */
function openWithRetention(
  definitions: { readonly [name: string]: unknown } = { weekly },
): RetainingStore {
  const made: RetainingStore = {
    data: memoryOnlineData(),
    now: NOON,
    open: ({ retain = "1d", logRetention } = {}) =>
      openStore({
        definitions,
        online: { store: memoryOnlineStore(made.data), retention: retain, logRetention },
        clock: () => date(made.now),
      }),
  };
  return made;
}

const counted = async (store: Store, time: number): Promise<number> =>
  (
    await store.getOnlineFeatures({
      features: weekly.payments_l1w,
      entities: ann,
      asOf: micros(time),
    })
  )[0].payments_l1w;
const horizonOf = async (store: Store): Promise<string | null> =>
  (await store.status())[0]!.online!.horizon;

describe("the horizon", () => {
  test("is the clock minus the retention; a request before it is ASOF_BEFORE_HORIZON", async () => {
    const made = openWithRetention();
    const store = await made.open();
    const log = new ShopLog();
    for (let hour = 10 * 24; hour > 0; hour--) log.paid({ id: hour, time: NOON - hour * HOUR });
    await store.run(log.source());
    expect(await horizonOf(store)).toBe(iso(NOON - DAY));
    expect(await counted(store, NOON)).toBe(168);
    expect(await counted(store, NOON - DAY)).toBe(168);
    expect(await rejectionOf(counted(store, NOON - DAY - 1))).toEqual({
      code: "ASOF_BEFORE_HORIZON",
      message:
        `memory online store: 2026-01-04T11:59:59.999999Z lies before ` +
        `2026-01-04T12:00:00.000000Z, from where on the store holds every row of source ` +
        `"payments": ask getHistoricalFeatures, or keep more with online.retention of openStore`,
    });
    // a request without entities is refused too
    expect(
      (
        await rejectionOf(
          store.getOnlineFeatures({ features: weekly, entities: [], asOf: date(NOON - 2 * DAY) }),
        )
      ).code,
    ).toBe("ASOF_BEFORE_HORIZON");
  });

  test("moves with the clock and never with event times", async () => {
    const made = openWithRetention();
    const store = await made.open();
    await store.run(
      new ShopLog()
        .paid({ id: 1, time: NOON + 300 * DAY })
        .paid({ id: 2, time: NOON - 300 * DAY })
        .source(),
    );
    expect(await horizonOf(store)).toBe(iso(NOON - DAY));
    expect(await counted(store, NOON + 300 * DAY + 1)).toBe(1);
  });

  test(
    "is persisted and only moves forward, also after a set-back clock or a longer " + "retention",
    async () => {
      const made = openWithRetention();
      const log = new ShopLog().paid({ id: 1, time: NOON - HOUR });
      await (await made.open()).run(log.source());
      made.now = NOON - 5 * DAY;
      const store = await made.open({ retain: "9d" });
      expect(await horizonOf(store)).toBe(iso(NOON - DAY));
      await store.run(log.paid({ id: 2, time: NOON - HOUR }).source());
      expect(await horizonOf(store)).toBe(iso(NOON - DAY));
      const forever = await made.open({ retain: "forever" });
      made.now = NOON + 50 * DAY;
      await forever.run(log.paid({ id: 3, time: NOON - HOUR }).source());
      expect(await horizonOf(forever)).toBe(iso(NOON - DAY));
      expect((await rejectionOf(counted(forever, NOON - 2 * DAY))).code).toBe(
        "ASOF_BEFORE_HORIZON",
      );
      expect(await counted(forever, NOON)).toBe(3);
    },
  );

  test(
    "moves also for a source without changes, which holds " + "back no other source's cells",
    async () => {
      const made = openWithRetention({ weekly, profile });
      const store = await made.open();
      const log = new ShopLog().customer(1, "Oslo").paid({ id: 1, time: NOON - HOUR });
      await store.run(log.source());
      made.now = NOON + 3 * DAY;
      await store.run(log.paid({ id: 2, time: NOON + 2 * DAY }).source());
      expect((await store.status()).map(({ source, online }) => [source, online!.horizon])).toEqual(
        [
          ["payments", iso(NOON + 2 * DAY)],
          ["customers", iso(NOON + 2 * DAY)],
        ],
      );
    },
  );
});

describe("data behind the horizon", () => {
  test(
    "is deleted: cells of entities in no window, and row " + "images that the log has lost",
    async () => {
      const made = openWithRetention();
      const store = await made.open({ logRetention: "1d" });
      const log = new ShopLog();
      for (let i = 0; i < 2000; i++)
        log.paid({ id: i, user: `user ${i % 500}`, time: NOON - i * SECOND });
      await store.run(log.source({ batch: 500 }));
      const before = cells(made.data);
      expect(before).toBeGreaterThan(2500);
      made.now = NOON + 7 * DAY + DAY;
      await store.run(log.paid({ id: 9999, time: made.now }).source());
      // in the second in which the newest row has left, not before
      expect(cells(made.data)).toBeGreaterThan(5);
      made.now += HOUR + 60 * SECOND;
      await store.run(log.paid({ id: 9999, time: made.now }).source());
      expect(cells(made.data)).toBeLessThanOrEqual(6);
      expect(await counted(store, made.now)).toBe(0);
      expect(await counted(store, made.now + 1)).toBe(1);
    },
  );

  test(
    "is not needed: an arrival older than the kept range removes its row's previous " + "image",
    async () => {
      const made = openWithRetention();
      const store = await made.open();
      const log = new ShopLog()
        .paid({ id: 1, time: NOON - HOUR, amount: 5 })
        .paid({ id: 2, time: NOON - HOUR, amount: 7 });
      await store.run(log.source());
      expect(await counted(store, NOON)).toBe(2);
      // row 1 is now a payment of half a year ago, row 2 an equally old one of another user
      await store.run(
        log
          .paid({ id: 1, time: NOON - 180 * DAY }, { committed: NOON })
          .paid({ id: 2, user: "bob", time: NOON - 180 * DAY }, { committed: NOON })
          .source(),
      );
      expect(await counted(store, NOON)).toBe(0);
      // and back again
      await store.run(
        log.paid({ id: 1, time: NOON - 2 * HOUR, amount: 6 }, { committed: NOON }).source(),
      );
      const [row] = await store.getOnlineFeatures({ features: weekly.spent_7d, entities: ann });
      expect(row).toEqual({ spent_7d: 6 });
    },
  );

  test(
    "keeps a deleted row's tombstone for logRetention: an older change does not bring " + "it back",
    async () => {
      const made = openWithRetention();
      const store = await made.open({ retain: "2h", logRetention: "1d" });
      const log = new ShopLog()
        .paid({ id: 1, time: NOON - HOUR })
        .deletePayment(1, { committed: NOON });
      await store.run(log.source());
      made.now = NOON + 23 * HOUR;
      const [paid] = log.changes;
      await store.run(
        log
          .add("payments", "upsert", paid!.values, {
            lsn: paid!.order,
            committed: paid!.committed!,
            partition: 1,
          })
          .source(),
      );
      expect(await counted(store, made.now)).toBe(0);
    },
  );

  test(
    "keeps the order of a row that moved there: an older " + "change does not bring it back",
    async () => {
      const made = openWithRetention();
      const store = await made.open({ retain: "2h", logRetention: "1d" });
      const log = new ShopLog()
        .paid({ id: 1, time: NOON - HOUR })
        .paid({ id: 1, time: NOON - 180 * DAY }, { committed: NOON });
      await store.run(log.source());
      made.now = NOON + 23 * HOUR;
      await store.run(log.paid({ id: 2, user: "bob" }).source());
      const [paid] = log.changes;
      await store.run(
        log
          .add("payments", "upsert", paid!.values, {
            lsn: paid!.order,
            committed: paid!.committed!,
            partition: 1,
          })
          .source(),
      );
      expect(await counted(store, made.now)).toBe(0);
    },
  );

  test("facts keep every row: a delete may make any of them the newest (law 7)", async () => {
    const made = openWithRetention({ weekly, last });
    const store = await made.open({ logRetention: "1d" });
    const log = new ShopLog()
      .paid({ id: 1, time: NOON - 400 * DAY, vendor: "Grocery" })
      .paid({ id: 2, time: NOON - HOUR, vendor: "Sport" });
    await store.run(log.source());
    made.now = NOON + 100 * DAY;
    await store.run(log.deletePayment(2, { committed: made.now }).source());
    const { row } = await store.getOnlineFeatures({
      features: last.last_vendor,
      entity: ann[0],
      metadata: true,
    });
    expect(row.last_vendor).toEqual({
      value: null,
      status: "OUTSIDE_MAX_AGE",
      eventTime: date(NOON - 400 * DAY),
    });
  });

  test("a dimension keeps its version at every t from the horizon on", async () => {
    const made = openWithRetention({ profile });
    const store = await made.open({ logRetention: "1d" });
    const log = new ShopLog()
      .customer(1, "Oslo", { committed: NOON - 400 * DAY })
      .customer(1, "Rome", { committed: NOON - HOUR });
    await store.run(log.source());
    made.now = NOON + HOUR;
    await store.run(log.customer(2, "Bern", { committed: made.now }).source());
    const cities: unknown[] = [];
    for (const asOf of [NOON - 2 * HOUR, NOON - HOUR, NOON - HOUR + 1, NOON])
      cities.push(
        (
          await store.getOnlineFeatures({
            features: profile.city,
            entities: ann,
            asOf: micros(asOf),
          })
        )[0].city,
      );
    expect(cities).toEqual(["Oslo", "Oslo", "Rome", "Rome"]);
  });

  test("with retention forever nothing is deleted, at any time of the clock", async () => {
    const made = openWithRetention();
    const store = await made.open({ retain: "forever", logRetention: "forever" });
    const log = new ShopLog().paid({ id: 1, time: NOON - 9000 * DAY });
    await store.run(log.source());
    made.now = NOON + 9000 * DAY;
    await store.run(log.paid({ id: 2, time: NOON }).source());
    expect([await horizonOf(store), await counted(store, NOON - 9000 * DAY + 1)]).toEqual([
      null,
      1,
    ]);
  });
});

test("late rows, updates and deletes around the horizon count right in many segments", async () => {
  const random = new Random(20260105);
  const made = openWithRetention({ weekly });
  const rows = new Map<number, { readonly time: number; readonly amount: number }>();
  const log = new ShopLog();
  let id = 0;
  for (let run = 0; run < 40; run++) {
    made.now = NOON + run * 9 * HOUR;
    for (let i = 0; i < 120; i++) {
      // Most times are now. Some lie between far behind the kept range and the future, days
      // apart.
      const time = random.chance(0.7)
        ? made.now - random.int(HOUR)
        : made.now - random.int(16) * DAY + random.int(HOUR) + (random.chance(0.1) ? 5 * DAY : 0);
      const known = [...rows.keys()];
      if (known.length > 0 && random.chance(0.1)) {
        const gone = random.pick(known);
        rows.delete(gone);
        log.deletePayment(gone, { committed: made.now });
        continue;
      }
      const which = known.length > 0 && random.chance(0.15) ? random.pick(known) : id++;
      const amount = random.int(1000) / 8;
      rows.set(which, { time, amount });
      log.paid({ id: which, time, amount }, { committed: made.now });
    }
    const store = await made.open({ logRetention: "forever" });
    await store.run(log.source({ batch: random.between(1, 90) }));
    for (const t of [
      made.now,
      made.now - DAY,
      made.now - random.int(DAY),
      made.now + random.int(6 * DAY),
    ]) {
      const inside = [...rows.values()].filter(({ time }) => t - 7 * DAY <= time && time < t);
      const [row] = await store.getOnlineFeatures({
        features: [weekly.payments_l1w, weekly.spent_7d],
        entities: ann,
        asOf: micros(t),
      });
      expect([run, t, row]).toEqual([
        run,
        t,
        {
          payments_l1w: inside.length,
          spent_7d: inside.reduce((sum, { amount }) => sum + amount, 0),
        },
      ]);
    }
  }
  expect(rows.size).toBeGreaterThan(3000);
  const state = [...made.data.namespaces.get("default")!.cells.values()];
  expect(state.filter(({ expires }) => expires !== null && expires < made.now - 2 * DAY)).toEqual(
    [],
  );
});

test("nothing is left of an entity with many segments whose rows were all deleted", async () => {
  const made = openWithRetention();
  const store = await made.open({ logRetention: "1d" });
  const log = new ShopLog();
  for (let i = 0; i < 1500; i++) log.paid({ id: i, time: NOON - i * SECOND });
  for (let i = 0; i < 1500; i++) log.deletePayment(i, { committed: NOON });
  await store.run(log.source({ batch: 400 }));
  expect(await counted(store, NOON)).toBe(0);
  made.now = NOON + 3 * DAY;
  await store.run(log.paid({ id: 9999, user: "bob", time: made.now }).source());
  // the state, the list of sources, the lag of the run, Bob's log tail and row
  expect(cells(made.data)).toBe(5);
});

test("definitions over other sources in the same store delete none of its cells", async () => {
  const made = openWithRetention({ weekly });
  const log = new ShopLog().paid({ id: 1, time: NOON - HOUR });
  const store = await made.open();
  await store.run(log.source());
  const other = await openStore({
    definitions: { profile },
    online: { store: memoryOnlineStore(made.data), retention: "1h" },
    clock: () => date(NOON + 100 * DAY),
  });
  await other.run(new ShopLog().customer(1, "Oslo").source());
  expect(await counted(store, NOON - DAY + SECOND)).toBe(0);
  expect(await counted(store, NOON)).toBe(1);
});
