/** Tests the health check. */
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

test("it is healthy as long as its store answers, and says so to whoever watches", async () => {
  const server = await shopServer();
  expect((await server.app.inject({ method: "GET", url: "/health" })).statusCode).toBe(200);
  await server.close();
  const away = await shopServer();
  Object.assign(away.store, {
    getOnlineColumns: () => Promise.reject(new Error("the disk is gone")),
  });
  expect((await away.app.inject({ method: "GET", url: "/health" })).statusCode).toBe(503);
  await away.close();
});
