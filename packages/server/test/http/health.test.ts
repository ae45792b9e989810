/** Tests the health check. */
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

test("/health is 200 while the store answers, and 503 otherwise", async () => {
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
