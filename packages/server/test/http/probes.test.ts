/** Tests the probes: `/health` looks at no data, and `/ready` says why a server is not ready. */
import {
  count,
  countDistinct,
  featureView,
  openStore,
  TidemarkError,
  type OnlineOptions,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { expect, test } from "vitest";
import {
  HOUR,
  NOON,
  ShopLog,
  customers,
  date,
  payments,
  profile,
  user,
} from "../../../core/test/support/shop.ts";
import { logins, shopServer, signedIn } from "../support/shop-server.ts";

const narrow = featureView("narrow", {
  entity: user,
  source: payments,
  features: { paid_l7d: count().over("7d") },
});
const wide = featureView("wide", {
  entity: user,
  source: payments,
  features: {
    paid_l1d: count().over("1d"),
    vendors_l1d: countDistinct(payments.vendor).over("1d"),
  },
});
const log = (): ShopLog => new ShopLog().paid({ id: 1, time: NOON - HOUR }).customer(1, "Riga");

/** Starts a server of definitions over an online store and a history. */
async function serverOf(
  definitions: { readonly [name: string]: unknown },
  data = memoryOnlineData(),
  offline = memoryOfflineStore(),
  options: Partial<OnlineOptions> = {},
) {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(data), ...options },
    offline,
    clock: () => date(NOON),
  });
  const server = await featureServer({ store, definitions, log: { write: () => undefined } });
  return { store, server, data, offline };
}

interface Ready {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly sources: readonly Readonly<Record<string, unknown>>[];
}

async function ready(
  { app }: FeatureServer,
  url = "/ready",
): Promise<{ readonly status: number; readonly body: Ready }> {
  const answer = await app.inject({ method: "GET", url });
  return { status: answer.statusCode, body: answer.json() };
}

const healthOf = async ({ app }: FeatureServer): Promise<number> =>
  (await app.inject({ method: "GET", url: "/health" })).statusCode;

test("a server over filled stores is healthy and ready", async () => {
  const server = await shopServer();
  expect(await healthOf(server)).toBe(200);
  const { status, body } = await ready(server);
  expect([status, body.ready]).toEqual([200, true]);
  expect(body.sources.every(({ ready: one }) => one === true)).toBe(true);
  await server.close();
});

test("an empty online store beside a history is healthy, not ready, and answers no 0", async () => {
  const definitions = { user, payments, narrow, customers, profile, logins, signedIn };
  const filled = await serverOf(definitions);
  await filled.store.run(log().source());
  const { server, store } = await serverOf(definitions, memoryOnlineData(), filled.offline);
  expect(await healthOf(server)).toBe(200);
  const { status, body } = await ready(server);
  expect([status, body]).toEqual([
    503,
    {
      ready: false,
      draining: false,
      sources: [
        {
          source: "payments",
          ready: false,
          reason: "NOT_READY",
          message: "it was never level with its log or history: run tidemark backfill",
          needsBackfill: 0,
        },
        expect.objectContaining({ source: "customers", reason: "NOT_READY" }),
        { source: "logins", ready: true, reason: null, message: null, needsBackfill: 0 },
      ],
    },
  ]);
  expect((await ready(server, "/ready?onMissing=null")).status).toBe(503);
  const answer = await server.app.inject({
    method: "POST",
    url: "/v1/features",
    headers: { "content-type": "application/json" },
    payload: { features: ["narrow"], entities: [{ user_id: "ann" }] },
  });
  expect([answer.statusCode, answer.headers["retry-after"], answer.json()]).toEqual([
    503,
    "1",
    {
      code: "NOT_READY",
      message: expect.stringMatching(
        /^the server: source "payments" was never level .*GET \/ready answers 200 \(reference/,
      ) as string,
      reference: expect.any(String) as string,
    },
  ]);
  await store.backfill();
  await new Promise((resolve) => {
    setTimeout(resolve, 600);
  });
  expect((await ready(server)).status).toBe(200);
  await server.close();
});

test("features that need a backfill are counted; who takes null may still ask", async () => {
  const before = await serverOf({ user, payments, narrow });
  await before.store.run(log().source());
  const { server } = await serverOf(
    { user, payments, narrow, wide },
    before.data,
    memoryOfflineStore(),
  );
  const { status, body } = await ready(server);
  expect([status, body.sources]).toEqual([
    503,
    [
      {
        source: "payments",
        ready: false,
        reason: "NEEDS_BACKFILL",
        message:
          "1 feature needs a backfill: the history has nothing of it, so read its log from the " +
          "beginning with tidemark run",
        needsBackfill: 1,
      },
    ],
  ]);
  expect((await ready(server, "/ready?onMissing=null")).status).toBe(200);
  const { body: metrics } = await server.app.inject({ method: "GET", url: "/metrics" });
  expect(metrics).toContain('tidemark_source_ready{source="payments"} 1');
  expect(metrics).toContain('tidemark_features_needing_backfill{source="payments"} 1');
  await server.close();
});

test("a store that does not answer is a reason by its code", async () => {
  const { server, store } = await serverOf({ user, payments, narrow });
  const read = store.readiness.bind(store);
  await store.run(log().source());
  const gone = new TidemarkError("ONLINE_FILE_GONE", "sqlite online store /srv/online.db: gone");
  const online = memoryOnlineStore();
  await online.open({ namespace: "default" });
  const failing = await openStore({
    definitions: { user, payments, narrow },
    online: { ...online, open: async () => undefined, read: () => Promise.reject(gone) },
  });
  Object.assign(store, { readiness: () => failing.readiness() });
  const { status, body } = await ready(server);
  expect([status, body.sources]).toEqual([
    503,
    [
      {
        source: "payments",
        ready: false,
        reason: "ONLINE_FILE_GONE",
        message: "the online store does not answer (ONLINE_FILE_GONE): see the log of the process",
        needsBackfill: 0,
      },
    ],
  ]);
  expect(await healthOf(server)).toBe(200);
  Object.assign(store, { readiness: read });
  await server.close();
});

test("serveWhileFilling answers from a source that was never level", async () => {
  const definitions = { user, payments, narrow };
  const { server } = await serverOf(definitions, memoryOnlineData(), memoryOfflineStore(), {
    serveWhileFilling: true,
  });
  expect((await ready(server)).status).toBe(200);
  const answer = await server.app.inject({
    method: "POST",
    url: "/v1/features",
    headers: { "content-type": "application/json" },
    payload: { features: ["narrow"], entities: [{ user_id: "ann" }] },
  });
  expect([answer.statusCode, answer.json<{ rows: unknown }>().rows]).toEqual([
    200,
    [{ paid_l7d: 0 }],
  ]);
  const { body: metrics } = await server.app.inject({ method: "GET", url: "/metrics" });
  expect(metrics).toContain('tidemark_source_ready{source="payments"} 0');
  await server.close();
});

test('onMissing: "null" answers the sources that are ready', async () => {
  const before = await serverOf({ user, payments, narrow });
  await before.store.run(log().source());
  const { store, server } = await serverOf(
    { user, payments, narrow, customers, profile },
    before.data,
  );
  const { row } = await store.getOnlineFeatures({
    features: [narrow, profile],
    entity: { user_id: "ann" },
    onMissing: "null",
    metadata: true,
  });
  expect(row).toMatchObject({
    paid_l7d: { value: 1, status: "PRESENT" },
    city: { value: null, status: "NOT_READY" },
  });
  await server.close();
});
