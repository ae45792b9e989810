import {
  commitTime,
  count,
  countDistinct,
  derivedSource,
  enrichedSource,
  entity,
  eq,
  explainPlan,
  featureService,
  featureView,
  float64,
  gt,
  int64,
  isNotNull,
  lower,
  mode,
  mul,
  openStore,
  pushSource,
  source,
  string,
  sum,
  timestamp,
  type Expr,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore, mockStore } from "@tidemark/core/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { specOfView } from "../../src/define/spec-of.ts";
import { js, type Untyped } from "./support/untyped.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: {
    id: int64(),
    user_id: string(),
    shop_id: string().nullable(),
    amount: float64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const shops = pushSource("shops", {
  columns: { shop_id: string(), kind: string(), risk: float64().nullable(), chain: int64() },
  primaryKey: ["shop_id"],
  eventTime: commitTime(),
});
const chains = pushSource("chains", {
  columns: { id: int64(), country: string() },
  primaryKey: ["id"],
  eventTime: commitTime(),
});
const rich = enrichedSource("rich", {
  from: payments,
  with: shops,
  on: { shop_id: payments.shop_id },
  columns: { kind: shops.kind, risky: gt(shops.risk, 0.5), chain: shops.chain },
});
const richer = enrichedSource("richer", {
  from: rich,
  with: chains,
  on: { id: rich.chain },
  columns: { country: chains.country },
});

describe("an enriched source", () => {
  test("has the columns of the rows, and the looked-up ones, which may be null", () => {
    expect(Object.keys(rich)).toEqual([
      "id",
      "user_id",
      "shop_id",
      "amount",
      "time",
      "kind",
      "risky",
      "chain",
    ]);
    expectTypeOf(lower(rich.kind)).toEqualTypeOf<Expr<"rich", "string", string | null>>();
    expectTypeOf(rich.risky.type).toEqualTypeOf<"boolean">();
  });

  test("brings both sources into the definitions, and is none of its own", () => {
    expect([...collectDefinitions({ richer }).sources.keys()]).toEqual([
      "payments",
      "shops",
      "chains",
    ]);
    const view = featureView("v", {
      entity: user,
      source: rich,
      features: { kinds: countDistinct(rich.kind).over("1d") },
    });
    expect([...collectDefinitions({ view }).sources.keys()]).toEqual(["payments", "shops"]);
    expect(specOfView(view).source.name).toBe("payments");
  });

  test("is looked up in the plan, where a feature needs it", () => {
    const view = featureView("v", {
      entity: user,
      source: derivedSource("grocers", { from: richer, where: eq(richer.kind, "grocer") }),
      features: { n: count().over("1d") },
    });
    expect(explainPlan(view)).toMatchInlineSnapshot(`
      "answers n int64
      needs user_id string
      derive
        n = n
        window by user_id, found in 1d
          n = count() over 1d
          filter kind = "grocer"
            lookup shops as of the event time by shop_id = shop_id: kind = kind
              scan payments: shop_id"
    `);
    const both = featureView("both", {
      entity: user,
      source: richer,
      features: {
        n: count().over("1d"),
        abroad: sum(richer.amount).where(eq(richer.country, "FR")).over("1d"),
      },
    });
    expect(explainPlan(both)).toMatchInlineSnapshot(`
      "answers n int64, abroad float64
      needs user_id string
      derive
        n = n
        abroad = abroad
        window by user_id, found in 1d
          n = count() over 1d
          abroad = sum(amount) where country = "FR" over 1d
          lookup chains as of the event time by id = chain: country = country
            lookup shops as of the event time by shop_id = shop_id: chain = chain
              scan payments: shop_id, amount"
    `);
    expect(explainPlan(both.n)).toMatchInlineSnapshot(`
      "answers n int64
      needs user_id string
      derive
        n = n
        window by user_id, found in 1d
          n = count() over 1d
          scan payments"
    `);
  });
});

const NOON = Date.parse("2026-03-01T12:00:00Z");
const minutes = (n: number): Date => new Date(NOON + n * 60_000);

