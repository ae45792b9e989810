/** `POST /v1/timeline` answers how the features of an entity move. */
import type { Store, Timeline } from "@tidemark/core";
import type { FeatureServer } from "@tidemark/server";
import { afterEach, describe, expect, test } from "vitest";
import { ask, OPERATE, READ, tokens } from "../../support/ask-server.ts";
import { shopServer } from "../../support/shop-server.ts";

let server: (FeatureServer & { readonly store: Store }) | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const asked = {
  features: ["weekly:spent_1h as hour", "profile"],
  entity: { user_id: "ann" },
  from: "2026-01-05T10:00:00Z",
  to: "2026-01-05T13:00:00Z",
};

describe("POST /v1/timeline", () => {
  test("answers each change, and equals the answer at that time", async () => {
    server = await shopServer();
    const { status, body } = await ask<Timeline>(server, "/v1/timeline", {
      payload: { ...asked, knowledge: "as-corrected" },
    });
    expect(status).toBe(200);
    const hour = body.features[0]!;
    expect(hour).toMatchObject({ name: "hour", feature: "weekly.spent_1h", isExact: true });
    expect(hour.points.map(({ at, value }) => [at, value])).toEqual([
      ["2026-01-05T10:00:00.000000Z", 0],
      ["2026-01-05T11:00:00.000001Z", 0.1],
      ["2026-01-05T12:00:00.000001Z", 0],
    ]);
    for (const { at, value } of hour.points) {
      const answer = await ask<{ rows: { hour: number }[] }>(server, "/v1/features", {
        payload: { features: asked.features[0], entities: [asked.entity], asOf: at },
      });
      expect([at, answer.body.rows[0]!.hour]).toEqual([at, value]);
    }
    expect(body.features.map(({ name }) => name)).toContain("city");
  });

  test.each<[string, object, number, string]>([
    ["no features", { features: undefined }, 422, "REQUEST_INVALID"],
    ["an unknown feature", { features: "weekly:spend" }, 404, "FEATURE_UNKNOWN"],
    ["no entity", { entity: undefined }, 422, "REQUEST_INVALID"],
    ["a wrong key", { entity: { user: "ann" } }, 422, "KEY_INVALID"],
    ["no beginning", { from: undefined }, 422, "REQUEST_INVALID"],
    ["an end before it", { to: "2026-01-05T09:00:00Z" }, 422, "OPTION_INVALID"],
    ["a wrong time", { to: "later" }, 422, "TIME_INVALID"],
    ["too many points", { maxPoints: 5_001 }, 422, "REQUEST_INVALID"],
    ["an unknown member", { asOf: "2026-01-05T09:00:00Z" }, 422, "REQUEST_INVALID"],
  ])("%s is refused", async (_, change, status, code) => {
    server = await shopServer();
    const payload = { ...asked, ...change };
    expect(await ask(server, "/v1/timeline", { payload })).toMatchObject({
      status,
      body: { code },
    });
  });

  test("needs a history, and the scope operate", async () => {
    server = await shopServer({ tokens }, null);
    expect((await ask(server, "/v1/timeline", { payload: asked })).status).toBe(401);
    expect((await ask(server, "/v1/timeline", { payload: asked, token: READ })).status).toBe(403);
    expect(await ask(server, "/v1/timeline", { payload: asked, token: OPERATE })).toMatchObject({
      status: 422,
      body: { code: "STORE_MISSING" },
    });
  });
});
