/** Tests `GET /v1/connectors`. */
import type { ConnectorState, FeatureServer } from "@tidemark/server";
import { afterEach, expect, test } from "vitest";
import { ask, OPERATE, READ, tokens } from "../../support/ask-server.ts";
import { shopServer } from "../../support/shop-server.ts";

let server: FeatureServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const failed: ConnectorState = {
  name: "bank",
  state: "RUNNING",
  worker: "connect:8083",
  reason: null,
  tasks: [{ id: 0, state: "FAILED", worker: "connect:8083", reason: "no publication" }],
  error: null,
};
const unreachable: ConnectorState = {
  name: "shop",
  state: null,
  worker: null,
  reason: null,
  tasks: [],
  error: "connector shop: nothing answers",
};

test("the answer has the states, and nothing else that their objects hold", async () => {
  const connectors = async () => [
    { ...failed, config: { "database.password": "s3cret" } },
    { ...unreachable, tasks: [] },
  ];
  server = await shopServer({ connectors });
  expect(await ask(server, "/v1/connectors")).toEqual({ status: 200, body: [failed, unreachable] });
});

test("a server without the option has no connectors", async () => {
  server = await shopServer();
  expect(await ask(server, "/v1/connectors")).toEqual({ status: 200, body: [] });
});

test("the scope operate is needed", async () => {
  server = await shopServer({ tokens, connectors: async () => [failed] });
  expect((await ask(server, "/v1/connectors", { token: READ })).status).toBe(403);
  expect((await ask(server, "/v1/connectors", { token: OPERATE })).body).toEqual([failed]);
});

test("the signal aborts when the request reaches its time limit", async () => {
  let wasAborted = false;
  const connectors = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        wasAborted = true;
        reject(signal.reason as Error);
      });
    });
  server = await shopServer({ connectors, timeouts: { request: "50ms" } });
  expect((await ask(server, "/v1/connectors")).status).toBe(504);
  expect(wasAborted).toBe(true);
});