test("a row has the dimension's version at its event time, on every path", async () => {
  const view = featureView("v", {
    entity: user,
    source: richer,
    features: {
      grocer: sum(richer.amount).where(eq(richer.kind, "grocer")).over("7d"),
      kinds: countDistinct(richer.kind).over("7d"),
      newest: mode(richer.country).over("7d"),
      risky: count().where(richer.risky).over("7d"),
    },
  });
  let now = NOON;
  const store = await openStore({
    definitions: { view },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  const at = (n: number): void => {
    now = minutes(n).getTime();
  };
  const answers = async (): Promise<unknown> => {
    const request = { features: view, entities: [{ user_id: "ann" }] } as const;
    const [online] = await store.getOnlineFeatures(request);
    const entities = [{ user_id: "ann", event_timestamp: new Date(now) }];
    for (const asKnown of [true, false]) {
      const knowledge = asKnown ? "as-known" : "as-corrected";
      const training = await store.getHistoricalFeatures({ features: view, entities, knowledge });
      expect((await training.rows())[0]).toMatchObject(online);
    }
    return Object.values(online);
  };
  const payment = (id: number, shop_id: string | null, time: Date) => ({
    id,
    user_id: "ann",
    shop_id,
    amount: 2 ** id,
    time,
  });
  at(0);
  await store.push(shops, [{ shop_id: "a", kind: "grocer", risk: 0.1, chain: 1 }]);
  await store.push(chains, [{ id: 1, country: "FR" }]);
  at(10);
  await store.push(payments, [payment(0, "a", minutes(0)), payment(1, "a", minutes(5))]);
  await store.push(payments, [payment(2, "b", minutes(5)), payment(3, null, minutes(5))]);
  at(11);
  // the event at the moment of the commit does not know it
  expect(await answers()).toEqual([2, 1, "FR", 0]);
  at(20);
  await store.push(shops, [{ shop_id: "a", kind: "bakery", risk: 0.9, chain: 2 }]);
  await store.push(payments, [payment(4, "a", minutes(20)), payment(5, "a", minutes(21))]);
  at(22);
  expect(await answers()).toEqual([2 + 16, 2, "FR", 1]);
  await store.push(shops, [], { deletes: [{ shop_id: "a" }] });
  await store.push(payments, [payment(6, "a", minutes(23))]);
  at(24);
  expect(await answers()).toEqual([2 + 16, 2, "FR", 1]);
  await store.push(payments, [payment(1, "b", minutes(5))]);
  at(25);
  expect(await answers()).toEqual([16, 2, "FR", 1]);
});

const f = js as Record<string, Untyped>;
const on = { shop_id: payments.shop_id };
const columns = { kind: shops.kind };
// prettier-ignore
const refusals: readonly (readonly [what: string, code: string, says: string, call: () => unknown])[] = [
  ["no source", "DEFINITION_INVALID", "from must be a source(...), got undefined",
    () => f["enrichedSource"]!("e", { with: shops, on, columns })],
  ["a dimension of rows", "DEFINITION_INVALID", "shops is a dimension",
    () => f["enrichedSource"]!("e", { from: shops, with: chains, on: { id: shops.chain }, columns: { c: chains.country } })],
  ["events as a dimension", "DEFINITION_INVALID", "payments is no dimension: its past may be corrected",
    () => f["enrichedSource"]!("e", { from: payments, with: payments, on: { id: payments.id }, columns: { x: payments.amount } })],
  ["the name of the source below", "NAME_TAKEN", "the source below has this name",
    () => f["enrichedSource"]!("payments", { from: payments, with: shops, on, columns })],
  ["half a key", "DEFINITION_INVALID", 'on lacks "shop_id", and the whole primary key of shops is shop_id',
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on: {}, columns })],
  ["another column than the key's", "DEFINITION_INVALID", 'on names "kind", and the whole primary key of shops is shop_id',
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on: { ...on, kind: payments.user_id }, columns })],
  ["a literal for a key", "DEFINITION_INVALID", "on.shop_id must be a column of payments",
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on: { shop_id: "a" }, columns })],
  ["a key of another type", "TYPE_MISMATCH", "payments.id is int64, and shops.shop_id is string",
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on: { shop_id: payments.id }, columns })],
  ["a key of another source", "COLUMN_OF_ANOTHER_SOURCE", 'is about source "shops", and must be about "payments"',
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on: { shop_id: shops.shop_id }, columns })],
  ["a column of the rows", "COLUMN_OF_ANOTHER_SOURCE", 'is about source "payments", and must be about "shops"',
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on, columns: { x: payments.amount } })],
  ["a name of the rows", "NAME_TAKEN", 'payments has a column "amount"',
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on, columns: { amount: shops.risk } })],
  ["a name that was looked up before", "NAME_TAKEN", 'rich has a column "kind"',
    () => f["enrichedSource"]!("e", { from: rich, with: shops, on: { shop_id: rich.shop_id }, columns })],
  ["no columns", "DEFINITION_INVALID", "columns is empty",
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on, columns: {} })],
  ["a closure for a column", "DEFINITION_INVALID", "columns.x must be a column of shops",
    () => f["enrichedSource"]!("e", { from: payments, with: shops, on, columns: { x: () => 1 } })],
  ["a looked-up key", "DEFINITION_INVALID", "e.user is looked up, and rows are found by columns of a table",
    () => f["featureView"]!("v", { entity: entity("u", { keys: { user: string() } }), features: { n: count().over("1d") },
      source: enrichedSource("e", { from: payments, with: shops, on, columns: { user: shops.kind } }) })],
];
test.each(refusals)("%s is refused", (_, code, says, call) => {
  expect(call).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) as string }) as Error,
  );
});

