/** Faults of the server: 43, 45. */
import { join } from "node:path";
import { openStore } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";

import { recordedTopic } from "@tidemark/source-debezium";
import { expect, onTestFinished, test } from "vitest";
import * as definitions from "../../faults/_base/features.ts";
import { featureServer } from "../../../packages/server/src/index.ts";
import { faultFolder } from "./fault.ts";

/** A server over the payments of `_base`, at their end. */
async function paymentServer() {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => new Date("2025-06-08T00:00:00Z"),
  });
  await store.run(recordedTopic(join(faultFolder("09"), "../_base/topic.jsonl")));
  const server = await featureServer({ store, definitions });
  onTestFinished(async () => {
    await server.close();
    await store.close();
  });
  return server.app;
}

const BODY = JSON.stringify({
  features: ["activity:n_7d"],
  entities: { client_id: ["c-0", "nobody"] },
});

for (const [title, headers] of [
  ["without a content type", {}],
  ["as curl -d sends it", { "content-type": "application/x-www-form-urlencoded" }],
  ["as text", { "content-type": "text/plain;charset=UTF-8" }],
] as const)
  test(`43: a JSON body ${title} is answered`, async () => {
    const app = await paymentServer();
    for (const path of ["/get-online-features", "/get-online-features/"]) {
      const { statusCode, json } = await app.inject({
        method: "POST",
        url: path,
        payload: Buffer.from(BODY),
        headers,
      });
      expect(statusCode, path).toBe(200);
      expect((json() as { results: { values: unknown }[] }).results.at(-1)!.values).toEqual([
        10, 0,
      ]);
    }
  });

test("45: metrics have one prefix, and only counters end in _total", async () => {
  const app = await paymentServer();
  const { body } = await app.inject({ method: "GET", url: "/metrics" });
  const types = [...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  expect(types.length).toBeGreaterThan(10);
  for (const [line, name, type] of types) {
    expect(line).toMatch(/^# TYPE (tidemark|process|nodejs)_/);
    expect([line, name!.endsWith("_total")]).toEqual([line, type === "counter"]);
    expect(body).toContain(`# HELP ${name} `);
  }
});
