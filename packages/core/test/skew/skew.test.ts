/** The skew is 0 for what was served well, and counts exactly what was not. */
import type { Batch, OfflineStore, Value } from "@tidemark/core/spi";
import { count, featureService, featureView } from "@tidemark/core";
import { describe, expect, test } from "vitest";
import { batchOf, valueAt } from "../../src/columns/batch.ts";
import {
  date,
  definitions,
  everything,
  HOUR,
  iso,
  NOON,
  openShop,
  payments,
  rejectionOf,
  SECOND,
  shops,
  ShopLog,
  user,
  weekly,
  type ShopStores,
} from "../support/shop.ts";

const LOG = "serving-log/answers";
const entities = ["ann", "bob", "nobody"].map((user_id) => ({ user_id }));

/** Replaces values of a table, row by row. */
async function edit(
  offline: OfflineStore,
  table: string,
  column: string,
  change: (value: Value, row: (name: string) => Value) => Value,
): Promise<number> {
  let changed = 0;
  const replace = (batch: Batch): Batch => {
    const at = batch.columns.findIndex(({ name }) => name === column);
    return batchOf(
      batch.columns,
      Array.from({ length: batch.length }, (_, i) => {
        const values = batch.vectors.map((vector) => valueAt(vector, i));
        const next = change(
          values[at]!,
          (name) => values[batch.columns.findIndex((one) => one.name === name)]!,
        );
        if (next !== values[at]) changed++;
        return values.with(at, next);
      }),
    );
  };
  const columns = [column];
  await offline.replaceRows(table, { columns, isAffected: () => true, replace });
  return changed;
}

const bits = new DataView(new ArrayBuffer(8));
/** The double with its lowest bit flipped. */
function flipped(value: number): number {
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) ^ 1n);
  return bits.getFloat64(0);
}

/** Forgets what the online store had taken, so that nothing excuses a value. */
async function forgetTaken({ store, offline }: ShopStores): Promise<void> {
  await store.servingLog!.flush();
  await edit(offline, LOG, "taken", () => null);
}

/** A store that is asked while its log is read, one change at a time. */
async function served(): Promise<ShopStores> {
  const shop = await openShop({ servingLog: {} });
  const log = new ShopLog();
  for (let i = 0; i < 40; i++)
    log.paid({
      id: i % 30,
      user: i % 3 === 0 ? "bob" : "ann",
      amount: 1 / (i + 3),
      vendor: i % 4 === 0 ? "Hospital" : "Sport",
      fee: BigInt(i),
      time: NOON + i * 10 * SECOND,
    });
  log.deletePayment(3, { committed: NOON + 500 * SECOND });
  log.customer(1, "Hue", { committed: NOON + 510 * SECOND });
  for (let upTo = 1; upTo <= log.changes.length; upTo++) {
    await shop.store.run(log.source({ upTo }));
    shop.now = log.changes[upTo - 1]!.committed! + 5 * SECOND;
    await shop.store.getOnlineFeatures({ features: everything, entities });
    await shop.store.getOnlineFeatures({ features: shops, entity: { shop_id: 1n } });
  }
  return shop;
}

const range = { from: date(NOON - HOUR), to: date(NOON + HOUR) };
const ANSWERS = 42 * 4;

