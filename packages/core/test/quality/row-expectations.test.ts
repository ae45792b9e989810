/** What a source expects of its rows: they are flagged, quarantined or refused on every path. */
import {
  collectDefinitions,
  count,
  entity,
  featureView,
  float64,
  fresh,
  gt,
  holds,
  inList,
  int64,
  isNotNull,
  openStore,
  pushSource,
  quality,
  source,
  string,
  sum,
  timestamp,
  type Expectation,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  mockStore,
} from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { DAY, NOON, SECOND, ShopLog, date, rejectionOf } from "../support/shop.ts";

type Act = "flag" | "quarantine" | "stop";
const user = entity("user", { keys: { user_id: string() } });

/** The payments of the shop, with an expectation about their amounts and one about vendors. */
function definitionsWith(amounts: Act | null, vendors: Act = "flag") {
  const payments = source("payments", {
    table: "public.payments",
    columns: {
      id: int64("id"),
      user_id: string("User ID").nullable(),
      shop_id: int64("shop").nullable(),
      vendor: string("Vendor").nullable(),
      amount: float64("Amount").nullable(),
      fee: float64("fee").nullable(),
      time: timestamp("Time", { zone: "UTC" }).nullable(),
    },
    primaryKey: ["id"],
    eventTime: "time",
    expect: (row) => ({
      ...(amounts === null ? {} : { positive: holds(gt(row.amount, 0), { onViolation: amounts }) }),
      known_vendor: holds(inList(row.vendor, ["Sport", "Food"]), { onViolation: vendors }),
    }),
  });
  const spending = featureView("spending", {
    entity: user,
    source: payments,
    features: { payments_7d: count().over("7d"), spent_7d: sum(payments.amount).over("7d") },
  });
  return { payments, user, spending };
}

const T = NOON + DAY;

function stores() {
  const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
  return async (definitions: ReturnType<typeof definitionsWith>): Promise<Store> =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(onlineData), retention: "forever" },
      offline: { store: memoryOfflineStore(offlineData) },
      clock: () => date(T),
    });
}

/** The features of ann now, from the online store and from the history. */
async function answers(
  store: Store,
  { spending }: ReturnType<typeof definitionsWith>,
): Promise<unknown[]> {
  const [online] = await store.getOnlineFeatures({
    features: spending,
    entities: [{ user_id: "ann" }],
  });
  const training = await store.getHistoricalFeatures({
    features: spending,
    entities: [{ user_id: "ann", event_timestamp: date(T) }],
    knowledge: "as-corrected",
  });
  const [historical] = await training.rows();
  return [online, historical].map((row) => [row!.payments_7d, row!.spent_7d]);
}

const LOG = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, amount: 5 })
    .paid({ id: 2, amount: -1 })
    .paid({ id: 3, amount: null })
    .paid({ id: 4, amount: 7, vendor: "Casino" });

test("a quarantined row is in no window, and its reason names the expectation", async () => {
  const open = stores();
  const definitions = definitionsWith("quarantine");
  const store = await open(definitions);
  const log = LOG();
  await store.run(log.source());
  expect(await answers(store, definitions)).toEqual([
    [3, 12],
    [3, 12],
  ]);
  expect((await store.quarantine("payments")).map(({ key, reason }) => [key, reason])).toEqual([
    [{ id: 2n }, "EXPECTATION:positive"],
  ]);
  // a later change of the row brings it back, and takes it out again
  await store.run(log.paid({ id: 2, amount: 1 }).source());
  expect(await answers(store, definitions)).toEqual([
    [4, 13],
    [4, 13],
  ]);
  await store.run(log.paid({ id: 1, amount: -5 }).source());
  expect(await answers(store, definitions)).toEqual([
    [3, 8],
    [3, 8],
  ]);
  const { violations, quarantinedRows } = (await store.status())[0]!.online!;
  expect(quarantinedRows).toBe(1);
  expect(violations).toEqual([
    { expectation: "known_vendor", onViolation: "flag", messages: 1 },
    { expectation: "positive", onViolation: "quarantine", messages: 2 },
  ]);
});

