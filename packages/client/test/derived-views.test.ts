/** Tests that derived features answer alike on every path: stores, servers and clients. */
import {
  add,
  caseWhen,
  coalesce,
  derivedView,
  div,
  explainPlan,
  feature,
  featureService,
  featureView,
  float64,
  gt,
  latest,
  mul,
  openStore,
  requestData,
  string,
  sum,
  when,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { createClient } from "@tidemark/client";
import { featureServer } from "@tidemark/server";
import { expect, test } from "vitest";
import {
  DAY,
  HOUR,
  NOON,
  ShopLog,
  date,
  payments,
  rejectionOf,
  shop,
  user,
} from "../../core/test/support/shop.ts";

const spendingOf = (long: "7d" | "30d") =>
  featureView("spending", {
    entity: user,
    source: payments,
    features: { day: sum(payments.amount).over("1d"), week: sum(payments.amount).over(long) },
  });
const sales = featureView("sales", {
  entity: shop,
  source: payments,
  features: { week: sum(payments.amount).over("7d") },
});
const newest = featureView("newest", {
  entity: user,
  source: payments,
  ttl: "2d",
  features: { vendor: latest(payments.vendor) },
});
const order = requestData("order", { order_amount: float64(), coupon: string().nullable() });

const definitionsOf = (long: "7d" | "30d") => {
  const spending = spendingOf(long);
  const burst = derivedView("burst", {
    features: {
      burst: feature(div(spending.day, spending.week)).default(0),
      part_of_shop: div(spending.week, sales.week),
      shop_name: coalesce(newest.vendor, "unknown"),
    },
  });
  const priced = derivedView("priced", {
    features: {
      after: add(spending.week, order.order_amount),
      twice: mul(burst.burst, 2),
      asked_coupon: order.coupon,
      size: feature(caseWhen([when(gt(order.order_amount, spending.week), "large")])).renamedFrom(
        "order_size",
      ),
    },
  });
  const model = featureService("model", [spending.day, burst.burst, priced.after.as("total")]);
  return { user, shop, payments, spending, sales, newest, burst, priced, model };
};
const definitions = definitionsOf("7d");
const { burst, priced } = definitions;

const log = () =>
  new ShopLog()
    .paid({ id: 1, shop: 1, time: NOON - 6 * DAY, amount: 10, vendor: "A" })
    .paid({ id: 2, shop: 1, time: NOON - HOUR, amount: 4, vendor: "B" })
    .paid({ id: 3, user: "bob", shop: 1, time: NOON - 3 * DAY, amount: 6, vendor: "C" });

const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
const open = (given: object = definitions, data = online) =>
  openStore({
    definitions: given as typeof definitions,
    online: { store: memoryOnlineStore(data), retention: "1d" },
    offline: { store: memoryOfflineStore(offline) },
    clock: () => date(NOON),
  });

const requests = [
  { user_id: "ann", shop_id: 1n, order_amount: 1, coupon: null },
  { user_id: "bob", shop_id: 1n, order_amount: 20, coupon: "X" },
  { user_id: "nobody", shop_id: 2n, order_amount: 0, coupon: "Y" },
];
const keysOnly = requests.map(({ user_id, shop_id }) => ({ user_id, shop_id }));
const values = [
  { burst: 4 / 14, part_of_shop: 14 / 20, shop_name: "B" },
  { burst: 0, part_of_shop: 6 / 20, shop_name: "unknown" },
  { burst: 0, part_of_shop: null, shop_name: "unknown" },
];
const pricedValues = [
  { after: 15, twice: 8 / 14, asked_coupon: null, size: null, order_size: null },
  { after: 26, twice: 0, asked_coupon: "X", size: "large", order_size: "large" },
  { after: 0, twice: 0, asked_coupon: "Y", size: null, order_size: null },
];
const pricedRequests = requests.map(({ user_id, order_amount, coupon }) => ({
  user_id,
  order_amount,
  coupon,
}));

test("online, in training sets and over HTTP", async () => {
  const store = await open();
  await store.run(log().source());
  expect(await store.getOnlineFeatures({ features: burst, entities: keysOnly })).toEqual(values);
  expect(await store.getOnlineFeatures({ features: priced, entities: pricedRequests })).toEqual(
    pricedValues,
  );
  const event_timestamp = date(NOON);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: [burst, priced.after],
      entities: requests.map((one) => ({ ...one, event_timestamp })),
      knowledge,
    });
    expect(await set.rows()).toEqual(
      requests.map((one, i) => ({
        ...one,
        event_timestamp,
        ...values[i],
        after: pricedValues[i]!.after,
      })),
    );
  }

  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  try {
    const url = await server.listen({ port: 0 });
    const client = createClient<typeof definitions>({ url });
    expect(await client.getOnlineFeatures({ features: burst, entities: keysOnly })).toEqual(values);
    expect(await client.getOnlineFeatures({ features: priced, entities: pricedRequests })).toEqual(
      pricedValues,
    );
    expect(
      await client
        .service("model")
        .getOnlineFeatures({
          entities: requests.map(({ user_id, order_amount }) => ({ user_id, order_amount })),
        }),
    ).toMatchObject([{ day: 4, burst: 4 / 14, total: 15 }, { total: 26 }, { total: 0 }]);
    const posted = await server.app.inject({
      method: "POST",
      url: "/v1/features",
      payload: {
        features: ["priced:order_size", "burst"],
        entities: requests.slice(1, 2).map((one) => ({ ...one, shop_id: "1", coupon: undefined })),
      },
    });
    expect(posted.json()).toMatchObject({ rows: [{ order_size: "large", burst: 0 }] });
    const feast = await server.app.inject({
      method: "POST",
      url: "/get-online-features",
      payload: {
        features: ["burst:burst", "priced:after"],
        entities: { user_id: ["ann", "nobody"], order_amount: [1, 0] },
      },
    });
    expect(feast.json()).toMatchObject({
      results: [
        { values: ["ann", "nobody"] },
        { values: [1, 0] },
        { values: [4 / 14, 0], statuses: ["PRESENT", "NOT_FOUND"] },
        { values: [15, 0], statuses: ["PRESENT", "PRESENT"] },
      ],
    });
    const described = await server.app.inject({ method: "GET", url: "/v1/definitions" });
    expect(described.json().derivedViews).toMatchObject([
      {
        name: "burst",
        features: [{ description: "div(spending.day, spending.week); null is 0" }, {}, {}],
      },
      { name: "priced" },
    ]);
    const paths = (await server.app.inject({ method: "GET", url: "/openapi.json" })).json().paths;
    expect(Object.keys(paths)).toContain("/v1/views/priced/features");
    const refused = await server.app.inject({
      method: "POST",
      url: "/v1/materialize",
      payload: { views: ["burst"], dates: ["2026-01-04"] },
    });
    expect(refused.json()).toMatchObject({
      message: expect.stringContaining('materialize "spending", "sales", "newest"'),
    });
  } finally {
    await server.close();
  }
});

