/**
 * After an erasure, definitions with another primary key and with columns that are declared later
 * still answer what the rest of the log says. So do rows that took another primary key.
 */
import { count, entity, featureView, int64, max, openStore, source } from "@tidemark/core";
import { string, timestamp, type Store } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder } from "../../src/real-stores.ts";

const TIME = Date.UTC(2026, 0, 20, 12) * 1000;
const HOUR = 3_600_000_000;
const TOAST = "__debezium_unavailable_value";
const user = entity("user", { keys: { user_id: string() } });

type Row = Readonly<Record<string, unknown>>;
type KeyColumn = "region" | "number";

/** Definitions of the same table. */
function ordersBy(primaryKey: readonly [KeyColumn, ...KeyColumn[]]) {
  const orders = source("orders", {
    table: "public.orders",
    columns: {
      region: string(),
      number: int64(),
      user_id: string(),
      note: string().nullable(),
      time: timestamp(),
    },
    primaryKey,
    eventTime: "time",
  });
  const paid = featureView("paid", {
    entity: user,
    source: orders,
    features: { num: count().over("7d"), note: max(orders.note).over("7d") },
  });
  return { paid };
}

/** The same, from before the column `note` was declared. */
function withoutNote() {
  const orders = source("orders", {
    table: "public.orders",
    columns: { region: string(), number: int64(), user_id: string(), time: timestamp() },
    primaryKey: ["region", "number"],
    eventTime: "time",
  });
  const paid = featureView("paid", {
    entity: user,
    source: orders,
    features: { num: count().over("7d") },
  });
  return { paid };
}

