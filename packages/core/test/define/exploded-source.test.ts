import {
  count,
  countDistinct,
  derivedSource,
  entity,
  explainPlan,
  explodedSource,
  featureService,
  featureView,
  from,
  gt,
  int32,
  int64,
  json,
  jsonPath,
  lastN,
  latest,
  list,
  member,
  mul,
  openStore,
  pushSource,
  quality,
  string,
  struct,
  sum,
  timestamp,
  unionSource,
  commitTime,
  enrichedSource,
  volume,
  type Expr,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  mockStore,
} from "@tidemark/core/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { selectedFeatures } from "../../src/define/selection.ts";
import { sensitivityOf } from "../../src/plan/sensitivity.ts";
import { js, type Untyped } from "./support/untyped.ts";

const user = entity("user", { keys: { user_id: string() } });
const orders = pushSource("orders", {
  columns: {
    id: int64(),
    user_id: string(),
    basket: json<{ items: unknown }>().nullable(),
    weight: int64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const item = struct({ product: string("sku"), quantity: int32() });
const heavy = derivedSource("heavy", {
  from: orders,
  where: gt(orders.weight, 1),
  columns: {
    items: jsonPath(orders.basket, "$.items", list(item)),
    grams: mul(orders.weight, 1000),
  },
});
const items = explodedSource("items", { from: heavy, list: heavy.items, as: "item" });
const several = derivedSource("several", {
  from: items,
  where: gt(member(items.item, "quantity"), 1),
});

const shopping = featureView("shopping", {
  entity: user,
  source: items,
  features: {
    n: count().over("7d"),
    bought: sum(member(items.item, "quantity")).over("7d"),
    grams: sum(items.grams).over("7d"),
    products: countDistinct(member(items.item, "product")).over("7d"),
    newest: lastN(member(items.item, "product"), 3).over("7d"),
  },
});
const bulk = featureView("bulk", {
  entity: user,
  source: several,
  features: { several: count().over("7d") },
});
const newest = featureView("newest", {
  entity: user,
  source: items,
  features: { last_item: latest(items.item) },
});
const numbers = featureView("numbers", {
  entity: user,
  source: items,
  features: { number: count().over("7d") },
});

describe("an exploded source", () => {
  test("has the columns of the rows, and the element", () => {
    expect(Object.keys(items).sort()).toEqual([
      "basket",
      "grams",
      "id",
      "item",
      "items",
      "time",
      "user_id",
      "weight",
    ]);
    expectTypeOf(member(items.item, "quantity")).toExtend<Expr<"items", "int32", number | null>>();
  });

  test("brings the source of the rows into the definitions", () => {
    expect([...collectDefinitions({ items }).sources.keys()]).toEqual(["orders"]);
    expect([...collectDefinitions({ bulk }).sources.keys()]).toEqual(["orders"]);
  });

  test("is a step of the plan, which reads the columns of the list", () => {
    const text = "list(struct(product string or null, quantity int32 or null) or null)";
    const below = [
      `explode jsonPath(basket, $.items, ${text}) as item`,
      "  filter weight > 1",
      "    scan orders: basket, weight",
    ];
    const endOf = (plan: string): readonly string[] => plan.split("\n").slice(6);
    expect(endOf(explainPlan(bulk))).toEqual([
      "    filter member(item, quantity) > 1",
      "      project item",
      ...below.map((line) => `        ${line}`),
    ]);
    expect(endOf(explainPlan(numbers))).toEqual([
      "    project",
      ...below.map((line) => `      ${line}`),
    ]);
  });
});

const f = js as Record<string, Untyped>;
const profiles = pushSource("profiles", {
  columns: { user_id: string(), tags: json() },
  primaryKey: ["user_id"],
  eventTime: commitTime(),
});
const enriched = enrichedSource("enriched", {
  from: orders,
  with: profiles,
  on: { user_id: orders.user_id },
  columns: { tags: profiles.tags },
});
const both = unionSource("both", {
  columns: { user_id: string() },
  of: [from(orders, { user_id: orders.user_id })],
});
const tags = jsonPath(orders.basket, "$.tags", list(string()));
// prettier-ignore
const refusals: readonly (readonly [what: string, code: string, says: string, call: () => unknown])[] = [
  ["no source", "DEFINITION_INVALID", "from must be a source(...), got undefined",
    () => f["explodedSource"]!("e", {})],
  ["a union", "DEFINITION_INVALID", '"both" is a union, and lists are exploded of a table',
    () => f["explodedSource"]!("e", { from: both, list: both.user_id, as: "tag" })],
  ["an enriched source", "DEFINITION_INVALID", '"enriched" is an enriched source, and lists',
    () => f["explodedSource"]!("e", { from: enriched, list: enriched.tags, as: "tag" })],
  ["an exploded source", "DEFINITION_INVALID", '"items" is an exploded source, and lists',
    () => f["explodedSource"]!("e", { from: items, list: items.items, as: "tag" })],
  ["a dimension", "DEFINITION_INVALID", "profiles is a dimension",
    () => f["explodedSource"]!("e", { from: profiles, list: profiles.tags, as: "tag" })],
  ["no list", "TYPE_MISMATCH", "orders.user_id is string, and only a list has elements; read one with jsonPath",
    () => f["explodedSource"]!("e", { from: orders, list: orders.user_id, as: "tag" })],
  ["a list of another source", "COLUMN_OF_ANOTHER_SOURCE", 'must be about "heavy"',
    () => f["explodedSource"]!("e", { from: heavy, list: tags, as: "tag" })],
  ["a name that is taken", "NAME_TAKEN", 'orders has a column "weight"',
    () => f["explodedSource"]!("e", { from: orders, list: tags, as: "weight" })],
  ["a name that differs in case", "NAME_TAKEN", 'columns "weight" and "Weight" differ only in case',
    () => f["explodedSource"]!("e", { from: orders, list: tags, as: "Weight" })],
  ["no name", "DEFINITION_INVALID", "as must be the name of the element's column, got undefined",
    () => f["explodedSource"]!("e", { from: orders, list: tags })],
  ["the name of the source below", "NAME_TAKEN", "the source below has this name",
    () => f["explodedSource"]!("orders", { from: orders, list: tags, as: "tag" })],
  ["the element as a key", "DEFINITION_INVALID", "e.tag is an element of a list, and rows are found by columns",
    () => { const e = explodedSource("e", { from: orders, list: tags, as: "tag" });
      return f["featureView"]!("v", { entity: user, source: e, keys: { user_id: e.tag }, features: { n: count().over("1d") } }); }],
  ["a union of elements", "DEFINITION_INVALID", '"items" is an exploded source, which a union cannot read',
    () => f["from"]!(items, { user_id: items.user_id })],
  ["elements that look up", "DEFINITION_INVALID", '"items" is an exploded source, which cannot be enriched',
    () => f["enrichedSource"]!("e", { from: items, with: profiles, on: { user_id: items.user_id }, columns: { t: profiles.tags } })],
  ["expectations of elements", "DEFINITION_INVALID", '"items" is an exploded source; expect it of each source below',
    () => quality("q", { on: items, expect: { some: volume("1d", { atLeast: 1 }) } } as never)],
];
test.each(refusals)("%s is refused", (_, code, says, call) => {
  expect(call).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) as string }) as Error,
  );
});

