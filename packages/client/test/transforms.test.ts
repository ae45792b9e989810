/** Tests that transforms answer alike on every path: stores, servers and clients. */
import {
  coalesce,
  derivedView,
  div,
  explainPlan,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  mul,
  openStore,
  requestData,
  string,
  sum,
  timestamp,
  transform,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { createClient } from "@tidemark/client";
import { featureServer } from "@tidemark/server";
import { afterEach, expect, test } from "vitest";
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

const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: { day: sum(payments.amount).over("1d"), week: sum(payments.amount).over("7d") },
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
const order = requestData("order", { order_amount: float64(), points: int64() });

let calls = 0;
/** What `compute` returns in place of its outputs; null: its outputs. */
let other: (() => unknown) | null = null;
afterEach(() => {
  other = null;
});

const score = transform("score", {
  version: 3,
  inputs: {
    burst: div(spending.day, spending.week),
    vendor: newest.vendor,
    amount: order.order_amount,
    points: order.points,
  },
  outputs: { risk: float64().nullable(), word: string(), at: timestamp(), more: int64() },
  compute: ({ burst, vendor, amount, points }) => {
    calls++;
    const outputs = {
      risk: burst === null ? null : burst * amount,
      word: `${vendor ?? "no"}!`,
      at: new Date(1000),
      more: points + 1n,
    };
    return other === null ? outputs : (other() as typeof outputs);
  },
});
const after = derivedView("after", {
  features: { twice: mul(coalesce(score.risk, 1), 2), part: div(score.risk, sales.week) },
});
const band = transform("band", {
  version: 1,
  inputs: { twice: after.twice, risk: score.risk },
  outputs: { band: string() },
  compute: ({ twice, risk }) => ({ band: risk === null ? "unknown" : twice > 2 ? "high" : "low" }),
});
const model = featureService("model", [score, after.twice, band.band.as("level"), spending.day]);
const definitions = { user, shop, payments, spending, sales, newest, score, after, band, model };

const log = () =>
  new ShopLog()
    .paid({ id: 1, shop: 1, time: NOON - 6 * DAY, amount: 12, vendor: "A" })
    .paid({ id: 2, shop: 1, time: NOON - HOUR, amount: 4, vendor: "B" })
    .paid({ id: 3, user: "bob", shop: 1, time: NOON - 3 * DAY, amount: 6, vendor: "C" });

const open = () =>
  openStore({
    definitions,
    online: { store: memoryOnlineStore(memoryOnlineData()), retention: "1d" },
    offline: { store: memoryOfflineStore(memoryOfflineData()) },
    clock: () => date(NOON),
  });

const requests = [
  { user_id: "ann", order_amount: 8, points: 9_007_199_254_740_993n },
  { user_id: "bob", order_amount: 8, points: -1n },
  { user_id: "nobody", order_amount: 0, points: 0n },
];
const at = new Date(1000);
const values = [
  { risk: 2, word: "B!", at, more: 9_007_199_254_740_994n, twice: 4, level: "high", day: 4 },
  { risk: 0, word: "no!", at, more: 0n, twice: 0, level: "low", day: 0 },
  { risk: null, word: "no!", at, more: 1n, twice: 2, level: "unknown", day: 0 },
];

test("a transform answers online, in training sets, by HTTP and by Feast's protocol", async () => {
  const store = await open();
  await store.run(log().source());
  calls = 0;
  expect(await store.getOnlineFeatures({ features: model, entities: requests })).toEqual(values);
  expect(calls, "once for each entity").toBe(3);
  const event_timestamp = date(NOON);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: model,
      entities: requests.map((one) => ({ ...one, event_timestamp })),
      knowledge,
    });
    expect(await set.rows()).toEqual(
      requests.map((one, i) => ({ ...one, event_timestamp, ...values[i] })),
    );
  }

  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  try {
    const url = await server.listen({ port: 0 });
    const client = createClient<typeof definitions>({ url });
    expect(await client.getOnlineFeatures({ features: model, entities: requests })).toEqual(values);
    const feast = await server.app.inject({
      method: "POST",
      url: "/get-online-features",
      payload: {
        features: ["score:risk", "band:band"],
        entities: { user_id: ["ann", "nobody"], order_amount: [8, 0], points: [1, 0] },
      },
    });
    expect(feast.json()).toMatchObject({
      metadata: { feature_names: ["user_id", "order_amount", "points", "risk", "band"] },
      results: [{}, {}, {}, { values: [2, null] }, { values: ["high", "unknown"] }],
    });
    const described = await server.app.inject({ method: "GET", url: "/v1/definitions" });
    expect(described.json().derivedViews[0]).toMatchObject({
      name: "score",
      features: [
        {
          name: "risk",
          type: "float64",
          description:
            "risk of score(burst = div(spending.day, spending.week), vendor = newest.vendor, " +
            "amount = order_amount, points = points), version 3",
        },
        {},
        {},
        {},
      ],
    });
    other = () => {
      throw new RangeError("no answer for user ann");
    };
    const failed = await server.app.inject({
      method: "POST",
      url: "/v1/features",
      payload: { features: ["score:more"], entities: [{ ...requests[0], points: "1" }] },
    });
    expect(failed.statusCode).toBe(500);
    expect(failed.json()).toMatchObject({ code: "TRANSFORM_FAILED" });
    expect(failed.body).not.toContain("ann");
  } finally {
    await server.close();
  }
});