/** `former`: the key that the row had before. `key`: that of the message, if it is another one. */
function shop(folder: string, rows: readonly Row[]) {
  const online = memoryOnlineData();
  let offline = memoryOfflineData();
  const path = join(folder, "topic.jsonl");
  const lines = rows.map(({ former, key, ...row }, i) => {
    const after = { time: TIME - HOUR, note: null, ...row };
    const ts_us = TIME - HOUR + i * 1_000;
    const value = {
      before: null,
      after,
      source: { schema: "public", table: "orders", lsn: 100 + i, ts_us },
      op: "c",
    };
    return JSON.stringify({
      topic: "shop.public.orders",
      partition: 0,
      offset: String(i),
      timestamp: String(ts_us / 1000),
      key: JSON.stringify(key ?? { region: row["region"], number: row["number"] }),
      value: JSON.stringify(value),
      headers: former === undefined ? {} : { "__debezium.oldkey": JSON.stringify(former) },
    });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return {
    run: (store: Store, options: { readonly newHistory?: boolean } = {}) =>
      store.run(recordedTopic(path, { onWarning: () => undefined }), options),
    logText: async () => {
      const store = memoryOfflineStore(offline);
      const columns = ["_row", "_key", "_old_key"];
      const texts: string[] = [];
      for await (const { vectors } of store.scan("orders/changes", { columns }))
        texts.push(JSON.stringify(vectors));
      return texts.join();
    },
    /** `isNew`: the store that is begun anew. */
    open(definitions: object, { isNew }: { readonly isNew?: "online" | "offline" } = {}) {
      if (isNew === "offline") offline = memoryOfflineData();
      return openStore({
        definitions: { ...definitions },
        online: {
          store: memoryOnlineStore(isNew === "online" ? memoryOnlineData() : online),
          retention: "forever",
        },
        offline: { store: memoryOfflineStore(offline), buckets: 1 },
        clock: () => new Date(TIME / 1000),
      });
    },
  };
}

async function answers(store: Store, view: unknown) {
  const entities = ["ann", "bob"].map((user_id) => ({ user_id }));
  const ask = { features: view, entities } as never;
  const online = (await store.getOnlineFeatures(ask)) as unknown as Row[];
  const event_timestamp = new Date(TIME / 1000);
  const past = await store.getHistoricalFeatures({
    features: view,
    entities: entities.map((one) => ({ ...one, event_timestamp })),
  } as never);
  const rows = (await past.rows()) as readonly Row[];
  const counts = (of: readonly Row[]): unknown[] => of.map((row) => row["num"]);
  expect(counts(online)).toEqual(counts(rows));
  return rows.map((row) => [row["num"], row["note"]]);
}

const ANN = { entity: "user", key: { user_id: "ann" } };

test("a coarser primary key finds the delete of a row that is erased", () =>
  inFolder(async (folder) => {
    const { open, run, logText } = shop(folder, [
      { region: "eu", number: 1, user_id: "bob" },
      { region: "us", number: 77_001, user_id: "bob" },
      { region: "eu", number: 77_002, user_id: "ann" },
    ]);
    const [byBoth, byRegion] = [ordersBy(["region", "number"]), ordersBy(["region"])];
    const store = await open(byBoth);
    await run(store);
    await store.erase(ANN);
    expect(await answers(store, byBoth.paid)).toEqual([
      [0, null],
      [2, null],
    ]);
    const other = await open(byRegion);
    await other.backfill();
    await other.compact();
    expect(await answers(other, byRegion.paid)).toEqual([
      [0, null],
      [1, null],
    ]);
    // the number is that of no other row, so it is gone
    expect(await logText()).toContain("77001");
    expect(await logText()).not.toContain("77002");
  }));

test("a finer primary key finds the delete of a row that moved", () =>
  inFolder(async (folder) => {
    const { open, run } = shop(folder, [
      { region: "eu", number: 1, user_id: "bob" },
      { region: "eu", number: 1, user_id: "ann" },
    ]);
    const [byNumber, byBoth] = [ordersBy(["number"]), ordersBy(["region", "number"])];
    const store = await open(byNumber);
    await run(store);
    await store.erase(ANN);
    const nothing = [
      [0, null],
      [0, null],
    ];
    expect(await answers(store, byNumber.paid)).toEqual(nothing);
    const other = await open(byBoth);
    await other.backfill();
    await other.compact();
    expect(await answers(other, byBoth.paid)).toEqual(nothing);
  }));

test("a column that is declared later keeps what an erased change supplied", () =>
  inFolder(async (folder) => {
    const { open, run } = shop(folder, [
      { region: "eu", number: 1, user_id: "ann", note: "long text" },
      { region: "eu", number: 1, user_id: "bob", note: TOAST },
    ]);
    const before = withoutNote();
    const store = await open(before);
    await run(store);
    await store.erase(ANN);
    const later = ordersBy(["region", "number"]);
    const other = await open(later);
    await other.backfill();
    expect(await answers(other, later.paid)).toEqual([
      [0, null],
      [1, "long text"],
    ]);
  }));

const formerly = { region: "eu", number: 1 };
/** Rows of ann that had the primary key of a row of bob. The log lacks the delete of that key. */
const movedRows: Readonly<Record<string, readonly Row[]>> = {
  "a row that only the person had": [{ region: "us", number: 2, user_id: "ann", former: formerly }],
  "a row that was another's before": [
    { region: "us", number: 2, user_id: "bob" },
    { region: "us", number: 2, user_id: "ann", former: formerly },
  ],
};

describe.for(Object.entries(movedRows))("of %s, the former primary key", ([, rows]) => {
  const all = [{ ...formerly, user_id: "bob" }, ...rows];
  const nothing = [
    [0, null],
    [0, null],
  ];
  const byBoth = ordersBy(["region", "number"]);

  test("stays deleted in the history", () =>
    inFolder(async (folder) => {
      const { open, run } = shop(folder, all);
      const store = await open(byBoth);
      await run(store);
      await store.erase(ANN);
      expect(await answers(store, byBoth.paid)).toEqual(nothing);
      for (const primaryKey of [["region", "number"], ["region"], ["number"]] as const) {
        const definitions = ordersBy(primaryKey);
        const other = await open(definitions, { isNew: "online" });
        await other.backfill();
        await other.compact();
        expect(await answers(other, definitions.paid)).toEqual(nothing);
      }
    }));

  test("stays deleted in a new history", () =>
    inFolder(async (folder) => {
      const { open, run } = shop(folder, all);
      const store = await open(byBoth);
      await run(store);
      await store.erase(ANN);
      const other = await open(byBoth, { isNew: "offline" });
      await run(other, { newHistory: true });
      expect(await answers(other, byBoth.paid)).toEqual(nothing);
    }));
});

const wide = (user_id: string): Row => ({ user_id, number: 1 });

test.for([
  ["the person's row", [{ region: "eu", number: 1, user_id: "ann", key: wide("ann") }]],
  ["nothing", []],
] as const)("a row that leaves a person keeps no key of them: the log has %s", ([, before]) =>
  inFolder(async (folder) => {
    const { open, run, logText } = shop(folder, [
      ...before,
      { region: "eu", number: 1, user_id: "bob", key: wide("bob"), former: wide("ann") },
    ]);
    const byNumber = ordersBy(["number"]);
    const store = await open(byNumber);
    await run(store);
    expect(await logText()).toContain("ann");
    await store.erase(ANN);
    const bobs = [
      [0, null],
      [1, null],
    ];
    expect(await answers(store, byNumber.paid)).toEqual(bobs);
    expect(await logText()).not.toContain("ann");
    const other = await open(byNumber, { isNew: "offline" });
    await run(other, { newHistory: true });
    expect(await answers(other, byNumber.paid)).toEqual(bobs);
    expect(await logText()).not.toContain("ann");
  }),
);