test("a column that no feature reads decides, also where the log leaves it out", async () => {
  const definitions = definitionsWith(null, "quarantine");
  const store = await stores()(definitions);
  const log = new ShopLog().paid({ id: 1, vendor: "Casino" });
  await store.run(log.source());
  // the vendor did not change, so the log leaves it out (TOAST)
  await store.run(log.paid({ id: 1, amount: 2 }, { change: { unavailable: [3] } }).source());
  expect(await answers(store, definitions)).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(await store.quarantine("payments")).toHaveLength(1);
  await store.run(log.paid({ id: 1, amount: 3, vendor: "Food" }).source());
  expect(await answers(store, definitions)).toEqual([
    [1, 3],
    [1, 3],
  ]);
  expect(await store.quarantine("payments")).toEqual([]);
});

test("a flagged row counts everywhere", async () => {
  const definitions = definitionsWith("flag");
  const store = await stores()(definitions);
  const { notTaken } = await store.run(LOG().source());
  expect(await answers(store, definitions)).toEqual([
    [4, 11],
    [4, 11],
  ]);
  expect(notTaken).toEqual([]);
  expect((await store.status())[0]!.online!.violations.map(({ messages }) => messages)).toEqual([
    1, 1,
  ]);
});

test("a row that stops the run is in no store, and the run goes on from it", async () => {
  const open = stores();
  const stopping = definitionsWith("stop");
  const store = await open(stopping);
  const log = LOG();
  const refused = await rejectionOf(store.run(log.source({ batch: 1 })));
  expect(refused).toMatchObject({ code: "EXPECTATION_FAILED" });
  expect(refused.message).toContain('offset 1: the row violates the expectation "positive"');
  const [status] = await store.status();
  const positions = [...status!.online!.positions, ...status!.history!.positions];
  expect(positions.filter(({ offset }) => offset > 0)).toEqual([]);
  expect(status!.history!.changes).toBeLessThan(2);
  // it stays so, and nothing is lost once the definition lets the row pass
  expect(await rejectionOf(store.run(log.source()))).toMatchObject({ code: "EXPECTATION_FAILED" });
  const letting = definitionsWith("quarantine");
  const next = await open(letting);
  await next.run(log.source());
  await next.backfill();
  expect(await answers(next, letting)).toEqual([
    [3, 12],
    [3, 12],
  ]);
});

test("another expectation is another definition of the source", async () => {
  const open = stores();
  const log = LOG();
  const before = definitionsWith(null);
  const first = await open(before);
  await first.apply();
  await first.run(log.source());
  await first.compact();
  const after = definitionsWith("quarantine", "quarantine");
  const store = await open(after);
  const { changes, work } = await store.plan();
  expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toContain(
    "feature spending.payments_7d",
  );
  expect(work).toMatchObject([{ source: "payments", rewrite: { rows: 4 }, backfill: { rows: 4 } }]);
  expect(await rejectionOf(answers(store, after))).toMatchObject({ code: "NEEDS_BACKFILL" });
  await store.apply({ allowDestructive: true });
  await store.backfill();
  expect(await answers(store, after)).toEqual([
    [2, 5],
    [2, 5],
  ]);
  expect((await store.quarantine("payments")).map(({ reason }) => reason)).toEqual([
    "EXPECTATION:positive",
    "EXPECTATION:known_vendor",
  ]);
  // what an expectation is called, and whether it flags, touches no answer
  const flagging = await open(definitionsWith("quarantine", "quarantine"));
  expect((await flagging.plan()).changes).toEqual([]);
});

test.each(["online", "history"] as const)("an explanation from %s has the reason", async (from) => {
  const definitions = definitionsWith("quarantine");
  const store = await stores()(definitions);
  await store.run(LOG().source());
  const { parts } = await store.explain({
    feature: definitions.spending.payments_7d,
    entity: { user_id: "ann" },
    asOf: date(T),
    from,
  });
  const outside = parts.flatMap((part) => ("outside" in part ? part.outside : []));
  expect(outside).toMatchObject([
    { key: { id: "2" }, because: "it is quarantined: EXPECTATION:positive" },
  ]);
});

