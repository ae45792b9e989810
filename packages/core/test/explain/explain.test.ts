import { compactHistory } from "../../src/offline/compaction.ts";
import { historyContext } from "../../src/offline/history-context.ts";
import { specOfSource } from "@tidemark/core/spi";
import {
  count,
  derivedView,
  div,
  featureView,
  float64,
  int64,
  last,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
  type ExplainedRow,
  type Explanation,
} from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import {
  DAY,
  HOUR,
  NOON,
  SECOND,
  ShopLog,
  definitions,
  iso,
  openShop,
  payments,
  profile,
  rejectionOf,
  user,
  weekly,
  type ShopStores,
} from "../support/shop.ts";

const LATER = NOON + 10 * DAY;

/** Payments of ann: two that count, one that was deleted, one that became bob's, one moved away. */
function log(): ShopLog {
  return new ShopLog()
    .paid({ id: 1, time: NOON - 8 * DAY, amount: 100 }, { committed: NOON - 7 * DAY })
    .paid({ id: 2, time: NOON - 3 * DAY, amount: 2 })
    .paid({ id: 3, time: NOON - 2 * DAY, amount: 3 })
    .paid({ id: 4, time: NOON - 2 * DAY + HOUR, amount: 4 })
    .paid({ id: 5, time: NOON - DAY, amount: 5 })
    .paid({ id: 6, time: NOON - HOUR, amount: 6 }, { change: { transaction: "tx-6" } })
    .paid({ id: 7, time: NOON + DAY, amount: 7 }, { committed: NOON - 60 * SECOND })
    .paid({ id: 2, time: NOON - 3 * DAY, amount: 2.5 }, { committed: NOON + HOUR })
    .deletePayment(3, { committed: NOON + 2 * HOUR })
    .paid({ id: 4, user: "bob", time: NOON - 2 * DAY + HOUR }, { committed: NOON + 3 * HOUR })
    .paid({ id: 5, time: NOON - 30 * DAY, amount: 5 }, { committed: NOON + 4 * HOUR })
    .paid({ id: 8, time: NOON - HOUR, user: null }, { committed: NOON + 5 * HOUR })
    .paid({ id: 6, time: null, amount: 6 }, { committed: NOON + 6 * HOUR });
}

async function filled(of = log()): Promise<ShopStores> {
  const stores = await openShop({ onDefinitionMismatch: "ignore" });
  stores.now = LATER;
  await stores.store.run(of.source());
  return stores;
}

const ask = { feature: weekly.mean_l1w, entity: { user_id: "ann" } } as const;

function told(rows: readonly ExplainedRow[]): readonly (readonly unknown[])[] {
  return rows.map(({ key, reason, brings }) =>
    reason === null ? [key["id"], brings["amount"]] : [key["id"], reason],
  );
}

/** What the log says of each version of a row: the place, and from when it was known. */
function versions({ parts }: Explanation, id: string): readonly (readonly unknown[])[] {
  const row = [...parts[0]!.inside, ...parts[0]!.outside].find(({ key }) => key["id"] === id);
  return row!.versions.map(({ change, topic, partition, offset, order, knownFrom }) => [
    change,
    `${topic} ${partition}:${offset}`,
    order,
    knownFrom,
  ]);
}