test("a dimension that is derived is looked up among its rows, and their columns", async () => {
  const known = derivedSource("known", {
    from: shops,
    where: isNotNull(shops.risk),
    columns: { percent: mul(shops.risk, 100) },
  });
  const source = enrichedSource("e", {
    from: payments,
    with: known,
    on: { shop_id: payments.shop_id },
    columns: { percent: known.percent },
  });
  const view = featureView("v", {
    entity: user,
    source,
    features: { risk: sum(source.percent).over("7d"), n: count(source.percent).over("7d") },
  });
  let now = NOON;
  const store = await openStore({
    definitions: { view },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  await store.push(shops, [{ shop_id: "a", kind: "x", risk: 0.25, chain: 1 }]);
  now += 60_000;
  await store.push(shops, [{ shop_id: "a", kind: "x", risk: null, chain: 1 }]);
  const payment = (id: number, minute: number) => ({
    id,
    user_id: "ann",
    shop_id: "a",
    amount: 1,
    time: minutes(minute),
  });
  await store.push(payments, [payment(1, 0.5), payment(2, 2)]);
  now += 600_000;
  const features = featureService("s", [view]);
  const [online] = await store.getOnlineFeatures({ features, entities: [{ user_id: "ann" }] });
  expect(online).toEqual({ risk: 25, n: 1 });
  const entities = [{ user_id: "ann", event_timestamp: new Date(now) }];
  const training = await store.getHistoricalFeatures({ features, entities });
  expect(await training.rows()).toMatchObject([{ risk: 25, n: 1 }]);
});

test("materialized days are stale when the dimension changes before their end", async () => {
  const view = featureView("v", {
    entity: user,
    source: rich,
    features: { grocer: sum(rich.amount).where(eq(rich.kind, "grocer")).over("7d") },
  });
  let now = NOON;
  const store = await openStore({
    definitions: { view },
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  const shop = (kind: string) => ({ shop_id: "a", kind, risk: null, chain: 1 });
  const payment = (id: number, hours: number) => ({
    id,
    user_id: "ann",
    shop_id: "a",
    amount: 2 ** id,
    time: minutes(hours * 60),
  });
  await store.push(shops, [shop("grocer")]);
  await store.push(payments, [payment(1, 1), payment(2, 30)]);
  now = NOON + 20 * 3_600_000;
  const materialize = async (): Promise<unknown> => {
    const from = "2026-03-01";
    const { views } = await store.materialize({ incremental: true, from, zone: "UTC" });
    return views[0]!.dates;
  };
  expect(await materialize()).toEqual([{ date: "2026-03-01", rows: 1, state: "new" }]);
  await store.push(shops, [shop("bakery")]);
  expect(await materialize()).toEqual([]);
  now = NOON + 40 * 3_600_000;
  expect(await materialize()).toEqual([{ date: "2026-03-02", rows: 1, state: "new" }]);
});

test("a mock store looks up too, and explains with what was found", async () => {
  const view = featureView("v", {
    entity: user,
    source: rich,
    features: { grocer: sum(rich.amount).where(eq(rich.kind, "grocer")).over("7d") },
  });
  const mock = mockStore({ view });
  const at = (time: Date) => ({ at: time.toISOString() });
  const shop = (kind: string) => ({ shop_id: "a", kind, chain: 1 });
  mock.put(shops, [shop("grocer")], at(minutes(0)));
  mock.put(shops, [shop("bakery")], at(minutes(10)));
  mock.remove(shops, [{ shop_id: "a" }], at(minutes(20)));
  mock.put(
    payments,
    [0, 5, 10, 15, 25].map((minute, id) => ({
      id,
      user_id: "ann",
      shop_id: "a",
      amount: 2 ** id,
      time: minutes(minute),
    })),
  );
  const asOf = minutes(60).toISOString();
  expect(await mock.ask(view, { user_id: "ann" }, { asOf })).toMatchObject({ grocer: 2 + 4 });
  const { parts } = await mock.explain(view.grocer, { user_id: "ann" }, { asOf });
  expect(parts[0]!.inside).toMatchObject(
    [2, 4].map((amount) => ({
      row: { kind: "grocer" },
      brings: { amount },
      lookups: [{ source: "shops", key: { shop_id: "a" }, version: { row: { kind: "grocer" } } }],
    })),
  );
});

test("a feature that looks something up waits for the dimension, and others do not", async () => {
  const clients = source("clients", {
    table: "public.clients",
    columns: { user_id: string(), city: string() },
    primaryKey: ["user_id"],
    eventTime: commitTime(),
  });
  const known = enrichedSource("known", {
    from: payments,
    with: clients,
    on: { user_id: payments.user_id },
    columns: { city: clients.city },
  });
  const view = featureView("v", {
    entity: user,
    source: known,
    features: { cities: countDistinct(known.city).over("7d"), n: count().over("7d") },
  });
  const store = await openStore({
    definitions: { view },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => minutes(10),
  });
  await store.push(payments, [
    { id: 1, user_id: "ann", shop_id: "a", amount: 1, time: minutes(0) },
  ]);
  const entities = [{ user_id: "ann" }];
  await expect(store.getOnlineFeatures({ features: view, entities })).rejects.toMatchObject({
    code: "NOT_READY",
    message: expect.stringContaining('source "clients" was never level') as string,
  });
  expect(await store.getOnlineFeatures({ features: view.n, entities })).toEqual([{ n: 1 }]);
  const missing = { features: view, entities, onMissing: "null" } as const;
  expect(await store.getOnlineFeatures(missing)).toEqual([{ cities: null, n: 1 }]);
  const { changes, waiting } = await store.plan();
  expect(waiting).toEqual([]);
  expect(
    changes
      .filter(({ kind }) => kind === "feature")
      .map(({ name, serving }) => [name, serving?.kind, serving?.code]),
  ).toEqual([
    ["v.cities", "empty", "NOT_READY"],
    ["v.n", "now", null],
  ]);
  expect((await store.readiness()).map(({ source: name, reason }) => [name, reason])).toEqual([
    ["payments", null],
    ["clients", "NOT_READY"],
  ]);
});

test("a feature's fingerprint has what it looks up, and nothing else of the source", () => {
  const fingerprints = (name: string, by: typeof payments.shop_id | typeof payments.user_id) => {
    const known = enrichedSource(name, {
      from: payments,
      with: shops,
      on: { shop_id: by },
      columns: { kind: shops.kind, ...(name === "known" ? {} : { chain: shops.chain }) },
    });
    const view = featureView("v", {
      entity: user,
      source: known,
      features: { kinds: countDistinct(known.kind).over("7d"), n: count().over("7d") },
    });
    const objects = definedObjects(collectDefinitions({ view }));
    return ["kinds", "n"].map((feature) => objects.get(`feature v.${feature}`)!.fingerprint);
  };
  const [kinds, n] = fingerprints("known", payments.shop_id);
  expect(fingerprints("renamed", payments.shop_id)).toEqual([kinds, n]);
  expect(fingerprints("known", payments.user_id)).toEqual([expect.not.stringMatching(kinds!), n]);
});
