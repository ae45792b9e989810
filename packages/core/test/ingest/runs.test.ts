import { openStore, type RunProgress, type Store } from "@tidemark/core";
import type { ChangeSource, Position } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  SECOND,
  date,
  definitions,
  everything,
  iso,
  last,
  rejectionOf,
  weekly,
  openShop,
  type ShopStores,
} from "../support/shop.ts";

const ann = { user_id: "ann" } as const;
const both = [ann, { user_id: "bob" }] as const;

function hundred(partitions = 1): ShopLog {
  const log = new ShopLog();
  for (let i = 0; i < 100; i++)
    log.paid(
      { id: i, user: i % 3 === 0 ? "bob" : "ann", time: NOON - i * HOUR, amount: i / 4 },
      { partition: i % partitions },
    );
  return log;
}

/** Returns every answer of the store, by both paths. */
async function answers(store: Store): Promise<unknown> {
  const { rows: online } = await store.getOnlineFeatures({
    features: everything,
    entities: both,
    metadata: true,
  });
  const labels = [NOON, NOON - DAY, NOON - 3 * DAY].flatMap((time) =>
    both.map((keys) => ({ ...keys, event_timestamp: date(time) })),
  );
  const corrected = await (
    await store.getHistoricalFeatures({ features: everything, entities: labels, metadata: true })
  ).rows();
  const known = await (
    await store.getHistoricalFeatures({
      features: everything,
      entities: labels,
      knowledge: "as-known",
      metadata: true,
    })
  ).rows();
  return { online, corrected, known };
}

async function expected(log: ShopLog): Promise<unknown> {
  const { store } = await openShop();
  await store.run(log.source());
  return answers(store);
}

/**
 * Returns by source the offsets of the online store and of the history, and the number of changes
 * in the history.
 */
async function positions(store: Store): Promise<unknown> {
  const offsets = (one: { readonly positions: readonly Position[] } | null): number[] | null =>
    one?.positions.map(({ offset }) => offset) ?? null;
  return (await store.status()).map(({ online, history }) => [
    offsets(online),
    offsets(history),
    history?.changes ?? null,
  ]);
}

