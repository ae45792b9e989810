/** Tests the routes that check data: profiles, drift, skew, expectations, and the quarantine. */
import type { DriftReport, MeasuredDrift, ProfileReport, SkewReport, Store } from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import type { FeatureServer } from "@tidemark/server";
import { afterEach, describe, expect, test } from "vitest";
import { ShopLog } from "../../../../core/test/support/shop.ts";
import { ask, OPERATE, READ, tokens } from "../../support/ask-server.ts";
import { shopServer } from "../../support/shop-server.ts";

let server: (FeatureServer & { readonly store: Store }) | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("POST /v1/profile answers the store's profile", async () => {
  server = await shopServer();
  const asked = { source: "payments", columns: ["amount", "vendor"], from: "2026-01-01" };
  const { status, body } = await ask<ProfileReport>(server, "/v1/profile", { payload: asked });
  const { reference: _, counted: _counted, ...report } = await server.store.profile(asked);
  expect(status).toBe(200);
  expect(body).toMatchObject(json(report) as object);
  expect(body.all.columns.map(({ column, rows }) => [column, rows])).toEqual([
    ["amount", 2],
    ["vendor", 2],
  ]);
});

test("POST /v1/drift answers the store's drift", async () => {
  server = await shopServer();
  const asked = {
    source: "payments",
    from: "2026-01-05",
    reference: { to: "2026-01-05" },
    thresholds: { nullRate: 0.1 },
  };
  const { status, body } = await ask<DriftReport>(server, "/v1/drift", { payload: asked });
  expect(status).toBe(200);
  expect(body).toEqual(json(await server.store.drift(asked)));
  expect(body.drifted).toBeGreaterThan(0);
});

test("GET /v1/drift answers what was measured, narrowed by the query", async () => {
  server = await shopServer();
  const path = "/v1/drift?source=payments";
  expect(await ask(server, path)).toEqual({ status: 200, body: { results: [] } });
  const reference = { to: "2026-01-05" };
  const { columns } = await server.store.drift({ source: "payments", reference });
  const { status, body } = await ask<{ results: MeasuredDrift[] }>(server, path);
  expect(status).toBe(200);
  expect(body.results).toEqual(json(await server.store.driftHistory({ source: "payments" })));
  expect(body.results).toHaveLength(columns.length);
  const amount = await ask<{ results: MeasuredDrift[] }>(server, `${path}&column=amount&limit=5`);
  expect(amount.body.results.map(({ column }) => column)).toEqual(["amount"]);
  const before = await ask(server, `${path}&to=2020-01-01T00:00:00Z`);
  expect(before.body).toEqual({ results: [] });
});

test("POST /v1/skew answers the store's skew", async () => {
  server = await shopServer({}, memoryOfflineStore(), {});
  const payload = { features: ["weekly"], entities: [{ user_id: "ann" }] };
  expect((await ask(server, "/v1/features", { payload })).status).toBe(200);
  const asked = { features: ["weekly:spent_7d"], from: "2026-01-05T00:00:00Z" };
  const { status, body } = await ask<SkewReport>(server, "/v1/skew", { payload: asked });
  expect(status).toBe(200);
  expect(body).toEqual(json(await server.store.skew(asked)));
  expect(body).toMatchObject({ answers: 1, compared: 1, wrong: { values: 0, bits: 0 } });
});

test("GET /v1/quarantine/{source} lists rows with their reasons, up to a limit", async () => {
  server = await shopServer();
  await server.store.run(
    new ShopLog()
      .paid({ id: 7, time: null }, { offset: 100, lsn: 100n })
      .paid({ id: 8, time: null }, { offset: 101, lsn: 101n })
      .source(),
  );
  const all = await server.store.quarantine("payments");
  expect(all).toHaveLength(2);
  expect(await ask(server, "/v1/quarantine/payments")).toEqual({
    status: 200,
    body: {
      source: "payments",
      count: 2,
      rows: all.map((row) => ({ ...row, key: { id: String(row.key["id"]) } })),
    },
  });
  const { body } = await ask<{ count: number; rows: object[] }>(
    server,
    "/v1/quarantine/payments?limit=1",
  );
  expect([body.count, body.rows.length]).toEqual([2, 1]);
});