test("statuses, times and needs are those of the inputs", async () => {
  const store = await open();
  const { rows } = await store.getOnlineFeatures({
    features: [burst.burst, burst.shop_name, priced.asked_coupon],
    entities: [
      { user_id: "bob", coupon: null },
      { user_id: "nobody", coupon: "Y" },
    ],
    metadata: true,
  });
  const bobs = date(NOON - 3 * DAY);
  expect(rows).toEqual([
    {
      burst: { value: 0, status: "PRESENT", eventTime: bobs },
      shop_name: { value: "unknown", status: "PRESENT", eventTime: bobs },
      asked_coupon: { value: null, status: "NULL_VALUE", eventTime: null },
    },
    {
      burst: { value: 0, status: "NOT_FOUND", eventTime: null },
      shop_name: { value: "unknown", status: "NOT_FOUND", eventTime: null },
      asked_coupon: { value: "Y", status: "PRESENT", eventTime: null },
    },
  ]);
  const lacking = store.getOnlineFeatures({
    features: priced.after,
    entity: { user_id: "ann" } as never,
  });
  expect(await rejectionOf(lacking)).toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringContaining("request data order_amount is missing"),
  });
  expect(explainPlan(burst.part_of_shop).split("\n").slice(0, 4)).toEqual([
    "answers part_of_shop float64 or null",
    "needs user_id string, shop_id int64",
    "derive",
    "  part_of_shop = div(spending.week, sales.week)",
  ]);
});

test("a derived feature waits for the backfill of its inputs, and plan says so", async () => {
  const store = await open();
  await store.apply();
  const longer = definitionsOf("30d");
  const changed = await open(longer);
  const { changes } = await changed.plan();
  const found = changes.find(({ name }) => name === "burst.burst")!;
  expect(found).toMatchObject({ kind: "feature", action: "changed" });
  expect(found.serving).toMatchObject({ kind: "backfill", code: "NEEDS_BACKFILL" });
  expect(changes.find(({ name }) => name === "spending.week")!.usedBy).toEqual([
    "view burst",
    "view priced",
    "service model",
  ]);
  const entity = keysOnly[0]!;
  const read = changed.getOnlineFeatures({
    features: longer.burst.burst,
    entity: { user_id: "ann" },
  });
  expect(await rejectionOf(read)).toMatchObject({ code: "NEEDS_BACKFILL" });
  expect(
    await changed.getOnlineFeatures({
      features: longer.burst,
      entity,
      onMissing: "null",
      metadata: true,
    }),
  ).toMatchObject({
    row: {
      burst: { value: null, status: "NEEDS_BACKFILL" },
      shop_name: { value: "B", status: "PRESENT" },
    },
  });
  await changed.backfill();
  expect(await changed.getOnlineFeatures({ features: longer.burst, entity })).toEqual(values[0]);
  expect(await rejectionOf(changed.materialize({ views: ["burst"] }))).toMatchObject({
    code: "VIEW_DERIVED",
  });
});