describe("skew", () => {
  test("is 0 while every change arrives before it is asked for", async () => {
    const { store } = await served();
    const report = await store.skew(range);
    expect(report).toMatchObject({
      answers: ANSWERS,
      compared: 42 * (3 * 10 + 2),
      wrong: { values: 0, bits: 0 },
      late: { values: 0, bits: 0 },
      early: { values: 0, bits: 0 },
      erased: { values: 0, bits: 0 },
      otherDefinition: 0,
      notInHistory: 0,
      unanswered: 0,
      examples: [],
    });
    expect(report.features.map(({ feature }) => feature)).toContain("weekly:mean_l1w");
  });

  test("finds one changed bit in a logged value, and how to explain it", async () => {
    const shop = await served();
    const { store, offline } = shop;
    await forgetTaken(shop);
    let planted = false;
    await edit(offline, LOG, "values", (value, row) => {
      const values = JSON.parse(value as string) as Record<string, number | null>;
      if (planted || typeof values["mean_l1w"] !== "number") return value;
      if ((row("entity") as string) !== '{"user_id":"bob"}') return value;
      planted = true;
      return (value as string).replace(
        `"mean_l1w":${values["mean_l1w"]}`,
        `"mean_l1w":${flipped(values["mean_l1w"])}`,
      );
    });
    expect(planted).toBe(true);
    const report = await store.skew(range);
    expect(report.wrong).toEqual({ values: 1, bits: 1 });
    expect(report.late.values + report.early.values).toBe(0);
    expect(report.features.find(({ feature }) => feature === "weekly:mean_l1w")?.wrong).toEqual({
      values: 1,
      bits: 1,
    });
    const [example] = report.examples;
    expect(example).toMatchObject({
      kind: "wrong",
      feature: "weekly:mean_l1w",
      service: "everything",
      entity: { user_id: "bob" },
      bits: 1,
      change: null,
    });
    expect(example!.explain).toBe(
      `tidemark explain weekly:mean_l1w --entity user_id=bob --as-of ${example!.asOf}`,
    );
  });

  test("finds one changed row of the history", async () => {
    const shop = await served();
    const { store, offline } = shop;
    await forgetTaken(shop);
    await edit(offline, "payments/versions", "amount", (value, row) =>
      row("id") === 29n ? flipped(value as number) : value,
    );
    const { wrong, features } = await store.skew(range);
    // payment 29 is in the answers of the last thirteen requests, and is not the largest amount
    const changed = features.filter((one) => one.wrong.values > 0).map(({ feature }) => feature);
    expect(changed.toSorted()).toEqual(["last:last_amount", "weekly:spent_1h", "weekly:spent_7d"]);
    expect(wrong.values).toBeGreaterThan(0);
  });

  test("tells a change that came late from a wrong answer", async () => {
    const shop = await openShop({ servingLog: {} });
    const { store } = shop;
    const log = new ShopLog();
    log.paid({ id: 1, time: NOON }).paid({ id: 2, time: NOON + SECOND });
    await store.run(log.source({ upTo: 1 }));
    // the second payment was committed two seconds after noon, and has not arrived at ten
    shop.now = NOON + 10 * SECOND;
    await store.getOnlineFeatures({ features: weekly, entity: { user_id: "ann" } });
    await store.run(log.source());
    const { wrong, late, features, examples } = await store.skew(range);
    expect(wrong).toEqual({ values: 0, bits: 0 });
    expect(late.values).toBe(3);
    expect(features.find(({ feature }) => feature === "weekly:payments_l1w")).toMatchObject({
      late: { values: 1, bits: 2 },
      latestBy: 8,
    });
    expect(examples[0]).toMatchObject({ kind: "late", change: iso(NOON + 2 * SECOND) });
  });

  test("a change that the store had taken is no excuse", async () => {
    const shop = await openShop({ servingLog: { takenAge: 0 } });
    const { store, offline } = shop;
    const log = new ShopLog();
    log.paid({ id: 1, time: NOON }).paid({ id: 2, time: NOON + SECOND });
    await store.run(log.source());
    shop.now = NOON + 10 * SECOND;
    const entity = { user_id: "ann" };
    // the first request begins the look at what the store has taken
    await store.getOnlineFeatures({ features: weekly, entity });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await store.getOnlineFeatures({ features: weekly, entity });
    await store.servingLog!.flush();
    let sequence = 0;
    await edit(offline, LOG, "values", (value) =>
      sequence++ === 1 ? (value as string).replace('"payments_l1w":2', '"payments_l1w":1') : value,
    );
    const { wrong, late } = await store.skew(range);
    expect({ wrong, late }).toEqual({
      wrong: { values: 1, bits: 2 },
      late: { values: 0, bits: 0 },
    });
  });

  test("tells changes that were committed after the request", async () => {
    const shop = await openShop({ servingLog: {} });
    const { store } = shop;
    const log = new ShopLog();
    log.paid({ id: 1, time: NOON - SECOND }, { committed: NOON + SECOND });
    await store.run(log.source());
    shop.now = NOON;
    await store.getOnlineFeatures({ features: weekly, entity: { user_id: "ann" } });
    const { wrong, early, examples } = await store.skew(range);
    expect(wrong.values).toBe(0);
    expect(early.values).toBeGreaterThan(0);
    expect(examples[0]).toMatchObject({ kind: "early", change: iso(NOON + SECOND) });
  });

  test("a request that named a time is computed with the knowledge of its answer", async () => {
    const shop = await openShop({ servingLog: {} });
    const { store } = shop;
    const log = new ShopLog();
    log.paid({ id: 1, time: NOON });
    log.paid({ id: 1, amount: 7, time: NOON }, { committed: NOON + 61 * SECOND });
    await store.run(log.source());
    shop.now = NOON + HOUR / 2;
    const asOf = date(NOON + 2 * SECOND);
    await store.getOnlineFeatures({ features: weekly, entity: { user_id: "ann" }, asOf });
    const report = await store.skew(range);
    expect(report).toMatchObject({ answers: 1, compared: 6, wrong: { values: 0 } });
    expect(report.late.values + report.early.values).toBe(0);
  });

  test("values under another definition are counted apart", async () => {
    const shop = await served();
    const changed = featureView("weekly", {
      entity: user,
      source: payments,
      features: { payments_l1w: count().over("1d") },
    });
    const store = await shop.reopened({
      definitions: {
        ...definitions,
        weekly: changed,
        everything: featureService("everything", [changed]),
      },
      servingLog: undefined,
    });
    await shop.store.servingLog!.flush();
    const { features, wrong } = await store.skew({ ...range, features: ["weekly:payments_l1w"] });
    expect(wrong.values).toBe(0);
    expect(features).toMatchObject([
      { feature: "weekly:payments_l1w", otherDefinition: 126, compared: 0 },
    ]);
  });

  test("answers of which the history lacks changes wait", async () => {
    const shop = await served();
    const report = await shop.store.skew({ ...range, services: ["everything"] });
    expect(report.answers).toBe(126);
    // an online store that has more than the history
    const { online } = shop;
    const [position] = await online.positions("payments");
    await online.write({
      source: "payments",
      cells: [],
      positions: [
        { partition: position!.partition, expected: position!.offset, next: position!.offset + 1 },
      ],
    });
    const behind = await shop.store.skew(range);
    expect(behind.notInHistory).toBeGreaterThan(0);
    expect(behind.wrong.values).toBe(0);
  });

  test("the way without parsing finds what the slow way finds", async () => {
    const { checkSkew } = await import("../../src/skew/check-skew.ts");
    const { collectDefinitions } = await import("@tidemark/core");
    const { localEngine } = await import("../../src/engine/local-engine.ts");
    const { openOfflineReader } = await import("../../src/offline/offline-reader.ts");
    const shop = await served();
    const { offline, online } = shop;
    await forgetTaken(shop);
    await edit(offline, "payments/versions", "amount", (value, row) =>
      row("id") === 12n ? flipped(value as number) : value,
    );
    const reader = openOfflineReader(offline, localEngine());
    const context = { definitions: collectDefinitions(definitions), offline, online, reader };
    const question = {
      from: NOON - HOUR,
      to: NOON + HOUR,
      features: undefined,
      services: undefined,
      examples: 100,
      onProgress: undefined,
      signal: undefined,
    };
    const [fast, slow] = [
      await checkSkew(context, { ...question, isFast: true }),
      await checkSkew(context, { ...question, isFast: false }),
    ];
    expect(fast).toEqual(slow);
    expect(fast.wrong.values).toBeGreaterThan(0);
  });

  test("what is unknown is refused", async () => {
    const { store } = await openShop();
    expect(await rejectionOf(store.skew())).toMatchObject({ code: "SERVING_LOG_MISSING" });
    const shop = await served();
    for (const [options, code] of [
      [{ features: ["weekly:spend"] }, "FEATURE_UNKNOWN"],
      [{ services: ["everythin"] }, "SERVICE_UNKNOWN"],
      [{ feature: "weekly:spent" }, "OPTION_UNKNOWN"],
    ] as const)
      expect(await rejectionOf(shop.store.skew({ ...range, ...options })), code).toMatchObject({
        code,
      });
  });
});
