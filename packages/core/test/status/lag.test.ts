import { featureView, openStore, sum, TidemarkError } from "@tidemark/core";
import { formatTime, type ChangeSource, type LogEnd, type OnlineStore } from "@tidemark/core/spi";
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import {
  date,
  definitions,
  NOON,
  openShop,
  payments,
  rejectionOf,
  SECOND,
  ShopLog,
  user,
} from "../support/shop.ts";

/** A view that does not read the fee. */
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { spent: sum(payments.amount).over("7d") },
});

function withEnds(source: ChangeSource, ends: () => readonly LogEnd[]): ChangeSource {
  return { ...source, ends: async () => ends() };
}

const partition = "t.public.payments:0";

describe("the status of a source", () => {
  test("tells the lag, the newest event and the newest commit", async () => {
    const { store } = await openShop({ clock: () => date(NOON + 100 * SECOND) });
    const log = new ShopLog();
    for (let id = 0; id < 5; id++) log.paid({ id, time: NOON + id * SECOND });
    log.paid({ id: 9, time: NOON - SECOND }, { committed: NOON + 10 * SECOND });
    await store.run(log.source());
    const ends = [{ partition, end: 8, source: null }];
    const [payments, customers] = await store.status({
      changes: withEnds(log.source(), () => ends),
    });
    expect(payments).toMatchObject({
      lastEvent: formatTime(NOON + 4 * SECOND),
      lastCommit: formatTime(NOON + 10 * SECOND),
      lag: { messages: 2, seconds: 90, partitions: [{ partition, messages: 2, seconds: 90 }] },
      lagUnknown: null,
      online: { isReady: true },
    });
    expect(customers).toMatchObject({ lastEvent: null, lastCommit: null, lag: null });
  });

  test("is level where every message was taken, and goes by the slower store", async () => {
    const { store, online } = await openShop();
    const log = new ShopLog().paid({ id: 1 }).paid({ id: 2 });
    await store.run(log.source());
    const changes = withEnds(log.source(), () => [
      { partition, end: 2, source: "payments" },
      { partition: "t.public.payments:1", end: 3, source: "payments" },
      { partition: "t.public.customers:0", end: 0, source: "customers" },
    ]);
    const [payments, customers] = await store.status({ changes });
    expect([payments!.lag, customers!.lag]).toMatchObject([
      {
        messages: 3,
        partitions: [
          { partition, messages: 0, seconds: 0 },
          { partition: "t.public.payments:1", messages: 3, seconds: null },
        ],
      },
      { messages: 0, seconds: 0 },
    ]);
    expect([payments!.rowsTaken, customers!.rowsTaken]).toEqual([2, null]);
    expect(online).toBeDefined();
  });

  test("says why the lag is not known, and tells the rest", async () => {
    const { store } = await openShop();
    const log = new ShopLog().paid({ id: 1 });
    await store.run(log.source());
    const changes = withEnds(log.source(), () => {
      throw new TidemarkError<string>("KAFKA_FAILED", "Kafka topics t: no broker answers");
    });
    expect((await store.status({ changes }))[0]).toMatchObject({
      lag: { messages: 0, at: formatTime(NOON) },
      lagUnknown: "Kafka topics t: no broker answers",
      history: { changes: 1 },
    });
  });

  test("tells what a run measured, and when, to a process that cannot ask the log", async () => {
    const { store, online } = await openShop({ clock: () => date(NOON) });
    const log = new ShopLog().paid({ id: 1, time: NOON }).paid({ id: 2, time: NOON });
    const other = await openStore({
      definitions,
      online: { store: online, retention: "forever" },
      clock: () => date(NOON + 3600 * SECOND),
    });
    expect((await other.status())[0]).toMatchObject({
      lag: null,
      lagUnknown: "no run has measured it in this online store",
    });
    const from = log.source();
    const stop = new AbortController();
    const live: ChangeSource = {
      ...from,
      bounded: false,
      lag: () => [
        { partition, lag: 3, highWatermark: 5 },
        { partition: "t.public.payments:1", lag: 0, highWatermark: 9 },
        { partition: "t.public.other:0", lag: 40, highWatermark: 40 },
      ],
      async *changes(options) {
        yield* from.changes(options);
        await new Promise((resolve) => {
          options.signal!.addEventListener("abort", resolve);
        });
      },
    };
    const run = store.run(live, { signal: stop.signal }).catch((error: unknown) => error);
    await expect
      .poll(async () => (await other.status())[0]!.lag, { timeout: 5_000 })
      .toMatchObject({ messages: 3, seconds: expect.any(Number), at: formatTime(NOON) });
    stop.abort(new Error("stopped"));
    await run;
    // The history has committed nothing, so it lacks both messages of partition 0. Partition 1 has
    // offsets without a message up to 8, so it lacks the last one.
    const ends = [
      { partition, end: 2, source: "payments" },
      { partition: "t.public.payments:1", end: 10, source: "payments" },
    ];
    const [asked] = await store.status({ changes: withEnds(from, () => ends) });
    expect(asked).toMatchObject({ lag: { messages: 3 }, lagUnknown: null });
  });

  test("tells a backfill in progress, and whether somebody works on it", async () => {
    const data = memoryOnlineData();
    const offline = memoryOfflineStore();
    let now = NOON;
    const open = (online: OnlineStore, views: Record<string, unknown>) =>
      openStore({
        definitions: views,
        online: { store: online, retention: "1d" },
        offline,
        clock: () => date(now),
      });
    const log = new ShopLog();
    for (let id = 0; id < 40; id++) log.paid({ id, time: NOON - SECOND });
    await (await open(memoryOnlineStore(data), { weekly })).run(log.source());
    const mean = featureView("mean", {
      entity: user,
      source: payments,
      features: { fees: sum(payments.fee).over("30d") },
    });
    const reader = await open(memoryOnlineStore(data), { weekly, mean });
    const before = (await reader.status())[0]!.online!;
    expect([before.needsBackfill, before.backfill]).toEqual([["mean.fees"], null]);
    const killed = async (): Promise<void> => {
      const dying = await open(memoryOnlineStore(data), { weekly, mean });
      let steps = 0;
      const onProgress = (): void => {
        if (++steps === 2) throw new Error("killed");
      };
      await expect(dying.backfill({ batchRows: 10, onProgress })).rejects.toThrow("killed");
    };
    await killed();
    const reason = "feature mean.fees needs the column fee";
    const begun = { reason, changes: 20, of: 40, waitingFor: null, since: formatTime(NOON) };
    const status = async () => (await reader.status())[0]!.online!;
    expect((await status()).backfill).toMatchObject({ ...begun, isWorking: true });
    expect((await reader.readiness())[0]).toMatchObject({ reason: "NEEDS_BACKFILL" });
    now += 60 * SECOND;
    expect((await status()).backfill).toMatchObject({
      reason,
      isWorking: false,
      workedAt: formatTime(NOON),
    });
    const result = await reader.backfill();
    expect(result.sources[0]).toMatchObject({ reason, changes: 20 });
    expect(await status()).toMatchObject({ backfill: null, needsBackfill: [] });
    expect((await reader.readiness())[0]).toMatchObject({ reason: null });
  });

  test("tells that a backfill waits for a history behind the online store", async () => {
    const data = memoryOnlineData();
    const offline = memoryOfflineStore();
    const log = new ShopLog().paid({ id: 1, time: NOON - SECOND });
    const open = (views: Record<string, unknown>, withHistory = true) =>
      openStore({
        definitions: views,
        online: { store: memoryOnlineStore(data), retention: "1d" },
        ...(withHistory ? { offline } : {}),
        clock: () => date(NOON),
      });
    await (await open({ weekly })).run(log.source());
    await (await open({ weekly }, false)).run(log.paid({ id: 2, time: NOON - SECOND }).source());
    const fees = featureView("fees", {
      entity: user,
      source: payments,
      features: { fees: sum(payments.fee).over("7d") },
    });
    const reader = await open({ weekly, fees });
    const seen: (string | null)[] = [];
    const filled = reader.backfill({
      onProgress: ({ source, waitingFor }) => {
        expect(source).toBe("payments");
        if (waitingFor !== seen.at(-1)) seen.push(waitingFor);
      },
    });
    await expect
      .poll(async () => (await reader.status())[0]!.online!.backfill, { timeout: 5_000 })
      .toMatchObject({ waitingFor: "history", isWorking: true });
    await (await open({ weekly })).run(log.source());
    expect((await filled).sources[0]).toMatchObject({ changes: 2 });
    expect(seen).toEqual(["history", null]);
  });

  test("lists what most rows lack", async () => {
    const { store } = await openShop();
    const log = new ShopLog();
    const absentColumns = [{ column: "vendor", reason: "COLUMN_ABSENT", message: "no column" }];
    for (let id = 0; id < 120; id++)
      log.paid(
        { id, vendor: null, user: id % 3 === 0 ? "ann" : null },
        { change: { absentColumns } },
      );
    await store.run(log.source(), { mismatch: "ignore", onMismatch: () => undefined });
    expect((await store.status())[0]!.mismatches).toMatchObject([
      { column: "user_id", reason: "NULL_KEY_OR_TIME", rows: 80, of: 120 },
      { column: "vendor", reason: "COLUMN_ABSENT", rows: 120, of: 120 },
    ]);
    log.paid({ id: 121 });
    await store.run(log.source());
    expect((await store.status())[0]!.mismatches.map(({ column }) => column)).toEqual(["user_id"]);
  });
});

test("a change with too few values is refused by name", async () => {
  const { store } = await openShop();
  const log = new ShopLog().add("payments", "upsert", [1n, "ann"], {});
  expect(await rejectionOf(store.run(log.source()))).toMatchObject({
    code: "CHANGE_INVALID",
    message: expect.stringContaining(
      'source "payments": t.public.payments, partition 0, offset 0: the change has 2 values, and ' +
        "the definition has 7 columns",
    ) as string,
  });
  expect((await store.status())[0]!.online!.positions).toEqual([]);
});