describe("the rows of an answer, from the history", () => {
  test("as known then: rows as they stood at that time", async () => {
    const { store } = await filled();
    const known = await store.explain({ ...ask, asOf: iso(NOON), feature: weekly.mean_l1w });
    expect(known).toMatchObject({
      feature: "weekly.mean_l1w",
      entity: { user_id: "ann" },
      knowledge: "as-known",
      from: "history",
      value: (2 + 3 + 4 + 5 + 6) / 5,
      status: "PRESENT",
      isReproduced: true,
      other: { knowledge: "as-corrected", value: 2.5, status: "PRESENT" },
    });
    const [part] = known.parts;
    expect(part).toMatchObject({ start: iso(NOON - 7 * DAY), end: iso(NOON), insideCount: 5 });
    expect(told(part!.inside)).toEqual([
      ["2", 2],
      ["3", 3],
      ["4", 4],
      ["5", 5],
      ["6", 6],
    ]);
    expect(part!.inside[0]!.without).toBe((3 + 4 + 5 + 6) / 4);
    expect(told(part!.outside)).toEqual([
      ["1", "BEFORE_WINDOW"],
      ["7", "AFTER_WINDOW"],
    ]);
  });

  test("the row that enters next may be one that was not known yet", async () => {
    const { store } = await filled();
    const { parts } = await store.explain({ ...ask, asOf: iso(NOON - 3 * DAY) });
    expect(parts[0]!.outside.at(-1)).toMatchObject({
      key: { id: "2" },
      reason: "AFTER_WINDOW",
      because: `it enters the window next; it was committed at ${iso(NOON - 3 * DAY + SECOND)}`,
    });
  });

  test("as corrected since: what became of each row", async () => {
    const { store } = await filled();
    const now = await store.explain({ ...ask, asOf: iso(NOON), knowledge: "as-corrected" });
    expect(now).toMatchObject({ value: 2.5, isReproduced: true });
    expect(told(now.parts[0]!.inside)).toEqual([["2", 2.5]]);
    expect(told(now.parts[0]!.outside)).toEqual([
      ["6", "QUARANTINED"],
      ["5", "SUPERSEDED"],
      ["1", "BEFORE_WINDOW"],
      ["3", "DELETED"],
      ["4", "SUPERSEDED"],
      ["7", "AFTER_WINDOW"],
    ]);
    expect(versions(now, "2")).toEqual([
      ["row", "t.public.payments 0:1", "102", iso(NOON - 3 * DAY + SECOND)],
      ["row", "t.public.payments 0:7", "108", iso(NOON + HOUR)],
    ]);
    expect(versions(now, "4").at(-1)).toEqual([
      "elsewhere",
      "t.public.payments 0:9",
      "110",
      iso(NOON + 3 * HOUR),
    ]);
    const row6 = now.parts[0]!.outside.find(({ key }) => key["id"] === "6")!;
    expect(row6.because).toBe("it is quarantined: time: NULL_KEY_OR_TIME");
    expect(row6.versions[0]).toMatchObject({
      transaction: "tx-6",
      committed: iso(NOON - HOUR + SECOND),
    });
  });

  test("a row whose commit came later was not known yet", async () => {
    const { store } = await filled(
      new ShopLog().paid({ id: 1, time: NOON - DAY }, { committed: NOON + DAY }),
    );
    const { value, status, parts } = await store.explain({
      ...ask,
      asOf: iso(NOON),
      feature: weekly.payments_l1w,
    });
    expect([value, status]).toEqual([0, "NOT_FOUND"]);
    expect(parts[0]!.outside).toMatchObject([
      {
        reason: "NOT_KNOWN_YET",
        because: `it was committed at ${iso(NOON + DAY)}, which was not known yet`,
      },
    ]);
  });

  test("a compacted history says what ended a version that is stored elsewhere", async () => {
    const { store, offline } = await filled();
    const context = historyContext(offline, specOfSource(payments));
    await compactHistory(context, { clusterBy: ["user_id"] });
    const now = await store.explain({ ...ask, asOf: iso(NOON), knowledge: "as-corrected" });
    expect(now.isReproduced).toBe(true);
    expect(told(now.parts[0]!.outside)).toEqual([
      ["6", "QUARANTINED"],
      ["5", "SUPERSEDED"],
      ["1", "BEFORE_WINDOW"],
      ["3", "DELETED"],
      ["4", "SUPERSEDED"],
      ["7", "AFTER_WINDOW"],
    ]);
    expect(versions(now, "3").at(-1)).toEqual([
      "deleted",
      "t.public.payments 0:8",
      "109",
      iso(NOON + 2 * HOUR),
    ]);
  });

  test("a truncate emptied the table", async () => {
    const { store } = await filled(
      new ShopLog().paid({ id: 1, time: NOON - DAY }).truncatePayments({ committed: NOON + DAY }),
    );
    const { parts } = await store.explain({
      ...ask,
      feature: weekly.payments_l1w,
      asOf: iso(NOON),
      knowledge: "as-corrected",
    });
    expect(told(parts[0]!.outside)).toEqual([["1", "DELETED"]]);
  });

  test("the newest version of a dimension, and the time that it holds from", async () => {
    const { store } = await filled(
      new ShopLog()
        .customer(1, "Bern", { committed: NOON - DAY })
        .customer(1, "Wien", { committed: NOON - HOUR }),
    );
    const { value, parts } = await store.explain({
      ...ask,
      feature: profile.city,
      asOf: iso(NOON),
    });
    expect(value).toBe("Wien");
    expect(parts[0]!.inside).toMatchObject([{ time: iso(NOON - HOUR), brings: { city: "Wien" } }]);
    expect(parts[0]!.inside[0]!.versions.map(({ row }) => row!["city"])).toEqual(["Bern", "Wien"]);
  });

  test("steps above the aggregates have their values", async () => {
    const rates = derivedView("rates", {
      features: { per_vendor: div(weekly.mean_l1w, weekly.vendors_l1w) },
    });
    const stores = await filled();
    const store = await stores.reopened({ definitions: { ...definitions, rates } });
    const explanation = await store.explain({
      feature: rates.per_vendor,
      entity: { user_id: "ann" },
      asOf: iso(NOON),
    });
    expect(explanation).toMatchObject({ value: 4, isReproduced: true });
    expect(explanation.steps.at(-1)).toMatchObject({ name: "rates.per_vendor", value: 4 });
    expect(explanation.parts.map(({ of }) => of)).toHaveLength(2);
  });
});

