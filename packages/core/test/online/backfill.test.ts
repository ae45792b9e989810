/** Tests `store.backfill` through the public API. */
import {
  count,
  countDistinct,
  featureView,
  float64,
  int64,
  openStore,
  source,
  string,
  timestamp,
  type ChangesProgress,
  type Store,
} from "@tidemark/core";
import {
  formatTime,
  type ChangeSource,
  type LoggedRow,
  type OfflineStore,
  specOfSource,
} from "@tidemark/core/spi";
import { jsonFormat } from "@tidemark/core/internal";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  type MemoryOnlineData,
} from "@tidemark/core/testing";
import { TidemarkError } from "../../src/errors.ts";
import { describe, expect, test } from "vitest";
import {
  HOUR,
  ShopLog,
  NOON,
  date,
  definitions,
  payments,
  profile,
  rejectionOf,
  user,
  weekly,
} from "../support/shop.ts";

const ann = [{ user_id: "ann" }] as const;
const log = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 20 * HOUR, amount: 5 })
    .customer(1, "Riga")
    .paid({ id: 2, time: NOON - HOUR, amount: 7 }, { partition: 1 })
    .paid({ id: 1, time: NOON - 2 * HOUR, amount: 6 });

async function history(changes: ShopLog): Promise<OfflineStore> {
  const offline = memoryOfflineStore(memoryOfflineData());
  await (await openStore({ definitions, offline, clock: () => date(NOON) })).run(changes.source());
  return offline;
}

const open = (
  over: MemoryOnlineData,
  offline: OfflineStore | undefined,
  more: { readonly [name: string]: unknown } = definitions,
): Promise<Store> =>
  openStore({
    definitions: more,
    online: { store: memoryOnlineStore(over), retention: "forever" },
    offline,
    clock: () => date(NOON),
  });

/** Makes a log that has lost this number of changes. */
function withoutBeginning(whole: ChangeSource, low: number): ChangeSource {
  return {
    ...whole,
    async *changes(options) {
      const reached = Math.min(
        ...["t.public.payments:0"].map(
          (partition) =>
            options.after.find((position) => position.partition === partition)?.offset ?? -1,
        ),
      );
      if (low > reached + 1)
        throw new TidemarkError(
          "LOG_LOST",
          `offsets ${reached + 1} to ${low - 1} are gone; take a new snapshot`,
        );
      yield* whole.changes(options);
    },
  };
}