describe("wrong requests are refused", () => {
  const source = "payments";
  test.each<[string, object, number, string]>([
    ["/v1/profile", {}, 422, "PROFILE_INVALID"],
    ["/v1/profile", { source, view: "weekly" }, 422, "PROFILE_INVALID"],
    ["/v1/profile", { source: "payment" }, 404, "SOURCE_UNKNOWN"],
    ["/v1/profile", { source, columns: ["amont"] }, 422, "COLUMN_UNKNOWN"],
    ["/v1/profile", { source, columns: [] }, 422, "REQUEST_INVALID"],
    ["/v1/profile", { source, from: "2026-02-30" }, 422, "DATE_INVALID"],
    ["/v1/profile", { source, zone: "Mars" }, 422, "TIME_ZONE_UNKNOWN"],
    ["/v1/profile", { source, rows: [] }, 422, "REQUEST_INVALID"],
    ["/v1/drift", { source }, 422, "REQUEST_INVALID"],
    ["/v1/drift", { source, reference: {} }, 422, "DRIFT_INVALID"],
    ["/v1/drift", { source, reference: { to: "2025-01-01" } }, 422, "DRIFT_EMPTY"],
    [
      "/v1/drift",
      { source, reference: { to: "2026-01-05" }, thresholds: { psy: 1 } },
      422,
      "DRIFT_INVALID",
    ],
    ["/v1/drift", { source, reference: {}, thresholds: 1 }, 422, "REQUEST_INVALID"],
    ["/v1/skew", {}, 422, "SERVING_LOG_MISSING"],
    ["/v1/skew", { examples: 1.5 }, 422, "REQUEST_INVALID"],
    ["/v1/skew", { from: "yesterday" }, 422, "TIME_INVALID"],
    ["/v1/quality", { names: ["payments_quality"] }, 404, "QUALITY_UNKNOWN"],
    ["/v1/quality", { asOf: 5 }, 422, "TIME_INVALID"],
  ])("POST %s %j", async (path, payload, status, code) => {
    server = await shopServer();
    expect(await ask(server, path, { payload })).toMatchObject({ status, body: { code } });
  });

  test.each<[string, number, string]>([
    ["/v1/quarantine/payment", 404, "SOURCE_UNKNOWN"],
    ["/v1/quarantine/payments?limit=-1", 422, "REQUEST_INVALID"],
    ["/v1/quarantine/payments?limit=10001", 422, "REQUEST_INVALID"],
    ["/v1/quarantine/payments?limit=1&limit=2", 422, "REQUEST_INVALID"],
    ["/v1/quarantine/payments?last=1", 422, "REQUEST_INVALID"],
    ["/v1/drift", 422, "PROFILE_INVALID"],
    ["/v1/drift?source=payments&view=weekly", 422, "PROFILE_INVALID"],
    ["/v1/drift?source=payment", 404, "SOURCE_UNKNOWN"],
    ["/v1/drift?source=payments&column=amont", 422, "COLUMN_UNKNOWN"],
    ["/v1/drift?source=payments&limit=10001", 422, "REQUEST_INVALID"],
    ["/v1/drift?source=payments&from=yesterday", 422, "TIME_INVALID"],
    ["/v1/drift?source=payments&columns=amount", 422, "REQUEST_INVALID"],
  ])("GET %s", async (path, status, code) => {
    server = await shopServer();
    expect(await ask(server, path)).toMatchObject({ status, body: { code } });
  });

  test("without the scope operate", async () => {
    server = await shopServer({ tokens });
    for (const path of ["/v1/profile", "/v1/drift", "/v1/skew", "/v1/quality"]) {
      const statuses = [];
      for (const token of [undefined, READ, OPERATE])
        statuses.push(
          (
            await ask(server, path, {
              ...(token === undefined ? {} : { token }),
              payload: { no: 1 },
            })
          ).status,
        );
      expect([path, ...statuses]).toEqual([path, 401, 403, 422]);
    }
  });
});