const NOON = Date.parse("2026-03-01T12:00:00Z");
const order = (id: number, minutes: number, basket: unknown, weight = 2) => ({
  id,
  user_id: "ann",
  basket: basket as { items: unknown },
  weight,
  time: new Date(NOON - minutes * 60_000),
});
const of = (...found: readonly (readonly [string, number] | null)[]) => ({
  items: found.map((one) => one && { sku: one[0], quantity: one[1] }),
});

test("each element is a row, an update replaces all, and a delete removes all", async () => {
  let now = NOON;
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const store = await openStore({
    definitions: { shopping, bulk, newest, numbers },
    online: { store: memoryOnlineStore(online), retention: "forever" },
    offline: memoryOfflineStore(offline),
    clock: () => new Date(now),
  });
  const features = featureService("all", [shopping, bulk, newest, numbers]);
  const answers = async (): Promise<unknown> => {
    now += 1000;
    const request = { features, entities: [{ user_id: "ann" }] } as const;
    const [first] = await store.getOnlineFeatures(request);
    const at = { user_id: "ann", event_timestamp: new Date(now) };
    for (const knowledge of ["as-corrected", "as-known"] as const) {
      const training = await store.getHistoricalFeatures({ features, entities: [at], knowledge });
      expect((await training.rows())[0]).toMatchObject(first!);
    }
    return Object.values(first!);
  };
  expect(await answers()).toEqual([0, 0n, 0n, 0, [], 0, null, 0]);
  await store.push(orders, [order(1, 60, of(["a", 1], ["b", 5], null))]);
  const last = { product: "b", quantity: 5 };
  expect(await answers()).toEqual([3, 6n, 6000n, 2, ["b", "a"], 1, null, 3]);
  await store.push(orders, [order(2, 30, of(["c", 2])), order(3, 10, of(["d", 9]), 1)]);
  expect(await answers()).toEqual([
    4,
    8n,
    8000n,
    3,
    ["c", "b", "a"],
    2,
    { product: "c", quantity: 2 },
    4,
  ]);
  // an update replaces all elements; without a list there are none
  await store.push(orders, [order(1, 60, of(["b", 5])), order(2, 30, null)]);
  expect(await answers()).toEqual([1, 5n, 2000n, 1, ["b"], 1, last, 1]);
  const { views } = await store.materialize({ views: [shopping], dates: ["2026-02-28"] });
  expect(views[0]).toMatchObject({ dates: [{ date: "2026-02-28", rows: 0 }] });
  await store.push(orders, [order(2, 30, { items: [] }), order(3, 10, { items: 7 })]);
  expect(await answers()).toEqual([1, 5n, 2000n, 1, ["b"], 1, last, 1]);
  await store.push(orders, [], { deletes: [{ id: 1n }] });
  expect(await answers()).toEqual([0, 0n, 0n, 0, [], 0, null, 0]);
  await store.apply();
  expect((await store.plan()).changes).toEqual([]);
});

