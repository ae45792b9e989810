/** Tests that a function of windows answers alike on every path: stores, servers and clients. */
import { avg, count, div, feature, featureView, gt, max, openStore, sum } from "@tidemark/core";
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
  user,
} from "../../core/test/support/shop.ts";

const viewOf = (long: "7d" | "30d") =>
  featureView("habits", {
    entity: user,
    source: payments,
    features: {
      burst: div(count().over("1d"), count().over(long)),
      mean: feature(avg(payments.amount).over("1d")).default(0),
      busy: gt(sum(payments.amount).over("1d"), 5),
      cents: sum(payments.fee).over("7d"),
      dearest: max(payments.amount).over("7d"),
    },
  });
const habits = viewOf("7d");

const log = () =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 6 * DAY, amount: 10, fee: 125n })
    .paid({ id: 2, time: NOON - HOUR, amount: 4, fee: 5n })
    .paid({ id: 3, time: NOON - 2 * HOUR, amount: 1, fee: null })
    .paid({ id: 2, time: NOON - HOUR, amount: 7, fee: 5n })
    .paid({ id: 4, user: "bob", time: NOON - 3 * DAY, amount: 2, fee: null });

const stores = (definitions: { readonly habits: unknown }) => {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (more: { readonly habits: unknown }, data = online) =>
    openStore({
      definitions: { user, payments, ...more },
      online: { store: memoryOnlineStore(data), retention: "1d" },
      offline: { store: memoryOfflineStore(offline) },
      clock: () => date(NOON),
    });
  return { open, first: open(definitions) };
};

const ann = { burst: 2 / 3, mean: 4, busy: true, cents: "1.30", dearest: 10 };
const bob = { burst: 0, mean: 0, busy: false, cents: "0.00", dearest: 2 };
const nobody = { burst: null, mean: 0, busy: false, cents: "0.00", dearest: null };
const entities = [{ user_id: "ann" }, { user_id: "bob" }, { user_id: "nobody" }] as const;

test("online, backfilled, in training sets, materialized and over HTTP", async () => {
  const { open, first } = stores({ habits });
  const store = await first;
  await store.run(log().source());
  const expected = [ann, bob, nobody];
  expect(await store.getOnlineFeatures({ features: habits, entities })).toEqual(expected);

  const filled = await open({ habits }, memoryOnlineData());
  await filled.backfill();
  expect(await filled.getOnlineFeatures({ features: habits, entities })).toEqual(expected);

  const event_timestamp = date(NOON);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: habits,
      entities: entities.map((one) => ({ ...one, event_timestamp })),
      knowledge,
    });
    expect(set.columns.slice(2).map(({ name, type }) => `${name} ${type}`)).toEqual([
      "burst float64",
      "mean float64",
      "busy boolean",
      "cents decimal",
      "dearest float64",
    ]);
    expect(await set.rows()).toEqual(
      expected.map((one, i) => ({ ...entities[i], event_timestamp, ...one })),
    );
  }

  await store.materialize({ views: [habits], dates: ["2026-01-04"], zone: "UTC" });
  expect(await store.getMaterialized({ view: habits, entities })).toMatchObject([
    { burst: 0, mean: 0, busy: false, dearest: 10 },
    { burst: 0, mean: 0, busy: false, dearest: 2 },
    null,
  ]);

  const log_ = { write: () => undefined };
  const definitions = { user, payments, habits };
  const server = await featureServer({ store, definitions, log: log_ });
  try {
    const url = await server.listen({ port: 0 });
    const client = createClient<typeof definitions>({ url });
    expect(await client.getOnlineFeatures({ features: habits, entities })).toEqual(expected);
    const feast = await server.app.inject({
      method: "POST",
      url: "/get-online-features",
      payload: {
        features: ["habits:burst", "habits:busy"],
        entities: { user_id: ["ann", "nobody"] },
      },
    });
    expect(feast.json()).toMatchObject({
      results: [
        {},
        { values: [2 / 3, null], statuses: ["PRESENT", "NOT_FOUND"] },
        { values: [true, false], statuses: ["PRESENT", "NOT_FOUND"] },
      ],
    });
    const described = await server.app.inject({ method: "GET", url: "/v1/definitions" });
    expect(described.json().views[0].features[0].description).toBe(
      "div(count(payments) over 1d, count(payments) over 7d)",
    );
  } finally {
    await server.close();
  }
});

test("a longer window inside a function needs a backfill", async () => {
  const { open, first } = stores({ habits });
  const store = await first;
  await store.apply();
  await store.run(log().source());
  const longer = viewOf("30d");
  const changed = await open({ habits: longer });
  const { changes } = await changed.plan();
  expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "feature habits.burst",
    "view habits",
  ]);
  expect(changes[0]!.serving).toMatchObject({ kind: "backfill", code: "NEEDS_BACKFILL" });
  const [entity] = entities;
  const read = changed.getOnlineFeatures({ features: longer, entity });
  expect(await rejectionOf(read)).toMatchObject({
    code: "NEEDS_BACKFILL",
    message: expect.stringContaining("habits.burst needs a window of 30d instead of 7d"),
  });
  expect(await changed.getOnlineFeatures({ features: longer, entity, onMissing: "null" })).toEqual({
    ...ann,
    burst: null,
  });
  await changed.backfill();
  expect(await changed.getOnlineFeatures({ features: longer, entity })).toEqual(ann);
});
