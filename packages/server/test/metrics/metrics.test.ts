/** Tests the counters and gauges of `/metrics`. */
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const GET = "/get-online-features";
const ANN = { features: ["weekly:payments_l1w"], entities: { user_id: ["ann"] } };

test("/metrics counts requests by route and status, entities, quarantined rows", async () => {
  const server = await shopServer();
  for (let i = 0; i < 3; i++)
    await server.app.inject({
      method: "POST",
      url: GET,
      payload: { ...ANN, entities: { user_id: ["ann", "bob"] } },
    });
  await server.app.inject({
    method: "POST",
    url: GET,
    payload: { features: ["weekly:nothing"], entities: { user_id: ["ann"] } },
  });
  const { body, headers } = await server.app.inject({ method: "GET", url: "/metrics" });
  expect(headers["content-type"]).toContain("text/plain");
  expect(body).toContain(`tidemark_http_requests_total{route="${GET}",status="200"} 3`);
  expect(body).toMatch(
    new RegExp(`tidemark_http_requests_total\\{route="${GET}",status="4\\d\\d"\\} 1`),
  );
  expect(body).toMatch(new RegExp(`tidemark_http_entities_total\\{route="${GET}"\\} [67]\n`));
  expect(body).toMatch(/quarantined_changes_total\{[^}]*source="payments"[^}]*\} 0/);
  expect(body).toMatch(/quarantined_rows\{[^}]*source="payments"[^}]*\} 0/);
  await server.close();
});

test("a metric's name ends in _total exactly when the metric is a counter", async () => {
  const server = await shopServer();
  await server.app.inject({ method: "POST", url: GET, payload: ANN });
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  const types = [...body.matchAll(/^# TYPE ((?:tidemark|quarantined)_\w+) (\w+)$/gm)];
  expect(types.length).toBe(12);
  for (const [line, name, type] of types)
    expect([line, name!.endsWith("_total")]).toEqual([line, type === "counter"]);
  await server.close();
});