describe("the rows of an answer, from the online store", () => {
  test("the rows that it serves, with their places in the log", async () => {
    const { store } = await filled();
    const online = await store.explain({ ...ask, asOf: iso(NOON), from: "online" });
    expect(online).toMatchObject({ from: "online", value: 2.5, isReproduced: true, other: null });
    expect(told(online.parts[0]!.inside)).toEqual([["2", 2.5]]);
    expect(versions(online, "2")).toEqual([
      ["row", "t.public.payments 0:7", "108", iso(NOON + HOUR)],
    ]);
    expect(told(online.parts[0]!.outside)).toEqual([
      ["6", "QUARANTINED"],
      ["1", "BEFORE_WINDOW"],
      ["7", "AFTER_WINDOW"],
    ]);
  });

  test("it does not know rows as they were known", async () => {
    const { store } = await filled();
    expect(
      await rejectionOf(store.explain({ ...ask, from: "online", knowledge: "as-known" })),
    ).toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining('from: "history"') as string,
    });
  });
});

test("the most rows are the newest, and all of them are counted", async () => {
  const { store } = await filled();
  const { parts } = await store.explain({ ...ask, asOf: iso(NOON), maxRows: 2 });
  expect(parts[0]).toMatchObject({ insideCount: 5, outsideCount: 2 });
  expect(told(parts[0]!.inside)).toEqual([
    ["5", 5],
    ["6", 6],
  ]);
});

test("an explanation is plain data", async () => {
  const { store } = await filled();
  const explanation = await store.explain({ ...ask, asOf: iso(NOON) });
  expect(JSON.parse(JSON.stringify(explanation))).toEqual({ ...explanation });
});

test.each([
  [
    "a view of several features",
    { feature: weekly },
    "SELECTION_INVALID",
    /has 6 .*give one of them/,
  ],
  ["a wrong key", { entity: { user: "ann" } }, "KEY_INVALID", /user_id is missing/],
  ["an unknown option", { features: weekly }, "OPTION_UNKNOWN", /write feature/],
  ["a wrong time", { asOf: "yesterday" }, "TIME_INVALID", /explain: asOf/],
  ["a wrong place", { from: "offline" }, "OPTION_INVALID", /"history" or "online"/],
  ["too many rows", { maxRows: -1 }, "OPTION_INVALID", /explain: maxRows/],
])("%s is refused", async (_, wrong, code, message) => {
  const { store } = await openShop();
  const request = { ...ask, asOf: iso(NOON), ...wrong };
  const rejected = await rejectionOf(store.explain(request as never));
  expect(rejected.code).toBe(code);
  expect(rejected.message).toMatch(message);
});

describe("personal values", () => {
  const people = source("people", {
    table: "public.payments",
    columns: {
      id: int64(),
      user_id: string().describe({ sensitivity: "pii" }),
      amount: float64().describe({ sensitivity: "pii" }),
      vendor: string().nullable(),
      time: timestamp(),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const spending = featureView("spending", {
    entity: user,
    source: people,
    features: {
      total: sum(people.amount).over("7d"),
      number: count().over("7d"),
      vendor: last(people.vendor).over("7d"),
    },
  });
  const asOf = "2026-03-05T00:00:00Z";
  const ann = { user_id: "ann" };

  async function personalStore(): Promise<Store> {
    const store = await openStore({
      definitions: { spending },
      offline: memoryOfflineStore(),
      clock: () => new Date(asOf),
    });
    const row = [1n, "ann", 12.5, "Sport", Date.UTC(2026, 2, 4) * 1000];
    await store.run(
      new ShopLog()
        .add("people", "upsert", row, { committed: Date.UTC(2026, 2, 4) * 1000 })
        .source(),
    );
    return store;
  }

  test("masked: the value, what a row brings, and the columns of its versions", async () => {
    const store = await personalStore();
    const shown = await store.explain({ feature: spending.total, entity: ann, asOf });
    expect(shown).toMatchObject({ value: 12.5 });
    const masked = await store.explain({
      feature: spending.total,
      entity: ann,
      asOf,
      personal: "mask",
    });
    expect(masked).toMatchObject({ value: "***", status: "PRESENT", isReproduced: true });
    const [part] = masked.parts;
    expect(part).toMatchObject({ value: "***", insideCount: 1 });
    expect(part!.inside[0]).toMatchObject({
      key: { id: "1" },
      brings: { amount: "***" },
      without: "***",
      row: { user_id: "***", amount: "***", vendor: "Sport" },
      versions: [{ row: { user_id: "***", amount: "***", vendor: "Sport" } }],
    });
    expect(JSON.stringify(masked) + String(masked)).not.toContain("12.5");
    expect(() => masked.toTest()).toThrow(/PERSONAL_MASKED|personal: "show"/);
  });

  test("a feature that reads nothing personal shows its value", async () => {
    const store = await personalStore();
    const asked = { entity: ann, asOf, personal: "mask" } as const;
    expect(await store.explain({ ...asked, feature: spending.number })).toMatchObject({ value: 1 });
    const { value, parts } = await store.explain({ ...asked, feature: spending.vendor });
    expect([value, parts[0]!.inside[0]!.brings]).toEqual(["Sport", { vendor: "Sport" }]);
  });
});
