/** Tests what a client gets for features that the server's store cannot answer yet. */
import {
  count,
  countDistinct,
  featureService,
  featureView,
  isTidemarkError,
  openStore,
} from "@tidemark/core";
import { memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { createClient } from "@tidemark/client";
import { featureServer } from "@tidemark/server";
import { expect, test } from "vitest";
import { HOUR, NOON, ShopLog, date, payments, user } from "../../core/test/support/shop.ts";

const before = featureView("spending", {
  entity: user,
  source: payments,
  features: { paid_l7d: count().over("7d") },
});
const after = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    paid_l7d: count().over("7d"),
    vendors_l1d: countDistinct(payments.vendor).over("1d"),
  },
});
const fraud = featureService("fraud_v1", [after]);
const definitions = { user, payments, after, fraud };
const entity = { user_id: "ann" } as const;

/** Starts a server with a new feature, over a store that was filled before. */
async function changedServer() {
  const data = memoryOnlineData();
  const open = (exported: { readonly [name: string]: unknown }) =>
    openStore({ definitions: exported, online: memoryOnlineStore(data), clock: () => date(NOON) });
  const changes = new ShopLog().paid({ id: 1, time: NOON - HOUR, vendor: "Hospital" });
  await (await open({ before })).run(changes.source());
  const log = { write: () => undefined };
  const server = await featureServer({ store: await open(definitions), definitions, log });
  const url = await server.listen({ port: 0 });
  return { server, url, client: createClient<typeof definitions>({ url }) };
}

test("a request names the features that need a backfill, and null answers the others", async () => {
  const { server, client } = await changedServer();
  const refusal = await client
    .getOnlineFeatures({ features: after, entity })
    .catch((error: unknown) => error);
  expect(isTidemarkError(refusal, "NEEDS_BACKFILL") ? refusal.message : refusal).toMatch(
    /^the server: feature spending\.vendors_l1d needs the column vendor, which the store does not/,
  );
  expect(await client.getOnlineFeatures({ features: after.paid_l7d, entity })).toEqual({
    paid_l7d: 1,
  });
  const expected = { paid_l7d: 1, vendors_l1d: null };
  const onMissing = "null";
  expect(await client.getOnlineFeatures({ features: after, entity, onMissing })).toEqual(expected);
  expect(await client.service("fraud_v1").getOnlineFeatures({ entity, onMissing })).toEqual(
    expected,
  );
  const { row } = await client.getOnlineFeatures({
    features: fraud,
    entity,
    onMissing,
    asOf: date(NOON),
    metadata: true,
  });
  expect(row.vendors_l1d).toEqual({ value: null, status: "NEEDS_BACKFILL", eventTime: null });
  await server.close();
});

test("requests that arrive together do not share what is missing", async () => {
  const { server, client } = await changedServer();
  const asked = Array.from({ length: 20 }, (_, i) =>
    client
      .getOnlineFeatures({ features: fraud, entity, onMissing: i % 2 === 0 ? "null" : "error" })
      .catch((error: unknown) => (isTidemarkError(error) ? error.code : error)),
  );
  expect(await Promise.all(asked)).toEqual(
    asked.map((_, i) => (i % 2 === 0 ? { paid_l7d: 1, vendors_l1d: null } : "NEEDS_BACKFILL")),
  );
  await server.close();
});

test("Feast's route refuses, because its clients drop the statuses", async () => {
  const { server, url } = await changedServer();
  const ask = (feature: string) =>
    fetch(`${url}/get-online-features`, {
      method: "POST",
      body: JSON.stringify({ features: [feature], entities: { user_id: ["ann"] } }),
    });
  const refused = await ask("spending:vendors_l1d");
  expect(refused.status).toBe(503);
  expect(await refused.text()).toContain("feature spending.vendors_l1d needs the column vendor");
  expect((await ask("spending:paid_l7d")).status).toBe(200);
  const invalid = await fetch(`${url}/v1/features`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ features: "spending", entities: [entity], onMissing: "skip" }),
  });
  expect([invalid.status, ((await invalid.json()) as { message: string }).message]).toEqual([
    422,
    'onMissing is "skip"; give "error" or "null"',
  ]);
  await server.close();
});
