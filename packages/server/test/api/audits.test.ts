/** GET /v1/audits, and what the audit table says of callers of the server. */
import { memoryOfflineStore } from "@tidemark/core/testing";
import * as delta from "@tidemark/delta";
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const OPERATE = "token-of-those-who-operate";
const PUSH = "token-of-those-who-push-rows";
const tokens = [
  { name: "operator", token: OPERATE, scopes: ["operate", "read"] },
  { name: "till", token: PUSH, scopes: ["push"] },
] as const;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const ROW = { id: "1", user_id: "ann", device: "phone", time: "2026-01-05T10:00:00Z" };
const DAY = { views: ["signed_in"], dates: ["2026-01-04"] };

interface Answer {
  readonly code?: string;
  readonly message?: string;
  readonly audits: readonly Readonly<Record<string, unknown>>[];
}

async function audited(options: Parameters<typeof shopServer>[0] = { tokens }) {
  const server = await shopServer(options, memoryOfflineStore(), undefined, true);
  const post = (url: string, payload: object, token = OPERATE) =>
    server.app.inject({
      method: "POST",
      url,
      payload,
      headers: options.tokens === undefined ? {} : bearer(token),
      remoteAddress: "10.9.8.7",
    });
  const audits = async (query = "", token = OPERATE) => {
    const headers = options.tokens === undefined ? {} : bearer(token);
    const answer = await server.app.inject({ url: `/v1/audits${query}`, headers });
    return { status: answer.statusCode, ...(JSON.parse(answer.body) as Answer) };
  };
  return { server, post, audits };
}

test("actions have the caller's token and address, newest first", async () => {
  const { server, post, audits } = await audited();
  for (let i = 0; i < 3; i++)
    expect((await post("/v1/push/logins", { rows: [ROW] }, PUSH)).statusCode).toBe(200);
  const df = { id: [1], user_id: ["ann"], device: ["tab"], time: ["2026-01-05T10:00:00Z"] };
  await post("/push", { push_source_name: "logins", df }, PUSH);
  await post("/v1/push/logins", { rows: [{ id: "1" }], deletes: [{ id: "2" }] }, PUSH);
  expect((await post("/v1/materialize", DAY)).statusCode).toBe(200);
  const feast = { start_ts: "2026-01-03T00:00:00Z", end_ts: "2026-01-04T00:00:00Z" };
  expect((await post("/materialize", { ...feast, feature_views: ["weekly"] })).statusCode).toBe(
    200,
  );
  const { status, audits: rows } = await audits();
  expect(status).toBe(200);
  const from = "10.9.8.7";
  expect(rows).toHaveLength(4);
  expect(rows).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        action: "push",
        outcome: "done",
        by: "till",
        from,
        sources: ["logins"],
        counts: { calls: 4, rows: 4, deletes: 0 },
      }),
      expect.objectContaining({ action: "push", outcome: "refused", code: "PUSH_INVALID" }),
      expect.objectContaining({
        action: "materialize",
        by: "operator",
        from,
        views: ["signed_in"],
        counts: expect.objectContaining({ days: 1 }) as object,
      }),
      expect.objectContaining({ action: "materialize", by: "operator", from, views: ["weekly"] }),
    ]),
  );
  expect(JSON.stringify(rows)).not.toContain("ann");
  expect((await audits("?action=push&limit=1")).audits).toHaveLength(1);
  expect((await audits("?to=2020-01-01T00:00:00Z")).audits).toEqual([]);
  await server.close();
});

test("without tokens callers are anonymous", async () => {
  const { server, post, audits } = await audited({});
  await post("/v1/push/logins", { rows: [ROW] });
  expect((await audits()).audits).toMatchObject([{ by: "anonymous", from: "10.9.8.7" }]);
  await server.close();
});

test("a training set has its rows and views, also one that is refused", async () => {
  const { server, audits } = await audited({ tokens, trainingSets: { parquet: delta } });
  const ask = (payload: string) =>
    server.app.inject({
      method: "POST",
      url: "/v1/training-set?features=weekly,profile&wait=60s",
      payload,
      headers: { ...bearer(OPERATE), "content-type": "application/x-ndjson" },
    });
  const row = JSON.stringify({ user_id: "ann", event_timestamp: "2026-01-05T12:00:00Z" });
  expect((await ask(`${row}\n${row}`)).statusCode).toBe(200);
  expect((await ask('{"user_id":"ann"}')).statusCode).toBe(422);
  const { audits: rows } = await audits("?action=training-set");
  expect(rows.map(({ outcome, code, by }) => [outcome, code, by]).toSorted()).toEqual([
    ["done", null, "operator"],
    ["refused", "TIME_INVALID", "operator"],
  ]);
  expect(rows.find(({ outcome }) => outcome === "done")).toMatchObject({
    views: ["weekly", "profile"],
    counts: { rows: 2 },
  });
  await server.close();
});

test("the audit needs the scope operate", async () => {
  const { server, audits } = await audited();
  expect(await audits("", PUSH)).toMatchObject({ status: 403, code: "SCOPE_MISSING" });
  await server.close();
});

test("wrong queries are refused", async () => {
  const { server, audits } = await audited();
  for (const [query, code, text] of [
    ["?since=1", "REQUEST_INVALID", "since"],
    ["?action=vacuum", "REQUEST_INVALID", "action"],
    ["?limit=10001", "REQUEST_INVALID", "limit: give a whole number from 0 to 10000"],
    ["?limit=1&limit=2", "REQUEST_INVALID", "limit"],
    ["?from=yesterday", "TIME_INVALID", "from"],
  ])
    expect(await audits(query)).toMatchObject({
      status: 422,
      code,
      message: expect.stringContaining(text!) as string,
    });
  await server.close();
});

test("without an offline store the answer says what to give", async () => {
  const server = await shopServer({}, null);
  const answer = await server.app.inject("/v1/audits");
  expect([answer.statusCode, (JSON.parse(answer.body) as Answer).code]).toEqual([
    422,
    "STORE_MISSING",
  ]);
  await server.close();
});
