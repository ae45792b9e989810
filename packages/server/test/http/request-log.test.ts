/** Tests the log lines of requests. */
import { createHash } from "node:crypto";
import type { ServerOptions } from "@tidemark/server";
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const GET = "/get-online-features";
const READ = "token-of-those-who-score";
const OPERATE = "token-of-those-who-operate";
const ANN = { features: ["weekly:payments_l1w"], entities: { user_id: ["ann"] } };
const tokens: ServerOptions["tokens"] = [
  { name: "scoring", token: READ, scopes: ["read"] },
  {
    name: "night",
    sha256: createHash("sha256").update(OPERATE).digest("hex"),
    scopes: ["operate"],
  },
];
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test("a log line has caller, route and number of entities; entities only by option", async () => {
  const lines: string[] = [];
  const server = await shopServer({
    tokens,
    log: {
      write: (line) => {
        lines.push(line);
      },
    },
  });
  await server.app.inject({ method: "POST", url: GET, headers: bearer(READ), payload: ANN });
  await server.app.inject({
    method: "POST",
    url: GET,
    headers: bearer(`${READ}-wrong`),
    payload: ANN,
  });
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    {
      level: 30,
      method: "POST",
      route: GET,
      status: 200,
      entities: 1,
      caller: "scoring",
      msg: "request",
    },
    { audit: true, route: GET, status: 401 },
    { route: GET, status: 401, entities: 0 },
  ]);
  expect(lines.join("")).not.toMatch(/ann|token-of/);
  await server.close();
  const told: string[] = [];
  const talking = await shopServer({
    log: {
      write: (line) => {
        told.push(line);
      },
      entities: true,
    },
  });
  await talking.app.inject({ method: "POST", url: GET, payload: ANN });
  expect(told.join("")).toContain("ann");
  await talking.close();
});
