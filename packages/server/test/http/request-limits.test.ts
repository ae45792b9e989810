/** Tests the limits of one request, and of all requests together. */
import { describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const codeOf = (text: string): string => (JSON.parse(text) as { readonly code: string }).code;

describe("limits", () => {
  test("a body, entities or features beyond the limit are refused", async () => {
    const server = await shopServer({ limits: { bodyBytes: 2000, entities: 3, features: 2 } });
    const post = async (payload: object) =>
      server.app.inject({ method: "POST", url: "/v1/features", payload });
    const ann = { user_id: "ann" };
    const body = await post({
      features: ["weekly:payments_l1w"],
      entities: [{ user_id: "x".repeat(3000) }],
    });
    expect([body.statusCode, codeOf(body.body)]).toEqual([413, "BODY_TOO_LARGE"]);
    const entities = await post({
      features: ["weekly:payments_l1w"],
      entities: [ann, ann, ann, ann],
    });
    expect([entities.statusCode, codeOf(entities.body)]).toEqual([422, "TOO_MANY_ENTITIES"]);
    expect(
      (await post({ features: ["weekly:payments_l1w"], entities: [ann, ann, ann] })).statusCode,
    ).toBe(200);
    const many = await post({
      features: ["weekly:payments_l1w", "weekly:spent_7d", "weekly:fees_l1w"],
      entities: [ann],
    });
    expect([many.statusCode, codeOf(many.body)]).toEqual([422, "TOO_MANY_FEATURES"]);
    await server.close();
  });

  test("requests beyond requestsInFlight are 503 with Retry-After, slow ones 504", async () => {
    const server = await shopServer({
      limits: { requestsInFlight: 2 },
      timeouts: { request: "1s" },
    });
    // a store that never answers: only this holds a request long enough for the test
    const stuck = new Promise<never>(() => undefined);
    const real = server.store.getOnlineColumns;
    Object.assign(server.store, { getOnlineColumns: () => stuck });
    const ask = () =>
      server.app.inject({
        method: "POST",
        url: "/v1/features",
        payload: { features: ["weekly:payments_l1w"], entities: [{ user_id: "ann" }] },
      });
    const three = (await Promise.all([ask(), ask(), ask()])).map((one) => [
      one.statusCode,
      one.headers["retry-after"],
      codeOf(one.body),
    ]);
    expect(three.toSorted()).toEqual([
      [503, "1", "SERVER_BUSY"],
      [504, undefined, "REQUEST_TIMED_OUT"],
      [504, undefined, "REQUEST_TIMED_OUT"],
    ]);
    Object.assign(server.store, { getOnlineColumns: real });
    expect((await ask()).statusCode).toBe(200);
    await server.close();
  });
});
