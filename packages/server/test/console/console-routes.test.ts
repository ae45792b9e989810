import { expect, test } from "vitest";
import { count, entity, featureView, openStore, source, string, timestamp } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type ConsoleFiles } from "@tidemark/server";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: { id: string(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { num_7d: count().over("7d") },
});
const definitions = { weekly };

const text = (body: string): Uint8Array => new TextEncoder().encode(body);
const files: ConsoleFiles = new Map([
  ["index.html", { type: "text/html; charset=utf-8", body: text("<p>page</p>"), isHashed: false }],
  ["assets/a-1.js", { type: "text/javascript", body: text("run()"), isHashed: true }],
]);

async function withConsole(read: () => Promise<ConsoleFiles>) {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
  });
  const tokens = [{ name: "ops", scopes: ["operate"] as const, token: "0123456789abcdef" }];
  return featureServer({ store, definitions, tokens, consoleFiles: read });
}

test("the console needs no token, and its files no other host", async () => {
  let reads = 0;
  const { app } = await withConsole(async () => {
    reads++;
    return files;
  });
  expect(reads).toBe(0);
  const page = await app.inject("/console/");
  expect(page.statusCode).toBe(200);
  expect(page.body).toBe("<p>page</p>");
  expect(page.headers["cache-control"]).toBe("no-cache");
  expect(page.headers["content-security-policy"]).toContain("connect-src 'self'");
  const script = await app.inject("/console/assets/a-1.js");
  expect(script.headers["content-type"]).toBe("text/javascript");
  expect(script.headers["cache-control"]).toContain("immutable");
  expect(reads).toBe(1);
  expect((await app.inject("/v1/status")).statusCode).toBe(401);
});

test("the address without a slash leads to the folder, behind a proxy's prefix too", async () => {
  const { app } = await withConsole(async () => files);
  const { statusCode, headers } = await app.inject("/console?a=1");
  expect([statusCode, headers.location]).toEqual([302, "console/?a=1"]);
});

test("an unknown file is an error by name", async () => {
  const { app } = await withConsole(async () => files);
  const answer = await app.inject("/console/no-such.js");
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({ code: "ROUTE_UNKNOWN" });
});

test("files that could not be read are read again", async () => {
  let reads = 0;
  const { app } = await withConsole(async () => {
    if (reads++ === 0) throw new Error("the disk is gone");
    return files;
  });
  expect((await app.inject("/console/")).statusCode).toBe(500);
  expect((await app.inject("/console/")).statusCode).toBe(200);
});

test("a server without the option has no console", async () => {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
  });
  const { app } = await featureServer({ store, definitions });
  expect((await app.inject("/console/")).statusCode).toBe(404);
});