describe("an empty online store and a history", () => {
  test(
    "a backfill reports its rows, progress and positions; " + "a run goes on from there",
    async () => {
      const changes = log();
      const store = await open(memoryOnlineData(), await history(changes));
      const seen: ChangesProgress[] = [];
      expect(await store.backfill({ onProgress: (progress) => seen.push(progress) })).toEqual({
        changes: 4,
        sources: [
          {
            source: "payments",
            changes: 3,
            positions: [
              { partition: "t.public.payments:0", offset: 1 },
              { partition: "t.public.payments:1", offset: 0 },
            ],
            reason: null,
            seconds: expect.any(Number) as number,
          },
          {
            source: "customers",
            changes: 1,
            positions: [{ partition: "t.public.customers:0", offset: 0 }],
            reason: null,
            seconds: expect.any(Number) as number,
          },
        ],
      });
      expect(seen.map((one) => one.total)).toEqual(seen.map(() => 4));
      expect(seen.at(-1)!.changes).toBe(4);
      expect(
        (
          await store.getOnlineFeatures({
            features: [weekly.payments_l1w, weekly.spent_7d, profile],
            entities: ann,
          })
        )[0],
      ).toEqual({ payments_l1w: 2, spent_7d: 13, city: "Riga" });
      await store.run(changes.paid({ id: 3, time: NOON - HOUR, amount: 1 }).source());
      expect(
        (
          await store.getOnlineFeatures({
            features: [weekly.payments_l1w, weekly.spent_7d],
            entities: ann,
          })
        )[0],
      ).toEqual({ payments_l1w: 3, spent_7d: 14 });
      expect(await store.backfill()).toMatchObject({
        changes: 0,
        sources: [{ changes: 0 }, { changes: 0 }],
      });
    },
  );

  test("only the named sources are filled; an unknown name is SOURCE_UNKNOWN", async () => {
    const store = await open(memoryOnlineData(), await history(log()));
    expect(await store.backfill({ sources: ["customers"] })).toMatchObject({
      changes: 1,
      sources: [{ source: "customers" }],
    });
    expect(
      (await rejectionOf(store.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann })))
        .code,
    ).toBe("NOT_READY");
    expect(await store.getOnlineFeatures({ features: profile, entities: ann })).toEqual([
      { city: "Riga" },
    ]);
    expect((await rejectionOf(store.backfill({ sources: ["orders"] }))).code).toBe(
      "SOURCE_UNKNOWN",
    );
  });

  test(
    "a request before the end is NEEDS_BACKFILL in every " + "process, until a backfill ends",
    async () => {
      const over = memoryOnlineData();
      const offline = await history(log());
      const store = await open(over, offline);
      const other = await open(over, undefined);
      expect(
        (
          await rejectionOf(
            other.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann }),
          )
        ).code,
      ).toBe("NOT_READY");
      const stop = new AbortController();
      await expect(
        store.backfill({
          sources: ["payments"],
          signal: stop.signal,
          onProgress: () => {
            stop.abort(new Error("enough"));
          },
        }),
      ).rejects.toThrow("enough");
      for (const one of [store, other]) {
        const { code, message } = await rejectionOf(
          one.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann }),
        );
        expect([code, message]).toEqual([
          "NEEDS_BACKFILL",
          expect.stringContaining("feature weekly.payments_l1w needs the rest of a backfill"),
        ]);
      }
      // a run in between takes new changes, and the source stays incomplete
      await store.run(log().source());
      expect(
        (
          await rejectionOf(
            other.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann }),
          )
        ).code,
      ).toBe("NEEDS_BACKFILL");
      await store.backfill();
      for (const one of [store, other])
        expect(
          (await one.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann }))[0],
        ).toEqual({ payments_l1w: 2 });
    },
  );

  test("a history that ends before the one of the interrupted backfill is refused", async () => {
    const over = memoryOnlineData();
    const stop = new AbortController();
    const early = await history(new ShopLog().paid({ id: 1, time: NOON - 20 * HOUR, amount: 5 }));
    const changes = log();
    await expect(
      (await open(over, await history(changes))).backfill({
        signal: stop.signal,
        onProgress: () => {
          stop.abort(new Error("enough"));
        },
      }),
    ).rejects.toThrow("enough");
    // as if nothing had been read yet
    over.namespaces.get("default")!.positions.clear();
    const { code, message } = await rejectionOf((await open(over, early)).backfill());
    expect([code, message]).toEqual([
      "NEEDS_BACKFILL",
      expect.stringContaining(
        'source "payments" was to be filled up to offset 1 of t.public.payments:0, and the ' +
          "history in memory offline store ends before it",
      ),
    ]);
    expect(
      (
        await rejectionOf(
          (await open(over, early)).getOnlineFeatures({
            features: weekly.payments_l1w,
            entities: ann,
          }),
        )
      ).code,
    ).toBe("NEEDS_BACKFILL");
  });

  test("an empty history fills nothing; a missing store is STORE_MISSING", async () => {
    const store = await open(memoryOnlineData(), memoryOfflineStore());
    expect(await store.backfill()).toEqual({
      changes: 0,
      sources: [
        {
          source: "payments",
          changes: 0,
          positions: [],
          reason: null,
          seconds: expect.any(Number),
        },
        {
          source: "customers",
          changes: 0,
          positions: [],
          reason: null,
          seconds: expect.any(Number),
        },
      ],
    });
    expect(
      (await rejectionOf(store.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann })))
        .code,
    ).toBe("NOT_READY");
    expect((await rejectionOf((await open(memoryOnlineData(), undefined)).backfill())).code).toBe(
      "STORE_MISSING",
    );
    expect(
      (
        await rejectionOf(
          (await openStore({ definitions, offline: memoryOfflineStore() })).backfill(),
        )
      ).code,
    ).toBe("STORE_MISSING");
  });
});

describe("a log that has lost what only the online store needs", () => {
  test(
    "is LOG_LOST with store.backfill and both positions; after a backfill the run " + "goes on",
    async () => {
      const changes = log();
      const store = await open(memoryOnlineData(), await history(changes));
      changes.paid({ id: 3, time: NOON - HOUR, amount: 1 });
      const left = withoutBeginning(changes.source(), 2);
      const { code, message } = await rejectionOf(store.run(left));
      expect(code).toBe("LOG_LOST");
      expect(message).toContain(
        "the history is further than the online store (t.public.payments:0: the online store " +
          "has nothing, the history has them up to 1; ",
      );
      expect(message).toContain("call store.backfill() first");
      expect(message).toContain("offsets 0 to 1 are gone");
      await store.backfill();
      await store.run(left);
      expect(
        (
          await store.getOnlineFeatures({
            features: [weekly.payments_l1w, weekly.spent_7d],
            entities: ann,
          })
        )[0],
      ).toEqual({ payments_l1w: 3, spent_7d: 14 });
    },
  );

  test("an online store that is behind answers during its backfill, which adds to it", async () => {
    const changes = log();
    const over = memoryOnlineData();
    await (await open(over, undefined)).run(changes.source({ upTo: 1 }));
    const store = await open(over, await history(changes));
    expect((await rejectionOf(store.run(withoutBeginning(changes.source(), 2)))).message).toContain(
      "the online store has offsets up to 0, the history has them up to 1",
    );
    expect(
      (await store.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann }))[0],
    ).toEqual({ payments_l1w: 1 });
    expect(await store.backfill({ sources: ["payments"] })).toMatchObject({ changes: 2 });
    await store.run(withoutBeginning(changes.source(), 2));
    expect(
      (
        await store.getOnlineFeatures({
          features: [weekly.payments_l1w, weekly.spent_7d],
          entities: ann,
        })
      )[0],
    ).toEqual({ payments_l1w: 2, spent_7d: 13 });
  });

  test("if the history has lost it too, the error names no backfill", async () => {
    const store = await open(memoryOnlineData(), memoryOfflineStore());
    expect(await rejectionOf(store.run(withoutBeginning(log().source(), 2)))).toEqual({
      code: "LOG_LOST",
      message: "offsets 0 to 1 are gone; take a new snapshot",
    });
  });
});