describe("a run", () => {
  test("reports its progress, and the number of changes", async () => {
    const { store } = await openShop();
    const seen: RunProgress[] = [];
    expect(
      await store.run(hundred().source({ batch: 40 }), {
        onProgress: (progress) => seen.push(progress),
      }),
    ).toMatchObject({ changes: 100 });
    expect(seen).toEqual([40, 80, 100].map((changes) => ({ changes, total: 100, notTaken: [] })));
  });

  test("repeated takes nothing twice", async () => {
    const log = hundred(3);
    const { store } = await openShop();
    await store.run(log.source({ batch: 7 }));
    const before = [await answers(store), await positions(store)];
    expect(await store.run(log.source())).toMatchObject({ changes: 0 });
    expect([await answers(store), await positions(store)]).toEqual(before);
    expect(await answers(store)).toEqual(await expected(log));
  });

  test("that is aborted ends with the signal's reason; the next one goes on", async () => {
    const log = hundred(3);
    const { store } = await openShop();
    const controller = new AbortController();
    const reason = new Error("enough");
    await expect(
      store.run(log.source({ batch: 9 }), {
        mismatch: "ignore",
        signal: controller.signal,
        onProgress: ({ changes }) => {
          if (changes > 40) controller.abort(reason);
        },
      }),
    ).rejects.toBe(reason);
    // the online store has the given changes, the history the committed ones
    expect(await positions(store)).toEqual([
      [[14, 14, 14], [], 0],
      [[], [], 0],
    ]);
    await store.run(log.source({ batch: 9 }));
    expect(await answers(store)).toEqual(await expected(log));
  });

  test("whose source fails in the middle throws its error; the next one goes on", async () => {
    const log = hundred(2);
    const { store } = await openShop({ history: { commit: { rows: 10 } } });
    const whole = log.source({ batch: 20 });
    const failing: ChangeSource = {
      ...whole,
      async *changes(options) {
        let batches = 0;
        for await (const batch of whole.changes(options)) {
          if (batches++ === 2) throw new Error("the broker is gone");
          yield batch;
        }
      },
    };
    await expect(store.run(failing)).rejects.toThrow("the broker is gone");
    await store.run(whole);
    expect(await answers(store)).toEqual(await expected(log));
  });

  test("feeds several sources from one log; each keeps its own positions", async () => {
    const log = hundred(2).customer(1, "Oslo").customer(2, "Rome").customer(1, "Bern");
    const { store } = await openShop();
    await store.run(log.source({ batch: 30 }));
    expect(await positions(store)).toEqual([
      [[49, 49], [49, 49], 100],
      [[2], [2], 3],
    ]);
    const rows = await store.getOnlineFeatures({
      features: everything,
      entities: both,
      asOf: date(NOON + HOUR),
    });
    expect(rows.map(({ city }) => city)).toEqual(["Bern", "Rome"]);
  });

  test("takes several logs one after the other", async () => {
    const { store } = await openShop();
    await store.run(hundred().source());
    await store.run(new ShopLog().customer(1, "Oslo", { committed: NOON - HOUR }).source());
    const [row] = await store.getOnlineFeatures({ features: everything, entities: [ann] });
    expect([row.city, row.payments_l1w]).toEqual(["Oslo", 66]);
  });

  test("of changes without a definition moves no position", async () => {
    const { store } = await openShop();
    expect(
      await store.run(new ShopLog().add("strangers", "upsert", [1n], {}).source()),
    ).toMatchObject({ changes: 0, messages: 1 });
    expect(await positions(store)).toEqual([
      [[], [], 0],
      [[], [], 0],
    ]);
  });

  test("acknowledges a position when it is durable in every store, not before", async () => {
    const acknowledged: Position[] = [];
    const { store, offline } = await openShop({ history: { commit: { rows: 50 } } });
    const durable: number[] = [];
    const source = hundred().source({ batch: 20, acknowledged });
    const acknowledging: ChangeSource = {
      ...source,
      async ack(at) {
        await source.ack!(at);
        durable.push((await offline.state("payments/changes"))!.positions[0]!.offset);
      },
    };
    await store.run(acknowledging, { mismatch: "ignore" });
    expect(acknowledged.map(({ offset }) => offset)).toEqual([59, 99]);
    expect(durable).toEqual([59, 99]);
  });
});