test("status and event time are those of the inputs, by the value", async () => {
  const store = await open();
  await store.run(log().source());
  const { rows } = await store.getOnlineFeatures({
    features: [score.risk, after.part],
    entities: requests.map((one) => ({ ...one, shop_id: 1n })),
    metadata: true,
  });
  expect(rows.map(({ risk }) => risk)).toEqual([
    { value: 2, status: "PRESENT", eventTime: date(NOON - HOUR) },
    { value: 0, status: "PRESENT", eventTime: date(NOON - 3 * DAY) },
    { value: null, status: "NULL_VALUE", eventTime: null },
  ]);
  expect(rows[0]!.part).toMatchObject({ value: 2 / 22, status: "PRESENT" });
  const kept = transform("kept", {
    version: 1,
    inputs: { week: spending.week },
    outputs: { week: float64() },
    compute: ({ week }) => ({ week }),
  });
  expect(
    await store.getOnlineFeatures({
      features: kept,
      entity: { user_id: "nobody" },
      metadata: true,
    }),
  ).toMatchObject({ row: { week: { value: 0, status: "NOT_FOUND", eventTime: null } } });
});

test("explainPlan lists transforms and their inputs", () => {
  expect(explainPlan(band).split("\n").slice(0, 12)).toEqual([
    "answers band string",
    "needs user_id string, order_amount float64, points int64",
    "derive",
    "  band = band.band",
    "  transform score, version 3, gives risk float64 or null, word string, " +
      "at timestamp, more int64",
    "    burst = div(spending.day, spending.week)",
    "    vendor = newest.vendor",
    "    amount = order_amount",
    "    points = points",
    "  transform band, version 1, gives band string",
    "    twice = mul(coalesce(score.risk, 1), 2)",
    "    risk = score.risk",
  ]);
});

// prettier-ignore
const failures: readonly (readonly [what: string, other: () => unknown, says: string])[] = [
  ["throws", () => { throw new RangeError("no such vendor"); }, "compute threw RangeError: no such vendor"],
  ["throws a text", () => { throw "why"; }, 'compute threw "why"'],
  ["returns a promise", () => Promise.resolve({ risk: 1 }), "compute returned a promise; return an object"],
  ["returns a promise that fails", () => Promise.reject(new Error("late")), "compute returned a promise"],
  ["returns nothing", () => undefined, "compute returned undefined; return an object"],
  ["returns a list", () => [1], "compute returned an array; return an object"],
  ["leaves an output out", () => ({ word: "", at, more: 1n }), 'output "risk": undefined is not a float64'],
  ["gives another type", () => ({ risk: "1", word: "", at, more: 1n }), 'output "risk": "1" is not a float64'],
  ["gives NaN", () => ({ risk: NaN, word: "", at, more: 1n }), 'output "risk": NaN is not a float64'],
  ["gives null for what is never null", () => ({ risk: null, word: null, at, more: 1n }), 'output "word": null is not allowed here'],
  ["gives a time that is none", () => ({ risk: null, word: "", at: new Date(NaN), more: 1n }), 'output "at"'],
  ["gives an integer beyond int64", () => ({ risk: null, word: "", at, more: 2n ** 63n }), 'output "more"'],
];

test.each(failures)("a request fails whole if the function %s", async (_, returned, says) => {
  const store = await open();
  await store.run(log().source());
  other = returned;
  const online = await rejectionOf(
    store.getOnlineFeatures({ features: model, entities: requests, onMissing: "null" }),
  );
  expect(online).toMatchObject({ code: "TRANSFORM_FAILED" });
  expect(online.message).toContain('transform "score", version 3, at entity row 0: ');
  expect(online.message).toContain(says);
  const set = await store.getHistoricalFeatures({
    features: band,
    entities: requests.map((one) => ({ ...one, event_timestamp: date(NOON) })),
  });
  expect(await rejectionOf(set.rows())).toMatchObject({ code: "TRANSFORM_FAILED" });
});

test("materialize refuses a transform, and names the views below", async () => {
  const store = await open();
  expect(await rejectionOf(store.materialize({ views: ["score"] }))).toMatchObject({
    code: "VIEW_DERIVED",
    message: expect.stringContaining('materialize "spending", "newest"'),
  });
});