describe("definitions that have changed since the history was written", () => {
  const columns = {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }).nullable(),
  };
  const table = { table: "public.payments", primaryKey: ["id"], eventTime: "time" } as const;
  const narrow = source("payments", { ...table, columns });
  const num = featureView("num", {
    entity: user,
    source: narrow,
    features: { num: count().over("7d") },
  });
  const noted = source("payments", {
    ...table,
    columns: { ...columns, note: string("Note").nullable() },
  });
  const notes = featureView("notes", {
    entity: user,
    source: noted,
    features: { num: count().over("7d"), notes: countDistinct(noted.note).over("7d") },
  });

  /** A history that was taken before the column was declared. */
  async function taken(members: object): Promise<OfflineStore> {
    const offline = memoryOfflineStore(memoryOfflineData());
    const values = [1n, "ann", 1, NOON - HOUR];
    const logged: LoggedRow = {
      row: JSON.stringify({
        id: 1,
        user_id: "ann",
        amount: 1,
        time: formatTime(NOON - HOUR),
        ...members,
      }),
      key: null,
      oldKey: null,
      format: jsonFormat(specOfSource(noted)),
    };
    await (
      await openStore({ definitions: { num }, offline })
    ).run(new ShopLog().add("payments", "upsert", values, { change: { logged } }).source());
    return offline;
  }

  test.each([
    ["the log had a value", { note: "paid twice" }, 1],
    ["no message had the column", {}, 0],
    ["it was null", { note: null }, 0],
    ["another column had its name as a value", { other: "note" }, 0],
  ])("a column that was declared later is read from the log where %s", async (_, members, n) => {
    const store = await openStore({
      definitions: { notes },
      online: memoryOnlineStore(),
      offline: await taken(members),
      clock: () => date(NOON),
    });
    await store.backfill();
    expect((await store.getOnlineFeatures({ features: notes, entities: ann }))[0]).toEqual({
      num: 1,
      notes: n,
    });
  });

  test("a column of another type than before is read from the log", async () => {
    const other = source("payments", {
      ...table,
      columns: { ...columns, amount: string("Amount").nullable() },
    });
    const view = featureView("other", {
      entity: user,
      source: other,
      features: { vendors: countDistinct(other.amount).over("7d") },
    });
    const store = await openStore({
      definitions: { view },
      online: memoryOnlineStore(),
      offline: await taken({}),
      clock: () => date(NOON),
    });
    await store.backfill();
    expect((await store.getOnlineFeatures({ features: view, entities: ann }))[0]).toEqual({
      vendors: 1,
    });
  });

  test("the same store, filled from its history, answers a longer window", async () => {
    const changes = new ShopLog()
      .paid({ id: 1, time: NOON - 20 * 24 * HOUR })
      .paid({ id: 2, time: NOON - HOUR });
    const offline = await history(changes);
    const narrowView = featureView("narrow", {
      entity: user,
      source: payments,
      features: { n: count().over("1d") },
    });
    const longView = featureView("long", {
      entity: user,
      source: payments,
      features: { m: count().over("30d") },
    });
    const over = memoryOnlineData();
    const openAs = (
      namespace: string,
      more: { readonly [name: string]: unknown },
    ): Promise<Store> =>
      openStore({
        definitions: more,
        online: memoryOnlineStore(over),
        offline,
        namespace,
        clock: () => date(NOON),
      });
    await (await openAs("default", { narrowView })).backfill();
    const store = await openAs("default", { narrowView, longView });
    const asked = { features: [longView, narrowView], entities: ann } as const;
    expect((await rejectionOf(store.getOnlineFeatures(asked))).message).toContain(
      "fill it from the history with `tidemark backfill` (store.backfill)",
    );
    await store.backfill();
    expect((await store.getOnlineFeatures(asked))[0]).toEqual({ m: 2, n: 1 });
  });
});