describe("stores at different positions", () => {
  test("an online store alone and a history alone answer as both together", async () => {
    const log = hundred(2);
    const online = await openShop({ offline: undefined });
    await online.store.run(log.source());
    const offline = await openShop({ online: undefined });
    await offline.store.run(log.source());
    const [row] = await online.store.getOnlineFeatures({ features: weekly, entities: [ann] });
    const [label] = await (
      await offline.store.getHistoricalFeatures({
        features: weekly,
        entities: [{ ...ann, event_timestamp: date(NOON) }],
      })
    ).rows();
    expect(label).toEqual({ ...ann, event_timestamp: date(NOON), ...row });
    expect((await online.store.status())[0]!.history).toBeNull();
    expect((await offline.store.status())[0]!.online).toBeNull();
  });

  test(
    "a lost online store is filled again from the log; the " + "history takes nothing twice",
    async () => {
      const log = hundred(2);
      const offline = memoryOfflineData();
      const open = (): Promise<Store> =>
        openStore({
          definitions,
          online: { store: memoryOnlineStore(), retention: "forever" },
          offline: memoryOfflineStore(offline),
          clock: () => date(NOON),
        });
      await (await open()).run(log.source());
      const versions = offline.tables.get("payments/changes")!.length;
      const store = await open();
      expect(await store.run(log.source({ batch: 13 }))).toMatchObject({ changes: 100 });
      expect(offline.tables.get("payments/changes")!.length).toBe(versions);
      expect(await answers(store)).toEqual(await expected(log));
    },
  );

  test("a lost history is filled again; the online store takes nothing twice", async () => {
    const log = hundred(2);
    const online = memoryOnlineData();
    const open = (): Promise<Store> =>
      openStore({
        definitions,
        online: { store: memoryOnlineStore(online), retention: "forever" },
        offline: memoryOfflineStore(),
        clock: () => date(NOON),
      });
    await (await open()).run(log.source());
    // every run writes its own measure of the lag
    const cells = (): unknown =>
      [...structuredClone(online.namespaces.get("default")!.cells)].filter(
        ([key]) => !key.includes("log-lag"),
      );
    const before = cells();
    const store = await open();
    await store.run(log.source({ batch: 13 }), { newHistory: true });
    expect(cells()).toEqual(before);
    expect(await answers(store)).toEqual(await expected(log));
  });

  test("a store that is behind in one partition catches up there", async () => {
    const log = hundred(2);
    const { store, online, offline } = await openShop();
    await store.run(log.source({ upTo: 30 }));
    const onlineOnly = await openStore({
      definitions,
      online: { store: online, retention: "forever" },
      clock: () => date(NOON),
    });
    const second = log.changes.filter((change) => change.partition === 1);
    await onlineOnly.run(Object.assign(new ShopLog(), { changes: second }).source());
    const offlineOnly = await openStore({ definitions, offline, clock: () => date(NOON) });
    await offlineOnly.run(log.source({ upTo: 60 }));
    await store.run(log.source({ batch: 11 }));
    expect(await answers(store)).toEqual(await expected(log));
  });
});

/** Runs one store while another store is in the middle of its run. */
async function meanwhile(
  first: Store,
  source: ChangeSource,
  other: () => Promise<unknown>,
): Promise<unknown> {
  let met: Promise<unknown> | null = null;
  const meeting: ChangeSource = {
    ...source,
    async *changes(options) {
      for await (const batch of source.changes(options)) {
        yield batch;
        await (met ??= other());
      }
    },
  };
  await first.run(meeting, { mismatch: "ignore" });
  return met;
}

describe("two runners on one online store", () => {
  test(
    "over one partition: one is ONLINE_STORE_FENCED, and " + "nothing is lost or doubled",
    async () => {
      const log = hundred();
      const made = await openShop({ offline: undefined });
      const other = await made.reopened();
      const { code, message } = await rejectionOf(
        meanwhile(made.store, log.source({ batch: 10 }), () =>
          other.run(log.source({ batch: 10 })),
        ),
      );
      expect(code).toBe("ONLINE_STORE_FENCED");
      expect(message).toBe(
        'memory online store: another runner moved t.public.payments:0 of source "payments" ' +
          "from 9 to 99: run one runner per partition, and start this one again to go on from " +
          "there",
      );
      expect(await made.store.run(log.source())).toMatchObject({ changes: 0 });
      const [row] = await other.getOnlineFeatures({
        features: weekly.payments_l1w,
        entities: [ann],
      });
      expect(row).toEqual({ payments_l1w: 66 });
    },
  );

  test(
    "over a partition each, with the same entities, answer " + "as one runner over both",
    async () => {
      const log = hundred(2);
      const half = (partition: number): ShopLog =>
        Object.assign(new ShopLog(), {
          changes: log.changes.filter((change) => change.partition === partition),
        });
      const made = await openShop({ offline: undefined });
      const other = await made.reopened();
      const turns = half(1).changes;
      let turn = 0;
      await made.store.run({
        ...half(0).source({ batch: 5 }),
        async *changes(options) {
          for await (const batch of half(0).source({ batch: 5 }).changes(options)) {
            await other.run(
              Object.assign(new ShopLog(), { changes: turns }).source({ upTo: (turn += 5) }),
            );
            yield batch;
          }
        },
      });
      const request = { features: [weekly, last], entities: both, metadata: true } as const;
      const rows = await made.store.getOnlineFeatures(request);
      const whole = await openShop();
      await whole.store.run(log.source());
      expect(rows).toEqual(await whole.store.getOnlineFeatures(request));
    },
  );
});

