import {
  commitTime,
  count,
  derivedSource,
  div,
  entity,
  eq,
  explainPlan,
  featureService,
  featureView,
  gt,
  isNotNull,
  int64,
  latest,
  lower,
  max,
  mul,
  openStore,
  pushSource,
  string,
  sum,
  timestamp,
  type Expr,
  type RowOf,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { specOfView } from "../../src/define/spec-of.ts";
import { js, type Untyped } from "./support/untyped.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: {
    id: int64(),
    user_id: string(),
    status: string(),
    vendor: string().nullable(),
    quantity: int64(),
    price: int64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const paid = derivedSource("paid", {
  from: payments,
  where: eq(payments.status, "paid"),
  columns: { value: mul(payments.quantity, payments.price), vendor: lower(payments.vendor) },
});
const large = derivedSource("large", {
  from: paid,
  where: gt(paid.value, 100),
  columns: { hundreds: div(paid.value, 100) },
});

describe("a derived source", () => {
  test("has the columns of the source below, and the computed ones", () => {
    expect(Object.keys(paid)).toEqual([
      "id",
      "user_id",
      "status",
      "quantity",
      "price",
      "time",
      "value",
      "vendor",
    ]);
    expect(paid.value).toMatchObject({ source: "paid", name: "value", type: "int64" });
    expectTypeOf(mul(paid.value, 2)).toEqualTypeOf<Expr<"paid", "int64", bigint>>();
    expectTypeOf(lower(large.vendor)).toEqualTypeOf<Expr<"large", "string", string | null>>();
  });

  test("is the source below, whose rows meet the condition, in the spec of a view", () => {
    const view = featureView("v", {
      entity: user,
      source: paid,
      features: {
        spent: sum(paid.value).over("7d"),
        coffees: count().where(eq(paid.vendor, "coffee")).over("7d"),
        newest: max(paid.time).over("7d"),
      },
    });
    const byHand = featureView("v", {
      entity: user,
      source: payments,
      features: {
        spent: sum(mul(payments.quantity, payments.price)).over("7d"),
        coffees: count()
          .where(eq(lower(payments.vendor), "coffee"))
          .over("7d"),
        newest: max(payments.time).over("7d"),
      },
    });
    const { rows, ...spec } = specOfView(view);
    expect(spec).toEqual(specOfView(byHand));
    expect(rows).toMatchObject({
      function: "eq",
      arguments: [{ name: "status" }, { value: "paid" }],
    });
    expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
      spent: bigint;
      coffees: number;
      newest: Date | null;
    }>();
  });

  test("of a derived source meets both conditions", () => {
    const view = featureView("v", {
      entity: user,
      source: large,
      features: { hundreds: sum(large.hundreds).over("7d") },
    });
    const { source, rows, features } = specOfView(view);
    expect(source.name).toBe("payments");
    expect(rows).toMatchObject({
      function: "and",
      arguments: [{ function: "eq" }, { function: "gt", arguments: [{ function: "mul" }, {}] }],
    });
    expect(features[0]!.arguments).toMatchObject([
      { function: "div", arguments: [{ function: "mul" }, { op: "literal" }] },
    ]);
  });

  test("brings the source below into the definitions, and is none of its own", () => {
    expect([...collectDefinitions({ paid }).sources.keys()]).toEqual(["payments"]);
    const other = pushSource("paid", {
      columns: { id: int64(), time: timestamp() },
      primaryKey: ["id"],
      eventTime: "time",
    });
    expect(() => collectDefinitions({ paid, other })).toThrow(
      'a source and a derived source are called "paid"',
    );
  });
});

const f = js as Record<string, Untyped>;
// prettier-ignore
const refusals: readonly (readonly [what: string, code: string, says: string, call: () => unknown])[] = [
  ["no source", "DEFINITION_INVALID", "from must be a source(...), got undefined",
    () => f["derivedSource"]!("d", {})],
  ["the name of the source below", "NAME_TAKEN", "the source below has this name",
    () => f["derivedSource"]!("payments", { from: payments })],
  ["no condition", "DEFINITION_INVALID", "where must be a condition on columns of payments",
    () => f["derivedSource"]!("d", { from: payments, where: payments.status })],
  ["a condition on another source", "COLUMN_OF_ANOTHER_SOURCE", 'is about source "paid", and must be about "payments"',
    () => f["derivedSource"]!("d", { from: payments, where: eq(paid.status, "x") })],
  ["a closure for a column", "DEFINITION_INVALID", "columns.x must be a function of columns of payments",
    () => f["derivedSource"]!("d", { from: payments, columns: { x: () => 1 } })],
  ["a computed event time", "NAME_TAKEN", 'column "time" belongs to the key or the time',
    () => f["derivedSource"]!("d", { from: payments, columns: { time: payments.time } })],
  ["a computed primary key", "NAME_TAKEN", 'column "id" belongs to the key or the time',
    () => f["derivedSource"]!("d", { from: payments, columns: { id: payments.price } })],
  ["names that differ in case", "NAME_TAKEN", 'columns "price" and "Price" differ only in case',
    () => f["derivedSource"]!("d", { from: payments, columns: { Price: payments.price } })],
  ["a feature of the source below", "COLUMN_OF_ANOTHER_SOURCE", 'the view reads "paid"',
    () => f["featureView"]!("v", { entity: user, source: paid, features: { s: sum(payments.price).over("1d") } })],
  ["a computed key", "DEFINITION_INVALID", "d.user_id is computed",
    () => f["featureView"]!("v", { entity: user, features: { n: count().over("1d") },
      source: derivedSource("d", { from: payments, columns: { user_id: lower(payments.user_id) } }) })],
];
test.each(refusals)("%s is refused", (_, code, says, call) => {
  expect(call).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) as string }) as Error,
  );
});

