/** Tests the routes that answer what the store says of its state. */
import { openStore, type Store } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { afterEach, expect, test } from "vitest";
import { ask, OPERATE, PERSONAL, READ, tokens } from "../../support/ask-server.ts";
import { definitions, shopServer } from "../../support/shop-server.ts";

let server: (FeatureServer & { readonly store: Store }) | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const PATHS = ["/v1/readiness", "/v1/plan", "/v1/applies", "/v1/checks"] as const;

test("the routes answer what the store says", async () => {
  server = await shopServer();
  const { store } = server;
  await store.apply({ by: "release 42" });
  await store.drift({
    source: "payments",
    from: "2026-01-05",
    reference: { from: "2025-12-30", to: "2026-01-05" },
  });
  const said = {
    "/v1/readiness": await store.readiness(),
    "/v1/plan": await store.plan(),
    "/v1/applies": await store.applies(),
    "/v1/checks": await store.checkResults(),
  };
  expect(said["/v1/readiness"]).toHaveLength(Object.keys(await store.status()).length);
  expect(said["/v1/applies"]).toMatchObject([{ by: "release 42", version: 1 }]);
  expect(said["/v1/checks"].drift.length).toBeGreaterThan(0);
  for (const path of PATHS) {
    const { status, body } = await ask(server, path);
    expect({ path, status, body }).toEqual({
      path,
      status: 200,
      body: JSON.parse(JSON.stringify(said[path])),
    });
  }
});

test("a plan before the first apply has every definition", async () => {
  server = await shopServer();
  const { body } = await ask<{ applied: null; changes: { kind: string; name: string }[] }>(
    server,
    "/v1/plan",
  );
  expect(body.applied).toBeNull();
  expect(body.changes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["weekly", "weekly.spent_7d", "payments"]),
  );
});

test("without a history, the plan and the applies are the store's error", async () => {
  server = await shopServer({}, null);
  for (const [path, call] of [
    ["/v1/plan", "plan"],
    ["/v1/applies", "applies"],
  ] as const)
    expect(await ask(server, path)).toEqual({
      status: 422,
      body: {
        code: "STORE_MISSING",
        message: expect.stringMatching(`^${call} needs an offline store`) as string,
      },
    });
  expect((await ask(server, "/v1/readiness")).status).toBe(200);
});

test("without a registry, the plan is the store's error", async () => {
  const { registry: _, ...offline } = memoryOfflineStore();
  const store = await openStore({ definitions, online: memoryOnlineStore(), offline });
  server = { ...(await featureServer({ store, definitions })), store };
  expect(await ask(server, "/v1/plan")).toMatchObject({
    status: 422,
    body: { code: "STORE_MISSING", message: expect.stringContaining("a registry") as string },
  });
});

test("the routes need the scope operate, and have only GET", async () => {
  server = await shopServer({ tokens });
  for (const path of PATHS) {
    expect([path, (await ask(server, path)).status]).toEqual([path, 401]);
    expect([path, (await ask(server, path, { token: READ })).status]).toEqual([path, 403]);
    expect([path, (await ask(server, path, { token: OPERATE })).status]).toEqual([path, 200]);
    const posted = await ask(server, path, { token: OPERATE, payload: {} });
    expect([path, posted.status]).toEqual([path, 405]);
  }
});

test("GET /v1/me says who asks, and what the token allows", async () => {
  server = await shopServer({ tokens });
  const now = server.store.now().toISOString();
  expect(await ask(server, "/v1/me", { token: READ })).toEqual({
    status: 200,
    body: { caller: "read", scopes: ["read"], personal: false, tokens: true, now },
  });
  expect(await ask(server, "/v1/me", { token: PERSONAL })).toEqual({
    status: 200,
    body: {
      caller: "personal",
      scopes: ["operate", "personal"],
      personal: true,
      tokens: true,
      now,
    },
  });
  expect((await ask(server, "/v1/me")).status).toBe(401);
  expect((await ask(server, "/v1/me", { token: "unknown-0123456789" })).status).toBe(401);
});

test("GET /v1/me of a server without tokens allows everything", async () => {
  server = await shopServer();
  expect((await ask(server, "/v1/me")).body).toEqual({
    caller: null,
    scopes: ["read", "push", "operate", "personal"],
    personal: true,
    tokens: false,
    now: server.store.now().toISOString(),
  });
});