describe("two runners on one history", () => {
  test("over one partition: one is HISTORY_FENCED, and nothing is lost or doubled", async () => {
    const log = hundred();
    const made = await openShop({ online: undefined, history: { commit: { rows: 10 } } });
    const other = await made.reopened();
    const { code, message } = await rejectionOf(
      meanwhile(made.store, log.source({ batch: 10 }), () => other.run(log.source({ batch: 10 }))),
    );
    expect([code, message]).toEqual([
      "HISTORY_FENCED",
      'memory offline store: another runner has moved the log of source "payments": run one ' +
        "runner per partition, and start this one again to go on from there",
    ]);
    await made.store.run(log.source());
    const [label] = await (
      await other.getHistoricalFeatures({
        features: weekly.payments_l1w,
        entities: [{ ...ann, event_timestamp: date(NOON) }],
      })
    ).rows();
    expect(label!.payments_l1w).toBe(66);
    expect((await other.status())[0]!.history!.changes).toBe(100);
  });

  test("over a reassigned partition: a runner that was overtaken takes nothing again", async () => {
    const log = hundred();
    const made = await openShop({ online: undefined, history: { commit: { rows: 15 } } });
    const other = await made.reopened();
    const shared = (source: ChangeSource): ChangeSource => ({ ...source, shared: true });
    // the first runner has gathered 20 when it commits, and finds the log at 30
    await meanwhile(made.store, shared(log.source({ batch: 10 })), () =>
      other.run(shared(log.source({ upTo: 30 }))),
    );
    expect((await other.status())[0]!.history!.changes).toBe(100);
  });

  test("over a partition each answer as one runner over both", async () => {
    const log = hundred(2);
    const half = (partition: number): ShopLog =>
      Object.assign(new ShopLog(), {
        changes: log.changes.filter((change) => change.partition === partition),
      });
    const made = await openShop({
      online: undefined,
      history: { commit: { rows: 7 }, buckets: 2 },
    });
    const other = await made.reopened();
    await meanwhile(made.store, half(0).source({ batch: 10 }), () =>
      other.run(half(1).source({ batch: 10 })),
    );
    const ask = async ({ store }: Pick<ShopStores, "store">): Promise<unknown> =>
      (
        await store.getHistoricalFeatures({
          features: everything,
          entities: both.map((keys) => ({ ...keys, event_timestamp: date(NOON - DAY) })),
          knowledge: "as-known",
          metadata: true,
        })
      ).rows();
    const whole = await openShop();
    await whole.store.run(log.source());
    expect(await ask(made)).toEqual(await ask(whole));
  });
});