test("a feature of elements has the sensitivity of the columns of the list", () => {
  const secret = pushSource("secrets", {
    columns: {
      id: int64(),
      user_id: string(),
      basket: json().describe({ sensitivity: "pii" }),
      time: timestamp(),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const tagged = explodedSource("tagged", {
    from: secret,
    list: jsonPath(secret.basket, "$.tags", list(string())),
    as: "tag",
  });
  const view = featureView("tags_of", {
    entity: user,
    source: tagged,
    features: { tags: countDistinct(tagged.tag).over("7d") },
  });
  expect(sensitivityOf(selectedFeatures(view)[0]!).sensitivity).toBe("pii");
});

test("another list is another feature", async () => {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (path: "$.items" | "$.gifts") => {
    const source = explodedSource("things", {
      from: orders,
      list: jsonPath(orders.basket, path, list(string())),
      as: "thing",
    });
    const view = featureView("things_of", {
      entity: user,
      source,
      features: { number: count().over("7d") },
    });
    return openStore({
      definitions: { view },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: memoryOfflineStore(offline),
      onDefinitionMismatch: "ignore",
    });
  };
  await (await open("$.items")).apply();
  const plan = await (await open("$.gifts")).plan();
  expect(plan.changes.map(({ name, action }) => `${action} ${name}`)).toEqual([
    "changed things_of.number",
    "changed things_of",
  ]);
});

test("a mock store computes elements, and explains an answer", async () => {
  const shop = mockStore({ shopping, newest });
  await shop.put(orders, [order(1, 60, of(["a", 1], ["b", 5]))], { at: "2026-03-01T11:00:00Z" });
  const asOf = "2026-03-01T12:00:00Z";
  expect(await shop.ask(shopping, { user_id: "ann" }, { asOf })).toMatchObject({
    n: 2,
    bought: 6n,
    newest: ["b", "a"],
  });
  const explained = await shop.explain(shopping.bought, { user_id: "ann" }, { asOf });
  expect(explained.parts[0]!.inside).toMatchObject([
    { row: { item: { product: "a" } }, brings: { "member(item, quantity)": 1 } },
    { row: { item: { product: "b" } }, brings: { "member(item, quantity)": 5 } },
  ]);
});
