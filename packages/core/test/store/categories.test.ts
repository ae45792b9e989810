/** Answers by category through a store: requests, training sets and materialized rows are alike. */
import {
  avg,
  count,
  entity,
  eq,
  featureView,
  int64,
  last,
  lastRows,
  lt,
  openStore,
  pushSource,
  string,
  sum,
  timeSinceLast,
  timestamp,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: {
    id: int64(),
    user_id: string(),
    channel: string().nullable(),
    amount: int64().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const { channel, amount, id } = payments;
const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    spent: sum(amount).by(channel).over("1d"),
    usual: avg(amount).by(channel).over("1d"),
    usual_or_0: avg(amount).default(0).by(channel).over("1d"),
    small: count().where(lt(amount, 5)).by(channel).over("1d"),
    newest: sum(amount).by(channel).over(lastRows(1)),
    newest_2: sum(amount).over(lastRows(2)),
    by_id: last(channel).by(id).over("1d"),
    by_size: count().by(lt(amount, 5)).over("1d"),
    since: timeSinceLast("hours").by(channel).over("1d"),
    listed: sum(amount).byEach(channel, ["web", "app", "in-store"]).over("1d"),
    listed_usual: avg(amount).byEach(channel, ["app", "in-store"]).over("1d"),
  },
});
const NOON = "2025-06-18T12:00:00Z";
const MIDNIGHT = "2025-06-19T00:00:00Z";

type Row = readonly [channel: string | null, amount: bigint | null];

async function openWith(
  rows: readonly Row[],
): Promise<{ readonly store: Store; readonly truncated: number[] }> {
  const truncated: number[] = [];
  const store = await openStore({
    definitions: { spending },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date("2025-06-20T00:00:00Z"),
    onTruncated: (cut) => truncated.push(cut),
  });
  await store.push(
    payments,
    rows.map(([one, value], i) => ({
      id: BigInt(i),
      user_id: "ann",
      channel: one,
      amount: value,
      time: new Date(Date.parse(NOON) + i * 3600_000),
    })),
  );
  return { store, truncated };
}

const rows: readonly Row[] = [
  ["web", 3n],
  [null, 100n],
  ["app", null],
  ["web", 6n],
];
const wanted = {
  spent: new Map([
    ["app", 0n],
    ["web", 9n],
  ]),
  usual: new Map([
    ["app", null],
    ["web", 4.5],
  ]),
  usual_or_0: new Map([
    ["app", 0],
    ["web", 4.5],
  ]),
  small: new Map([["web", 1]]),
  newest: new Map([
    ["app", 0n],
    ["web", 6n],
  ]),
  newest_2: 6n,
  by_id: new Map([
    [0n, "web"],
    [1n, null],
    [2n, "app"],
    [3n, "web"],
  ]),
  by_size: new Map([
    [false, 2],
    [true, 1],
  ]),
  since: new Map([
    ["app", 10],
    ["web", 9],
  ]),
  listed: { web: 9n, app: 0n, "in-store": 0n },
  listed_usual: { app: null, "in-store": null },
};
const nothing = {
  spent: new Map(),
  usual: new Map(),
  usual_or_0: new Map(),
  small: new Map(),
  newest: new Map(),
  newest_2: 0n,
  by_id: new Map(),
  by_size: new Map(),
  since: new Map(),
  listed: { web: 0n, app: 0n, "in-store": 0n },
  listed_usual: { app: null, "in-store": null },
};

test("requests, training sets and materialized rows answer alike", async () => {
  const { store, truncated } = await openWith(rows);
  const online = await store.getOnlineFeatures({
    features: spending,
    entities: [{ user_id: "ann" }, { user_id: "bob" }],
    asOf: MIDNIGHT,
  });
  expect(online).toEqual([wanted, nothing]);
  expect([...online[0]!.spent.keys()]).toEqual(["app", "web"]);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: spending,
      entities: [
        { user_id: "ann", event_timestamp: knowledge === "as-known" ? NOON : MIDNIGHT },
        { user_id: "bob", event_timestamp: MIDNIGHT },
      ],
      knowledge,
    });
    const [ann, bob] = await set.rows();
    expect(ann).toMatchObject(knowledge === "as-known" ? nothing : wanted);
    expect(bob).toMatchObject(nothing);
  }
  await store.materialize({ dates: ["2025-06-18"] });
  const [day] = await store.getMaterialized({ view: spending, entities: [{ user_id: "ann" }] });
  expect(day).toEqual({ event_timestamp: new Date(MIDNIGHT), ...wanted });
  expect(truncated).toEqual([]);
  await store.close();
});

test("a row that changes its category, or goes, leaves the other one at once", async () => {
  const { store } = await openWith(rows);
  const ask = async () =>
    (
      await store.getOnlineFeatures({
        features: spending.spent,
        entities: [{ user_id: "ann" }],
        asOf: MIDNIGHT,
      })
    )[0]!.spent;
  const row = { id: 0n, user_id: "ann", amount: 3n, time: NOON };
  await store.push(payments, [{ ...row, channel: "app" }]);
  expect(await ask()).toEqual(
    new Map([
      ["app", 3n],
      ["web", 6n],
    ]),
  );
  await store.push(payments, [{ ...row, channel: null }]);
  expect(await ask()).toEqual(wanted.spent.set("web", 6n));
  await store.close();
});

test("over 1,000 categories those with most rows stay, of equals the least", async () => {
  const text = (i: number): string => String(i).padStart(4, "0");
  const many = Array.from({ length: 1001 }, (_, i): Row => [text(i), 1n]);
  const features = { sums: sum(amount).by(channel).over("90d") };
  const view = featureView("many", { entity: user, source: payments, features });
  const truncated: number[] = [];
  const store = await openStore({
    definitions: { view },
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => new Date("2025-06-20T00:00:00Z"),
    onTruncated: (cut) => truncated.push(cut),
  });
  // The second row of the last category makes it one of those with most rows.
  const pushed = [...many, [text(1000), null] as const].map(([one, value], i) => ({
    id: BigInt(i),
    user_id: "ann",
    channel: one,
    amount: value,
    time: NOON,
  }));
  await store.push(payments, pushed);
  const [answer] = await store.getOnlineFeatures({
    features: view,
    entities: [{ user_id: "ann" }],
    asOf: MIDNIGHT,
  });
  expect(answer!.sums.size).toBe(1000);
  expect([...answer!.sums.keys()]).toEqual([
    ...Array.from({ length: 999 }, (_, i) => text(i)),
    text(1000),
  ]);
  expect(truncated).toEqual([1]);
  await store.close();
});

test("an answer of a category is that of the aggregation where the key equals it", async () => {
  const view = featureView("alike", {
    entity: user,
    source: payments,
    features: {
      web: sum(amount).where(eq(channel, "web")).over("1d"),
      app: sum(amount).where(eq(channel, "app")).over("1d"),
      by: sum(amount).by(channel).over("1d"),
    },
  });
  const store = await openStore({
    definitions: { view },
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => new Date("2025-06-20T00:00:00Z"),
  });
  await store.push(
    payments,
    rows.map(([one, value], i) => ({
      id: BigInt(i),
      user_id: "ann",
      channel: one,
      amount: value,
      time: NOON,
    })),
  );
  const [answer] = await store.getOnlineFeatures({
    features: view,
    entities: [{ user_id: "ann" }],
    asOf: MIDNIGHT,
  });
  expect(answer!.by.get("web")).toBe(answer!.web);
  expect(answer!.by.get("app")).toBe(answer!.app);
  await store.close();
});