describe("a log with LSNs that do not order every change", () => {
  test(
    "a lower LSN with a later commit is " + "SOURCE_LSN_WENT_BACK; its batch is not stored",
    async () => {
      const { store } = await openShop({ offline: undefined });
      const log = new ShopLog()
        .paid({ id: 1, time: NOON - HOUR, amount: 1 }, { lsn: 500n })
        .paid({ id: 2, time: NOON - HOUR, amount: 1 }, { lsn: 600n });
      await store.run(log.source());
      log
        .paid({ id: 3, time: NOON - HOUR }, { lsn: 601n, committed: NOON })
        .paid({ id: 1, time: NOON - HOUR, amount: 9 }, { lsn: 499n, committed: NOON });
      expect(await rejectionOf(store.run(log.source()))).toEqual({
        code: "SOURCE_LSN_WENT_BACK",
        message: expect.stringMatching(
          new RegExp(
            '^source "payments": t\\.public\\.payments:0 offset 3 has LSN 499, ' +
              "committed after LSN 500 of the same row: .*new snapshot",
          ),
        ) as string,
      });
      const [row] = await store.getOnlineFeatures({
        features: [weekly.payments_l1w, weekly.spent_7d],
        entities: [ann],
      });
      expect([row, await positions(store)]).toEqual([
        { payments_l1w: 2, spent_7d: 2 },
        [
          [[1], null, null],
          [[], null, null],
        ],
      ]);
    },
  );

  test(
    "a repeated range of the log at new offsets changes nothing, and is no restored " + "source",
    async () => {
      const log = hundred();
      const again = [...log.changes];
      for (const change of again.slice(20, 70))
        log.add("payments", "upsert", change.values, {
          lsn: change.order,
          committed: change.committed!,
        });
      const { store } = await openShop();
      await store.run(log.source({ batch: 15 }));
      const asked = await answers(store);
      const once = await openShop();
      await once.store.run(Object.assign(new ShopLog(), { changes: again }).source());
      expect(asked).toEqual(await answers(once.store));
    },
  );

  test("changes without a log order in two partitions are ORDER_MISSING", async () => {
    const { store } = await openShop();
    const log = new ShopLog()
      .paid({ id: 1 }, { lsn: null })
      .paid({ id: 2 }, { lsn: null, partition: 1 });
    expect(await rejectionOf(store.run(log.source()))).toEqual({
      code: "ORDER_MISSING",
      message:
        'source "payments": changes without a log order in t.public.payments:0 and in ' +
        "t.public.payments:1: which came first is unknown. Use one partition for the table, " +
        "or a connector that writes log positions (LSNs of PostgreSQL)",
    });
    expect(await positions(store)).toEqual([
      [[], [], 0],
      [[], [], 0],
    ]);
  });

  test(
    "a table without LSNs in one partition is ordered by offsets, over any number of " + "runs",
    async () => {
      const log = new ShopLog();
      for (let i = 0; i < 10; i++)
        log.paid(
          { id: 1, time: NOON - HOUR, amount: i },
          { lsn: null, committed: NOON - HOUR + i * SECOND },
        );
      const { store } = await openShop();
      for (const upTo of [3, 7, 10]) await store.run(log.source({ upTo }));
      const [row] = await store.getOnlineFeatures({ features: weekly.spent_7d, entities: [ann] });
      expect(row).toEqual({ spent_7d: 9 });
      const [label] = await (
        await store.getHistoricalFeatures({
          features: weekly.spent_7d,
          entities: [{ ...ann, event_timestamp: date(NOON - HOUR + 5 * SECOND) }],
          knowledge: "as-known",
        })
      ).rows();
      expect(label!.spent_7d).toBe(4);
    },
  );

  test.each([
    ["in one run", [4]],
    ["with a restart before it", [2, 4]],
    ["with a restart after it", [3, 4]],
    ["a change at a time", [1, 2, 3, 4]],
  ])("a change without LSN replaces the earlier changes of its partition, %s", async (_, stops) => {
    const { store } = await openShop();
    // The row's newest change is the incremental snapshot row. Then an older change comes again.
    const log = new ShopLog()
      .paid({ id: 1, time: NOON - HOUR, amount: 1 }, { lsn: 500n })
      .paid({ id: 2, time: NOON - HOUR, amount: 10 }, { lsn: 700n })
      .paid(
        { id: 1, time: NOON - HOUR, amount: 2 },
        { lsn: null, change: { snapshot: true, op: "r" } },
      )
      .paid({ id: 1, time: NOON - HOUR, amount: 3 }, { lsn: 600n });
    for (const upTo of stops) await store.run(log.source({ upTo }));
    const [row] = await store.getOnlineFeatures({ features: weekly.spent_7d, entities: [ann] });
    const [label] = await (
      await store.getHistoricalFeatures({
        features: weekly.spent_7d,
        entities: [{ ...ann, event_timestamp: date(NOON) }],
      })
    ).rows();
    expect([row.spent_7d, label!.spent_7d]).toEqual([12, 12]);
    await store.run(log.paid({ id: 1, time: NOON - HOUR, amount: 4 }, { lsn: 701n }).source());
    expect(
      (await store.getOnlineFeatures({ features: weekly.spent_7d, entities: [ann] }))[0],
    ).toEqual({ spent_7d: 14 });
  });
});

