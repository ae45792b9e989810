/** Tests that selections in roles answer alike on every path: stores, servers and clients. */
import {
  coalesce,
  derivedView,
  div,
  explainPlan,
  featureService,
  featureView,
  float64,
  latest,
  mul,
  openStore,
  requestData,
  select,
  string,
  sum,
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
const order = requestData("order", { amount: float64() });
const burst = derivedView("burst", {
  features: { burst: coalesce(div(spending.day, spending.week), 0), above: div(order.amount, 2) },
});
const score = transform("score", {
  version: 1,
  inputs: { burst: burst.burst, week: sales.week, amount: order.amount },
  outputs: { risk: float64(), text: string() },
  compute: ({ burst: part, week, amount }) => ({
    risk: part * week + amount,
    text: `${part} of ${week}`,
  }),
});
const twice = derivedView("twice", { features: { twice: mul(score.risk, 2) } });

const origin = select(spending, { prefix: "origin_", keys: { user_id: "origin_id" } });
const target = select(spending, {
  pick: ["week"],
  rename: { week: "received" },
  keys: { user_id: "target_id" },
});
const transfer = featureService("transfer", [
  spending.day,
  origin,
  target,
  select(newest, { prefix: "target_", keys: { user_id: "target_id" } }),
  select(score, { prefix: "origin_", keys: { user_id: "origin_id", amount: "sent" } }),
  select(twice, { prefix: "target_", keys: { user_id: "target_id", shop_id: "target_shop" } }),
  select(burst, { pick: ["burst"], prefix: "target_", keys: { user_id: "target_id" } }),
]);
const definitions = { user, shop, payments, spending, sales, newest, score, twice, transfer };

const log = () =>
  new ShopLog()
    .paid({ id: 1, shop: 1, time: NOON - 6 * DAY, amount: 12, vendor: "A" })
    .paid({ id: 2, shop: 1, time: NOON - HOUR, amount: 4, vendor: "B" })
    .paid({ id: 3, user: "bob", shop: 2, time: NOON - DAY, amount: 6, vendor: "C" });
const open = () =>
  openStore({
    definitions,
    online: { store: memoryOnlineStore(memoryOnlineData()), retention: "1d" },
    offline: { store: memoryOfflineStore(memoryOfflineData()) },
    clock: () => date(NOON),
  });

const keys = { shop_id: 1n, sent: 3, amount: 5, target_shop: 2n };
const requests = [
  { user_id: "nobody", origin_id: "ann", target_id: "bob", ...keys },
  { user_id: "ann", origin_id: "bob", target_id: "bob", ...keys },
];
const values = [
  {
    day: 0,
    origin_day: 4,
    origin_week: 16,
    received: 6,
    target_vendor: "C",
    origin_risk: (4 / 16) * 16 + 3,
    origin_text: "0.25 of 16",
    target_twice: (1 * 6 + 5) * 2,
    target_burst: 1,
  },
  {
    day: 4,
    origin_day: 6,
    origin_week: 6,
    received: 6,
    target_vendor: "C",
    origin_risk: 1 * 16 + 3,
    origin_text: "1 of 16",
    target_twice: (1 * 6 + 5) * 2,
    target_burst: 1,
  },
];

test("one request asks a view for two entities, on every path", async () => {
  const store = await open();
  await store.run(log().source());
  expect(await store.getOnlineFeatures({ features: transfer, entities: requests })).toEqual(values);
  const event_timestamp = date(NOON);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: transfer,
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
    expect(await client.getOnlineFeatures({ features: transfer, entities: requests })).toEqual(
      values,
    );
    expect(
      await client.service("transfer").getOnlineFeatures({ entities: requests }),
    ).toMatchObject(values);
    expect(
      await client.getOnlineFeatures({ features: [origin], entity: { origin_id: "ann" } }),
    ).toEqual({ origin_day: 4, origin_week: 16 });
    const posted = (features: readonly string[], entity: object) =>
      server.app.inject({
        method: "POST",
        url: "/v1/features",
        payload: { features, entities: [entity] },
      });
    const answer = await posted(
      ["spending:day as a by user_id=a_id", "spending:day as b by user_id=b_id", "spending:day"],
      { a_id: "ann", b_id: "bob", user_id: "nobody" },
    );
    expect(answer.json()).toMatchObject({ rows: [{ a: 4, b: 6, day: 0 }] });
    // prettier-ignore
    for (const [reference, code] of [
      ["spending:day by shop=a", "KEY_UNKNOWN"],
      ["spending:day by user_id", "REQUEST_INVALID"],
      ["spending:day by user_id=1a", "REQUEST_INVALID"],
      ["spending:day by user_id=event_timestamp", "NAME_INVALID"],
      ["spending:day by user_id=day", "NAME_TAKEN"],
    ] as const) {
      const refused = await posted([reference], { user_id: "ann" });
      expect([refused.statusCode, refused.json().code], reference).toEqual([422, code]);
    }
    const feast = await server.app.inject({
      method: "POST",
      url: "/get-online-features",
      payload: {
        feature_service: "transfer",
        entities: Object.fromEntries(
          Object.keys(requests[0]!).map((name) => [
            name,
            requests.map((one) => {
              const value = one[name as keyof typeof one];
              return typeof value === "bigint" ? Number(value) : value;
            }),
          ]),
        ),
      },
    });
    const { metadata, results } = feast.json();
    const names: readonly string[] = metadata.feature_names;
    for (const name of Object.keys(values[0]!))
      expect(results[names.indexOf(name)].values, name).toEqual(
        values.map((one) => one[name as keyof typeof one]),
      );
    const described = await server.app.inject({ method: "GET", url: "/v1/definitions" });
    const service = described.json().services[0];
    expect(service.keys.map(({ name }: { name: string }) => name)).toEqual([
      "user_id",
      "origin_id",
      "target_id",
      "shop_id",
      "sent",
      "target_shop",
      "amount",
    ]);
    expect(service.features[1]).toMatchObject({
      name: "origin_day",
      feature: "spending:day",
      description: "sum(payments.amount) over 1d; user_id is given as origin_id",
    });
  } finally {
    await server.close();
  }
});

