/** Tests `store.push` through the public API. */
import type { Knowledge } from "@tidemark/core";
import {
  commitTime,
  count,
  decimal,
  entity,
  featureView,
  float64,
  int64,
  latest,
  openStore,
  pushSource,
  source,
  string,
  sum,
  timestamp,
  type PushResult,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import type { OfflineStore, OnlineStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { describe, expect, test, vi } from "vitest";
import { TidemarkError } from "../../src/errors.ts";
import { DAY, date, HOUR, iso, ShopLog, NOON, rejectionOf, SECOND } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: {
    id: int64(),
    user_id: string(),
    device: string("Device").nullable(),
    cost: decimal({ precision: 10, scale: 2 }).nullable(),
    score: float64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const profiles = pushSource("profiles", {
  columns: { user_id: string(), city: string().nullable() },
  primaryKey: ["user_id"],
  eventTime: commitTime(),
});
const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const recent = featureView("recent", {
  entity: user,
  source: logins,
  features: {
    logins_1d: count().over("1d"),
    cost_1d: sum(logins.cost).over("1d"),
    score_1d: sum(logins.score).over("1d"),
  },
});
const profile = featureView("profile", {
  entity: user,
  source: profiles,
  features: { city: latest(profiles.city) },
});
const paid = featureView("paid", {
  entity: user,
  source: payments,
  features: { paid_1d: count().over("1d") },
});
const definitions = { recent, profile, paid };
const ann = [{ user_id: "ann" }] as const;
const login = (
  id: number,
  more: {
    readonly user_id?: string;
    readonly cost?: string;
    readonly time?: Date;
    readonly score?: number;
  } = {},
) => ({ id, user_id: "ann", score: 1, time: date(NOON - HOUR), ...more });

/** Opens a store that keeps everything, unless `online` says otherwise. */
async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const { online } = { online: memoryOnlineStore(), ...options };
  return openStore({
    definitions,
    offline: memoryOfflineStore(),
    clock: () => date(NOON),
    ...options,
    online: online && ("store" in online ? online : { store: online, retention: "forever" }),
  });
}
const loginsOf = async (store: Store): Promise<number> =>
  (await store.getOnlineFeatures({ features: recent.logins_1d, entities: ann }))[0].logins_1d;
const loginsIn = async (store: Store, at: number, knowledge: Knowledge): Promise<number> =>
  (
    await (
      await store.getHistoricalFeatures({
        features: recent.logins_1d,
        entities: [{ user_id: "ann", event_timestamp: iso(at) }],
        knowledge,
      })
    ).rows()
  )[0]!.logins_1d;

describe("a push", () => {
  test("is served when it resolves, and is in the history from its commit on", async () => {
    const store = await open();
    expect(await store.push(logins, [login(1, { cost: "2.50" }), login(2)])).toEqual({
      rows: 2,
      deletes: 0,
      position: 1,
      committed: iso(NOON),
    });
    expect(await store.getOnlineFeatures({ features: recent, entities: ann })).toEqual([
      { logins_1d: 2, cost_1d: "2.50", score_1d: 2 },
    ]);
    expect([
      await loginsIn(store, NOON, "as-corrected"),
      await loginsIn(store, NOON, "as-known"),
      await loginsIn(store, NOON + 1, "as-known"),
    ]).toEqual([2, 0, 2]);
  });

  test(
    "replaces rows by primary key, also of another entity, and then deletes by " + "primary key",
    async () => {
      const store = await open();
      await store.push(logins, [login(1), login(2), login(3)]);
      await store.push(
        logins,
        [login(1, { cost: "1.00" }), login(2, { user_id: "bob" }), login(4)],
        { deletes: [{ id: 3 }, { id: 4n }] },
      );
      expect(
        await store.getOnlineFeatures({ features: recent, entities: [...ann, { user_id: "bob" }] }),
      ).toEqual([
        { logins_1d: 1, cost_1d: "1.00", score_1d: 1 },
        { logins_1d: 1, cost_1d: "0.00", score_1d: 1 },
      ]);
    },
  );

  test("is known no sooner than the push before, also after a set-back clock", async () => {
    let now = NOON;
    const store = await open({ clock: () => date(now) });
    await store.push(logins, [login(1)]);
    now -= HOUR;
    expect(await store.push(logins, [login(2)])).toMatchObject({ committed: iso(NOON) });
  });

  test("of a dimension holds from its commit, and a delete ends it", async () => {
    let now = NOON;
    const store = await open({ clock: () => date(now) });
    const city = async (): Promise<string | null> =>
      (await store.getOnlineFeatures({ features: profile, entities: ann }))[0].city;
    await store.push("profiles", [{ user_id: "ann", city: "Riga" }]);
    now += SECOND;
    expect(await city()).toBe("Riga");
    await store.push(profiles, [], { deletes: [{ user_id: "ann" }] });
    now += SECOND;
    expect(await city()).toBeNull();
  });

  test("without rows changes nothing and has no position", async () => {
    const store = await open();
    expect(await store.push(logins, [])).toEqual({
      rows: 0,
      deletes: 0,
      position: null,
      committed: null,
    });
    expect((await store.status())[0]).toMatchObject({
      online: { positions: [] },
      history: { changes: 0 },
    });
  });

  test(
    "is one partition in the status; NaN is missing and " + "counted, not in quarantine",
    async () => {
      const store = await open();
      await store.push(logins, [login(1, { score: NaN }), login(2)]);
      const status = (await store.status()).find((one) => one.source === "logins");
      expect(status).toMatchObject({
        generation: 0,
        online: {
          positions: [{ partition: "push:0", offset: 1 }],
          nonFiniteValues: 1,
          quarantinedRows: 0,
        },
        history: { positions: [{ partition: "push:0", offset: 1 }], changes: 2, versions: 0 },
      });
      expect(await store.getOnlineFeatures({ features: recent.score_1d, entities: ann })).toEqual([
        { score_1d: 1 },
      ]);
      expect(await store.quarantine("logins")).toEqual([]);
      await store.compact();
      expect((await store.status()).find((one) => one.source === "logins")).toMatchObject({
        history: { versions: 2 },
      });
      expect(await loginsIn(store, NOON, "as-corrected")).toBe(2);
    },
  );

  test("that is aborted before it began is not stored and throws the signal's reason", async () => {
    const store = await open();
    await expect(
      store.push(logins, [login(1)], { signal: AbortSignal.abort(new Error("enough")) }),
    ).rejects.toThrow("enough");
    const stop = new AbortController();
    const first = store.push(logins, [login(2)], { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    await store.push(logins, [login(3)]);
    expect(await loginsOf(store)).toBe(1);
  });

  test(
    "and others of the same turn are one commit of the " + "history, with a position each",
    async () => {
      const data = memoryOfflineData();
      const store = await open({ offline: memoryOfflineStore(data) });
      const results = await Promise.all(
        [1, 2, 3, 4].map((id) => store.push(logins, [login(id), login(10 + id)])),
      );
      expect(results.map(({ position }) => position)).toEqual([1, 3, 5, 7]);
      expect(data.tables.get("logins/changes")!.length).toBe(1);
      expect(await loginsOf(store)).toBe(8);
    },
  );
});

describe("a push is refused whole", () => {
  const row = { id: 1, user_id: "ann", score: 1, time: date(NOON) };
  const refused: readonly (readonly [string, unknown, string])[] = [
    [
      "a row without its primary key",
      [row, { ...row, id: null }],
      'row 1, column "id": null is not allowed here',
    ],
    [
      "a row without its event time",
      [row, row, { ...row, time: undefined }],
      'row 2, column "time": it is missing, and it is the event time, without which the row ' +
        "would count nowhere",
    ],
    [
      "a row without its entity's key",
      [{ ...row, user_id: null }],
      'row 0, column "user_id": it is missing, and it is the key of entity "user"',
    ],
    [
      "a time as a number",
      [{ ...row, time: 1 }],
      'row 0, column "time": the bare number 1 has no unit',
    ],
    [
      "an invalid time",
      [{ ...row, time: "2026-02-30T00:00:00Z" }],
      'column "time": "2026-02-30T00:00:00Z" is no time, because the calendar has no such day',
    ],
    [
      "a value of another type",
      [{ ...row, cost: 1.5 }],
      'column "cost": 1.5 is not a decimal(10, 2)',
    ],
    [
      "digits that do not fit",
      [{ ...row, cost: "1.234" }],
      'column "cost": "1.234" is not a decimal(10, 2)',
    ],
    ["an int64 that is not safe", [{ ...row, id: 2 ** 53 }], "is not an int64"],
    [
      "an unknown column",
      [{ ...row, devcie: "x" }],
      'row 0: "devcie" is none of its columns, which are id, user_id, device, cost, score, time',
    ],
    [
      "a row that is no object",
      [[1]],
      "row 0: it must be an object with the columns as its members, got an array",
    ],
    ["no rows", null, "the rows must be a list of objects, got null"],
  ];
  for (const [name, rows, says] of refused) {
    test(`with ${name}: PUSH_INVALID says where`, async () => {
      const store = await open();
      const { code, message } = await rejectionOf(store.push("logins", rows as readonly {}[]));
      expect([code, message]).toEqual(["PUSH_INVALID", expect.stringContaining(says)]);
      expect(message).toContain('push to source "logins", of which nothing was taken');
      expect(await loginsOf(store)).toBe(0);
    });
  }

  test("with an incomplete key of a delete, or an invalid id", async () => {
    const store = await open();
    const to = (options: object): Promise<unknown> =>
      rejectionOf(store.push("logins", [row], options));
    expect(await to({ deletes: [{}] })).toMatchObject({
      code: "PUSH_INVALID",
      message: expect.stringContaining('delete 0, column "id": null is not allowed here') as string,
    });
    expect(await to({ deletes: [{ id: 1, user_id: "ann" }] })).toMatchObject({
      code: "PUSH_INVALID",
      message: expect.stringContaining(
        'delete 0: "user_id" is none of its columns, which are id',
      ) as string,
    });
    expect(await to({ deletes: {} })).toMatchObject({
      code: "PUSH_INVALID",
      message: expect.stringContaining("deletes must be a list of primary keys") as string,
    });
    expect(await to({ id: "" })).toMatchObject({
      code: "PUSH_INVALID",
      message: expect.stringContaining(
        "the id must be a text of 1 to 200 characters, got one of 0",
      ) as string,
    });
    expect(await loginsOf(store)).toBe(0);
  });

  test("with more than 50,000 rows", async () => {
    expect(
      await rejectionOf((await open()).push("logins", new Array(50_001).fill(row))),
    ).toMatchObject({ code: "PUSH_TOO_LARGE" });
  });

  test("to a source with a log, to an unknown source, or without a store", async () => {
    const store = await open();
    expect(await rejectionOf(store.push("payments", []))).toEqual({
      code: "PUSH_NOT_ALLOWED",
      message: expect.stringContaining(
        'push: source "payments" is fed by the log of table public.payments',
      ) as string,
    });
    expect(await rejectionOf(store.push("login", []))).toEqual({
      code: "SOURCE_UNKNOWN",
      message: 'push: no source is called "login"; those that are pushed are logins, profiles',
    });
    expect(
      await rejectionOf((await open({ online: undefined, offline: undefined })).push(logins, [])),
    ).toMatchObject({ code: "STORE_MISSING" });
  });
});

describe("an id", () => {
  test(
    "makes a push repeatable: the second changes nothing " + "and gets the first's result",
    async () => {
      const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
      let now = NOON;
      const stores = await Promise.all(
        [1, 2].map(() =>
          open({
            online: memoryOnlineStore(online),
            offline: memoryOfflineStore(offline),
            clock: () => date(now),
          }),
        ),
      );
      const first = await stores[0]!.push(logins, [login(1)], { id: "a" });
      await stores[0]!.push(logins, [], { deletes: [{ id: 1 }] });
      now += HOUR;
      for (const store of stores) {
        expect(await store.push(logins, [login(1)], { id: "a" })).toEqual(first);
        expect(await loginsOf(store)).toBe(0);
      }
      expect(offline.tables.get("logins/changes")!.length).toBe(2);
    },
  );

  test("twice at once is stored once", async () => {
    const store = await open();
    const [one, other] = await Promise.all([
      store.push(logins, [login(1)], { id: "a" }),
      store.push(logins, [login(1)], { id: "a" }),
    ]);
    expect(one).toEqual(other);
    expect((await store.status())[0]).toMatchObject({ history: { changes: 1 } });
  });

  test("of a push with another number of rows is PUSH_ID_TAKEN", async () => {
    const store = await open();
    await store.push(logins, [login(1)], { id: "a" });
    expect(await rejectionOf(store.push(logins, [login(1), login(2)], { id: "a" }))).toMatchObject({
      code: "PUSH_ID_TAKEN",
    });
    expect(await loginsOf(store)).toBe(1);
  });

  test("is deleted after the log's retention, not before", async () => {
    let now = NOON;
    const store = await open({
      clock: () => date(now),
      online: { store: memoryOnlineStore(), retention: "1h", logRetention: "2d" },
    });
    const first = await store.push(logins, [login(1)], { id: "a" });
    for (const [later, again] of [
      [DAY, true],
      [4 * DAY, false],
    ] as const) {
      now = NOON + later;
      // expired ids are deleted beside other pushes
      for (let i = 0; i < 3; i++) {
        now += HOUR;
        await store.push(logins, [login(100 + later / DAY + i, { time: date(now) })]);
      }
      const result: PushResult = await store.push(logins, [login(1)], { id: "a" });
      expect(result.position === first.position).toBe(again);
    }
  });

  test("needs an online store, which stores it", async () => {
    expect(
      await rejectionOf((await open({ online: undefined })).push(logins, [login(1)], { id: "a" })),
    ).toMatchObject({ code: "STORE_MISSING" });
  });
});

describe("a store alone", () => {
  test("an online store takes pushes without a history, and later accepts none", async () => {
    const data = memoryOnlineData();
    const store = await open({ online: memoryOnlineStore(data), offline: undefined });
    await store.push(logins, [login(1)]);
    await store.push(logins, [login(2)]);
    expect(await loginsOf(store)).toBe(2);
    expect(
      await rejectionOf((await open({ online: memoryOnlineStore(data) })).push(logins, [login(3)])),
    ).toMatchObject({ code: "PUSH_HISTORY_LACKS" });
    await (
      await open({ online: memoryOnlineStore(data), offline: undefined })
    ).push(logins, [login(3)]);
    expect(await loginsOf(store)).toBe(3);
  });

  test(
    "a history takes pushes alone; a read, push, run or catchUp brings the online " + "store up",
    async () => {
      const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
      const batch = await open({ online: undefined, offline: memoryOfflineStore(offlineData) });
      const both = (): Promise<Store> =>
        open({ online: memoryOnlineStore(onlineData), offline: memoryOfflineStore(offlineData) });
      await batch.push(logins, [login(1)]);
      expect(await loginsOf(await both())).toBe(1);
      await batch.push(logins, [login(2)]);
      const store = await both();
      expect(await store.catchUp()).toEqual({ changes: 1 });
      expect(await store.catchUp()).toEqual({ changes: 0 });
      await batch.push(logins, [login(3)]);
      await store.push(logins, [login(4)]);
      expect(await loginsOf(store)).toBe(4);
      await batch.push(logins, [login(5)]);
      await store.run(new ShopLog().source());
      expect(
        await loginsOf(await open({ online: memoryOnlineStore(onlineData), offline: undefined })),
      ).toBe(5);
    },
  );

  test(
    "a process killed while it fills an empty online store loses nothing; the next " +
      "one goes on",
    async () => {
      for (let dies = 0; dies < 4; dies++) {
        for (const next of ["read", "push"] as const) {
          const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
          await (
            await open({ online: undefined, offline: memoryOfflineStore(offlineData) })
          ).push(logins, [login(1)]);
          let writes = 0;
          const online = memoryOnlineStore(onlineData);
          const dying = await open({
            online: {
              ...online,
              write: async (step) => {
                if (writes++ === dies) throw new Error("died");
                return online.write(step);
              },
            },
            offline: memoryOfflineStore(offlineData),
          });
          expect(
            await dying.catchUp().then(
              () => "filled",
              () => "died",
            ),
          ).toBe(dies < 3 ? "died" : "filled");
          const store = await open({
            online: memoryOnlineStore(onlineData),
            offline: memoryOfflineStore(offlineData),
          });
          if (next === "push") await store.push(logins, [login(2)]);
          expect([dies, next, await loginsOf(store)]).toEqual([
            dies,
            next,
            next === "push" ? 2 : 1,
          ]);
        }
      }
    },
  );

  test("an online store with a history takes no push without it", async () => {
    const data = memoryOnlineData();
    await (await open({ online: memoryOnlineStore(data) })).push(logins, [login(1)]);
    expect(
      await rejectionOf(
        (await open({ online: memoryOnlineStore(data), offline: undefined })).push(logins, [
          login(2),
        ]),
      ),
    ).toMatchObject({ code: "PUSH_WITHOUT_HISTORY" });
  });

  test("a set-back history is PUSH_HISTORY_LACKS and takes no push", async () => {
    const data = memoryOnlineData();
    await (await open({ online: memoryOnlineStore(data) })).push(logins, [login(1)]);
    const { code, message } = await rejectionOf(
      (await open({ online: memoryOnlineStore(data) })).push(logins, [login(2)]),
    );
    expect([code, message]).toEqual([
      "PUSH_HISTORY_LACKS",
      expect.stringContaining(
        "memory online store holds pushes up to position 0, and the history in memory offline " +
          "store holds none",
      ),
    ]);
  });
});

describe("stores that fail", () => {
  const away = (): TidemarkError<string> =>
    new TidemarkError<string>("STORE_UNAVAILABLE", "the store is away; wait", { retryable: true });

  test(
    "with an unavailable online store a push is PUSH_NOT_ONLINE_YET; the next one " + "brings both",
    async () => {
      const online = memoryOnlineStore();
      let down = false;
      const failing: OnlineStore = {
        ...online,
        write: async (step) => {
          if (down) throw away();
          return online.write(step);
        },
      };
      const store = await open({ online: failing });
      await store.push(logins, [login(1)]);
      down = true;
      const error: unknown = await store.push(logins, [login(2)]).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({
        code: "PUSH_NOT_ONLINE_YET",
        retryable: true,
        message: expect.stringContaining(
          "its rows are in the history (memory offline store, up to position 1)",
        ) as string,
      });
      expect([await loginsOf(store), await loginsIn(store, NOON, "as-corrected")]).toEqual([1, 2]);
      down = false;
      await store.push(logins, [login(3)]);
      expect(await loginsOf(store)).toBe(3);
    },
  );

  test("an unavailable history takes nothing, and reads go on", async () => {
    const offline = memoryOfflineStore();
    let down = false;
    const failing: OfflineStore = {
      ...offline,
      append: async (...call) => {
        if (down) throw away();
        return offline.append(...call);
      },
      state: async (...call) => {
        if (down) throw away();
        return offline.state(...call);
      },
    };
    const store = await open({ offline: failing });
    await store.push(logins, [login(1)]);
    down = true;
    expect(await rejectionOf(store.push(logins, [login(2)]))).toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    expect(await loginsOf(store)).toBe(1);
    // the online store has nothing of the source, and the history may have rows
    expect(
      await rejectionOf(store.getOnlineFeatures({ features: profile, entities: ann })),
    ).toMatchObject({ code: "NOT_READY" });
    expect((await store.readiness()).map(({ source, reason }) => [source, reason])).toEqual([
      ["logins", null],
      ["profiles", "NOT_READY"],
      ["payments", "NOT_READY"],
    ]);
    down = false;
    expect(await store.push(logins, [login(2)])).toMatchObject({ position: 1 });
    const later = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 6_000);
    await vi.waitFor(async () => {
      expect((await store.getOnlineFeatures({ features: profile, entities: ann }))[0]).toEqual({
        city: null,
      });
    });
    later.mockRestore();
  });

  test(
    "a read looks for another process's pushes in the history after a while, without " + "waiting",
    async () => {
      const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
      const store = await open({
        online: memoryOnlineStore(onlineData),
        offline: memoryOfflineStore(offlineData),
      });
      expect(await loginsOf(store)).toBe(0);
      await (
        await open({ online: undefined, offline: memoryOfflineStore(offlineData) })
      ).push(logins, [login(1)]);
      expect(await loginsOf(store)).toBe(0);
      const later = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 6_000);
      await vi.waitFor(async () => {
        expect(await loginsOf(store)).toBe(1);
      });
      later.mockRestore();
    },
  );
});

describe("a pushed source beside others", () => {
  test("run skips it, backfill fills it from the history, resnapshot refuses it", async () => {
    const offline = memoryOfflineStore();
    const store = await open({ offline });
    await store.push(logins, [login(1)]);
    expect(await store.run(new ShopLog().source())).toMatchObject({ changes: 0 });
    const anew = await open({ offline });
    expect((await anew.backfill()).sources.find((one) => one.source === "logins")).toEqual({
      source: "logins",
      changes: 1,
      positions: [{ partition: "push:0", offset: 0 }],
      reason: null,
      seconds: expect.any(Number) as number,
    });
    expect(await loginsOf(anew)).toBe(1);
    expect(await rejectionOf(store.resnapshot("logins", new ShopLog().source()))).toEqual({
      code: "LOG_NOT_ALLOWED",
      message:
        'resnapshot: source "logins" is fed by push, not by a log: bring rows with store.push',
    });
    expect(
      await rejectionOf(
        (await open({ definitions: { recent, profile } })).run(new ShopLog().source()),
      ),
    ).toMatchObject({ code: "LOG_NOT_ALLOWED" });
  });

  test("a source has a table or is a push source, also at run time", () => {
    const columns = { id: int64(), time: timestamp() };
    const made = (verb: unknown, more: object) => (): unknown =>
      (verb as (name: string, definition: object) => unknown)("s", {
        columns,
        primaryKey: ["id"],
        eventTime: "time",
        ...more,
      });
    expect(made(source, {})).toThrow(
      'source "s": name its table, as in table: "public.transaction_data"; or, where no log ' +
        "feeds it, declare it with pushSource",
    );
    expect(made(source, { table: "t", push: true })).toThrow('there is no option "push"');
    expect(made(pushSource, { table: "t" })).toThrow('source "s": a pushed source has no table');
    expect(made(pushSource, { eventTime: commitTime({ since: "time" }) })).toThrow(
      "commitTime({ since }) is for rows of a snapshot",
    );
    expect(made(pushSource, { primaryKey: [] })).toThrow("say which columns are its primary key");
  });
});