describe("the status of a source", () => {
  test(
    "quarantined messages and rows are counted apart; each row has its offset and " + "reason",
    async () => {
      const { store } = await openShop();
      const log = new ShopLog()
        .paid({ id: 1, user: null })
        .paid({ id: 1, user: null, amount: 2 })
        .paid({ id: 2, time: null })
        .paid(
          { id: 3 },
          {
            change: {
              invalidColumns: [{ column: "time", reason: "NOT_A_TIME" }],
              values: [3n, "ann", 1n, null, 1, null, null],
              nonFinite: 2,
            },
          },
        )
        .paid(
          { id: 4 },
          {
            change: {
              undecodable: { reason: "CONTENT_UNREADABLE", message: "after is no row" },
              values: [4n, null, null, null, null, null, null],
            },
          },
        )
        .paid({ id: 5, shop: null })
        .paid({ id: 6, time: NOON - HOUR })
        .add("payments", "none", null, {
          change: { undecodable: { reason: "KEY_UNREADABLE", message: "the key is no number" } },
        });
      await store.run(log.source({ batch: 3 }));
      const [status] = await store.status();
      expect(status!.online).toMatchObject({
        quarantinedChanges: 7,
        quarantinedRows: 5,
        nonFiniteValues: 2,
        invalidValues: 1,
      });
      expect(
        (await store.quarantine("payments")).map(
          ({ key, topic, partition, offset, column, reason }) => [
            key["id"],
            topic,
            partition,
            offset,
            column,
            reason,
          ],
        ),
      ).toEqual([
        [1n, "t.public.payments", 0, 1, "user_id", "NULL_KEY_OR_TIME"],
        [2n, "t.public.payments", 0, 2, "time", "NULL_KEY_OR_TIME"],
        [3n, "t.public.payments", 0, 3, "time", "NOT_A_TIME"],
        [4n, "t.public.payments", 0, 4, null, "CONTENT_UNREADABLE"],
        [5n, "t.public.payments", 0, 5, "shop_id", "NULL_KEY_OR_TIME"],
        [undefined, "t.public.payments", 0, 7, null, "KEY_UNREADABLE"],
      ]);
      // The next readable change brings a row back. A delete and a truncate remove it from the
      // list.
      await store.run(
        log
          .paid({ id: 1, time: NOON - HOUR })
          .deletePayment(2)
          .source(),
      );
      expect((await store.quarantine("payments")).map(({ key }) => key["id"])).toEqual([
        3n,
        4n,
        5n,
        undefined,
      ]);
      await store.run(log.truncatePayments().source());
      // a message without a readable key is of no row, and stays in the list
      expect((await store.quarantine("payments")).map(({ offset }) => offset)).toEqual([7]);
      expect((await store.status())[0]!.online).toMatchObject({
        quarantinedChanges: 7,
        quarantinedRows: 0,
      });
    },
  );

  test("a missing TOASTed column is TOAST_UNRESOLVED until a change has it", async () => {
    const { store } = await openShop();
    const log = new ShopLog().paid(
      { id: 1, time: NOON - HOUR, vendor: null },
      { change: { unavailable: [3] } },
    );
    await store.run(log.source());
    expect(
      (await store.quarantine("payments")).map(({ column, reason, committed }) => [
        column,
        reason,
        committed,
      ]),
    ).toEqual([["vendor", "TOAST_UNRESOLVED", iso(NOON - HOUR + SECOND)]]);
    expect(
      (await store.getOnlineFeatures({ features: weekly.payments_l1w, entities: [ann] }))[0],
    ).toEqual({ payments_l1w: 0 });
    await store.run(log.paid({ id: 1, time: NOON - HOUR, vendor: "Sport" }).source());
    expect(await store.quarantine("payments")).toEqual([]);
    expect(
      (await store.getOnlineFeatures({ features: weekly.payments_l1w, entities: [ann] }))[0],
    ).toEqual({ payments_l1w: 1 });
  });
});