const NOON = Date.parse("2026-03-01T12:00:00Z");

test("a row that stops meeting the condition is gone, on every path", async () => {
  const profiles = pushSource("profiles", {
    columns: { user_id: string(), city: string().nullable() },
    primaryKey: ["user_id"],
    eventTime: commitTime(),
  });
  const known = derivedSource("known", { from: profiles, where: isNotNull(profiles.city) });
  const spending = featureView("spending", {
    entity: user,
    source: paid,
    features: { spent: sum(paid.value).over("7d"), n: count().over("1d") },
  });
  const newest = featureView("newest", {
    entity: user,
    source: paid,
    features: { vendor: latest(paid.vendor) },
  });
  const home = featureView("home", {
    entity: user,
    source: known,
    features: { city: latest(known.city) },
  });
  let now = NOON;
  const store = await openStore({
    definitions: { spending, newest, home },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  const features = featureService("all", [spending, newest, home]);
  const answers = async (): Promise<unknown> => {
    now += 1000;
    const request = { features, entities: [{ user_id: "ann" }] } as const;
    const [online] = await store.getOnlineFeatures(request);
    const at = { user_id: "ann", event_timestamp: new Date(now) };
    const training = await store.getHistoricalFeatures({ features, entities: [at] });
    expect((await training.rows())[0]).toMatchObject(online);
    const { answers: columns } = await store.getOnlineColumns(request);
    return [...Object.values(online), ...columns.map(({ statuses }) => statuses[0])];
  };
  const payment = (id: number, status: string, vendor: string, minutes: number) => ({
    id,
    user_id: "ann",
    status,
    vendor,
    quantity: 2,
    price: 50,
    time: new Date(NOON - minutes * 60_000),
  });
  await store.push(payments, [payment(1, "paid", "Coffee", 60), payment(2, "open", "Tea", 30)]);
  await store.push(profiles, [{ user_id: "ann", city: "Riga" }]);
  expect(await answers()).toEqual([100n, 1, "coffee", "Riga", ...Array(4).fill("PRESENT")]);
  await store.push(payments, [payment(2, "paid", "Tea", 30)]);
  expect(await answers()).toEqual([200n, 2, "tea", "Riga", ...Array(4).fill("PRESENT")]);
  await store.push(payments, [payment(1, "void", "Coffee", 60), payment(2, "void", "Tea", 30)]);
  await store.push(profiles, [{ user_id: "ann", city: null }]);
  expect(await answers()).toEqual([0n, 0, null, null, ...Array(4).fill("NOT_FOUND")]);
});

test("a condition on stored columns is served at once, another one needs a backfill", async () => {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (view: unknown): Promise<Store> =>
    openStore({
      definitions: { view },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: memoryOfflineStore(offline),
      onDefinitionMismatch: "ignore",
    });
  const before = await open(
    featureView("v", {
      entity: user,
      source: payments,
      features: { open: count().where(eq(payments.status, "open")).over("1d") },
    }),
  );
  await before.push(payments, [
    { id: 1, user_id: "ann", status: "paid", quantity: 1, price: 1, time: new Date() },
  ]);
  await before.apply();
  const named = derivedSource("named", { from: payments, where: isNotNull(payments.vendor) });
  const servingOf = async (view: unknown): Promise<unknown> => {
    const { changes } = await (await open(view)).plan();
    return changes.map(({ kind, action, destructive, serving }) => [
      `${action} ${kind}`,
      destructive,
      serving?.kind ?? null,
      serving?.why ?? null,
    ]);
  };
  const features = { open: count().where(eq(paid.status, "open")).over("1d") };
  const impact = "the condition of its rows decides what its features mean";
  expect(await servingOf(featureView("v", { entity: user, source: paid, features }))).toEqual([
    ["changed feature", "its values change", "now", null],
    ["changed view", impact, null, null],
  ]);
  const others = { open: count().where(eq(named.status, "open")).over("1d") };
  expect(
    await servingOf(featureView("v", { entity: user, source: named, features: others })),
  ).toEqual([
    ["changed feature", "its values change", "backfill", "the column vendor"],
    ["changed view", impact, null, null],
  ]);
});

test("the plan of a view over a derived source has a filter", () => {
  const features = { spent: sum(paid.value).over("7d") };
  const view = featureView("v", { entity: user, source: paid, features });
  expect(explainPlan(view)).toMatchInlineSnapshot(`
    "answers spent int64
    needs user_id string
    derive
      spent = spent
      window by user_id, found in 7d
        spent = sum(mul(quantity, price)) over 7d
        filter status = "paid"
          scan payments: status, quantity, price"
  `);
});