test("a selection selects of a selection, and a role may be given back", async () => {
  const again = select(origin, { rename: { origin_day: "day" }, keys: { origin_id: "user_id" } });
  const other = select(origin, { pick: ["origin_day"], keys: { origin_id: "other" } });
  expect(explainPlan(again)).toBe(
    explainPlan(select(spending, { rename: { week: "origin_week" } })),
  );
  expect(explainPlan([spending.day, other]).split("\n")).toEqual([
    "answers day float64, origin_day float64",
    "needs user_id string, other string",
    "join",
    "  derive",
    "    day = day",
    "    window by user_id, found in 7d",
    "      day = sum(amount) over 1d",
    "      scan payments: amount",
    "  derive",
    "    origin_day = day",
    "    window by other (user_id), found in 7d",
    "      day = sum(amount) over 1d",
    "      scan payments: amount",
  ]);
});

test("a missing key is named as its role is", async () => {
  const store = await open();
  await store.run(log().source());
  const lacking = store.getOnlineFeatures({ features: origin, entity: { user_id: "a" } as never });
  expect(await rejectionOf(lacking)).toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringContaining("key origin_id is missing"),
  });
});

test("a service keeps its roles in the registry, and other keys are destructive", async () => {
  const data = memoryOfflineData();
  const openWith = (service: unknown) =>
    openStore({
      definitions: { spending, service } as never,
      offline: memoryOfflineStore(data),
      onDefinitionMismatch: "ignore",
    });
  const first = await openWith(featureService("model", [spending.day, origin]));
  await first.apply();
  expect((await first.plan()).changes).toEqual([]);
  const more = await openWith(featureService("model", [spending.day, origin, target]));
  expect((await more.plan()).changes).toMatchObject([{ kind: "service", destructive: null }]);
  const other = select(spending, { prefix: "origin_", keys: { user_id: "sender_id" } });
  const renamed = await openWith(featureService("model", [spending.day, other]));
  expect((await renamed.plan()).changes).toMatchObject([
    {
      kind: "service",
      details: [
        "roles.origin_day.user_id: origin_id → sender_id",
        "roles.origin_week.user_id: origin_id → sender_id",
      ],
      destructive: "callers give other keys for origin_day",
    },
  ]);
  const plain = await openWith(
    featureService("model", [spending.day, select(spending, { prefix: "origin_" })]),
  );
  expect((await plain.plan()).changes[0]!.destructive).toBe(
    "callers give other keys for origin_day",
  );
});