test("a check counts the rows that violate what the source expects", async () => {
  const open = stores();
  const store = await open(definitionsWith("quarantine"));
  await store.run(LOG().source());
  const { failed, results } = await store.quality({ personal: "show" });
  expect(failed).toEqual({ error: 0, warning: 2 });
  expect(
    results.map(({ quality, expectation, onViolation, holds: isMet, rows, failing, examples }) => [
      `${quality}.${expectation}, ${String(onViolation)}`,
      [isMet, rows, failing],
      examples,
    ]),
  ).toEqual([
    ["payments.known_vendor, flag", [false, 4, 1], [{ id: 4n }]],
    ["payments.positive, quarantine", [false, 3, 1], [{ id: 2n }]],
  ]);
  // rows of before that would stop a run now are an error
  const stopping = await open(definitionsWith("stop"));
  expect((await stopping.quality({ names: ["payments"] })).failed).toEqual({
    error: 1,
    warning: 1,
  });
});

test("a quality must not have the name of a source that expects something", () => {
  const { payments } = definitionsWith("flag");
  const same = quality("payments", { on: payments, expect: { on_time: fresh("1h") } });
  expect(() => collectDefinitions({ payments, same })).toThrow(/rename the quality/);
});

test("a mock store leaves out what is quarantined, and refuses what would stop a run", async () => {
  const definitions = definitionsWith("quarantine", "stop");
  const store = mockStore(definitions);
  const row = { id: 1n, user_id: "ann", vendor: "Sport", amount: 2, time: date(NOON) };
  store.put(definitions.payments, [row, { ...row, id: 2n, amount: -2 }]);
  expect(
    await store.ask(definitions.spending, { user_id: "ann" }, { asOf: date(T) }),
  ).toMatchObject({ payments_7d: 1, spent_7d: 2 });
  expect(() => {
    store.put(definitions.payments, [{ ...row, id: 3n, vendor: "Casino" }]);
  }).toThrow(/EXPECTATION_FAILED|violates the expectation "known_vendor"/);
});

test("a push of a row that is not let pass takes nothing", async () => {
  const orders = pushSource("orders", {
    columns: { id: int64(), user_id: string(), amount: float64().nullable(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
    expect: (row) => ({
      there: holds(isNotNull(row.amount), { onViolation: "stop" }),
      positive: holds(gt(row.amount, 0), { onViolation: "quarantine" }),
    }),
  });
  const ordered = featureView("ordered", {
    entity: user,
    source: orders,
    features: { orders_7d: count().over("7d") },
  });
  const store = await openStore({
    definitions: { orders, ordered },
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => date(T),
  });
  const row = { id: 1n, user_id: "ann", amount: 1, time: date(NOON + SECOND) };
  expect(
    await rejectionOf(store.push(orders, [row, { ...row, id: 2n, amount: null }])),
  ).toMatchObject({ code: "EXPECTATION_FAILED" });
  await store.push(orders, [row, { ...row, id: 3n, amount: -1 }]);
  expect(
    await store.getOnlineFeatures({ features: ordered, entities: [{ user_id: "ann" }] }),
  ).toMatchObject([{ orders_7d: 1 }]);
});

test.each<[string, (row: { readonly amount: never }) => unknown, string]>([
  ["a list", () => [1], "must be an object"],
  ["no condition", (row) => ({ one: row.amount }), "give a condition on columns of the row"],
  ["an expectation of many rows", () => ({ one: fresh("1h") }), "fresh(...) is about many rows"],
  [
    "a share",
    (row) => ({ one: holds(gt(row.amount, 0 as never), { share: 0.5 }) }),
    "has a share, which is about many rows",
  ],
  [
    "a column of another source",
    () => ({ one: gt(definitionsWith(null).payments.amount, 0) as unknown as Expectation<string> }),
    'is about source "payments"',
  ],
])("expect refuses %s", (_, given, message) => {
  expect(() =>
    pushSource("orders", {
      columns: { id: int64(), amount: float64(), time: timestamp() },
      primaryKey: ["id"],
      eventTime: "time",
      expect: given as never,
    }),
  ).toThrow(message);
});

test("the expectations of a source are part of its definition", () => {
  const { sources } = collectDefinitions(definitionsWith("stop"));
  expect(sources.get("payments")!.expectations!.map(({ name }) => name)).toEqual([
    "known_vendor",
    "positive",
  ]);
});
