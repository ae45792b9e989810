/** Tests the audit log: who did what, and who was refused. */
import { TidemarkError } from "@tidemark/core";
import type { ServerOptions } from "@tidemark/server";
import { expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const TOKENS = {
  read: "token-of-those-who-score",
  push: "token-of-those-who-push-rows",
  operate: "token-of-those-who-operate",
} as const;
const tokens = (["read", "push", "operate"] as const).map((scope) => ({
  name: `${scope}er`,
  token: TOKENS[scope],
  scopes: [scope],
}));
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const ROW = { id: "1", user_id: "ann", device: "phone", time: "2026-03-01T10:00:00Z" };

async function auditedServer(options: Partial<ServerOptions> = {}) {
  const texts: string[] = [];
  const server = await shopServer({
    tokens,
    // the level of the log filters no line of the audit log
    log: { level: "error", write: (line) => texts.push(line) },
    ...options,
  });
  const lines = (): Record<string, unknown>[] =>
    texts.map((line) => JSON.parse(line) as Record<string, unknown>);
  const post = (url: string, payload: object | string, headers: Record<string, string>) =>
    server.app.inject({
      method: "POST",
      url,
      payload,
      headers: { "content-type": "application/json", ...headers },
      remoteAddress: "10.9.8.7",
    });
  return { server, texts, lines, post };
}

test("a push has token, address, request, source, push id and position", async () => {
  const { server, lines, post } = await auditedServer();
  const push = await post("/v1/push/logins", { rows: [ROW], id: "push-7" }, bearer(TOKENS.push));
  expect(push.statusCode).toBe(200);
  expect(lines()).toEqual([
    {
      level: 30,
      time: expect.any(Number) as number,
      pid: process.pid,
      audit: true,
      action: "push",
      outcome: "done",
      request: expect.stringMatching(/^[0-9a-f]{10}-\w+$/) as string,
      caller: "pusher",
      address: "10.9.8.7",
      method: "POST",
      route: "/v1/push/:name",
      source: "logins",
      pushId: "push-7",
      rows: 1,
      deletes: 0,
      position: (push.json() as { position: number }).position,
      msg: "audit",
    },
  ]);
  await server.close();
});

test("a push of Feast's protocol has the same members", async () => {
  const { server, lines, post } = await auditedServer();
  const df = { id: [1], user_id: ["ann"], device: ["tab"], time: ["2026-03-01T10:00:00Z"] };
  for (const [url, body] of [
    ["/push", { push_source_name: "logins", df }],
    ["/write-to-online-store", { feature_view_name: "signed_in", df }],
  ] as const)
    await post(url, body, { ...bearer(TOKENS.push), "idempotency-key": `at ${url}` });
  expect(lines()).toMatchObject(
    ["/push", "/write-to-online-store"].map((route) => ({
      audit: true,
      action: "push",
      outcome: "done",
      caller: "pusher",
      route,
      source: "logins",
      pushId: `at ${route}`,
      rows: 1,
      position: expect.any(Number) as number,
    })),
  );
  await server.close();
});

test("materializing is recorded on each route, with its views and how it ended", async () => {
  const { server, lines, post } = await auditedServer();
  const operate = bearer(TOKENS.operate);
  await post("/v1/materialize", { views: ["weekly"], dates: "2026-01-04" }, operate);
  await post("/v1/materialize", { views: ["weekly"], dates: "2999-01-01" }, operate);
  await post("/v1/materialize", { views: ["weakly"] }, operate);
  const interval = { start_ts: "2026-01-03", end_ts: "2026-01-04", feature_views: ["weekly"] };
  await post("/materialize", interval, operate);
  await post("/materialize?async=true", interval, operate);
  await server.close();
  const line = (outcome: string, more: object = {}): object => ({
    audit: true,
    action: "materialize",
    outcome,
    caller: "operateer",
    ...more,
  });
  expect(lines()).toMatchObject([
    line("done", { views: ["weekly"], days: 1 }),
    line("refused", { views: ["weekly"], code: expect.any(String) as string }),
    line("refused", { code: "VIEW_UNKNOWN" }),
    line("done", { views: ["weekly"], days: 1, route: "/materialize" }),
    line("accepted", { views: ["weekly"] }),
    line("done", { views: ["weekly"], days: expect.any(Number) as number }),
  ]);
});

test("401 and 403 are recorded without any part of the token", async () => {
  const { server, texts, lines, post } = await auditedServer();
  const wrong = `${TOKENS.read}-wrong`;
  await post("/v1/push/logins", { rows: [ROW] }, bearer(wrong));
  await post("/v1/push/logins", { rows: [ROW] }, bearer(TOKENS.read));
  await post("/get-online-features", {}, {});
  expect(lines()).toMatchObject([
    { action: "authenticate", outcome: "refused", code: "TOKEN_UNKNOWN", source: "logins" },
    { action: "authorize", outcome: "refused", code: "SCOPE_MISSING", caller: "reader" },
    { action: "authenticate", code: "TOKEN_MISSING", caller: null, address: "10.9.8.7" },
  ]);
  expect(lines()[0]!["caller"]).toBeNull();
  expect(texts.join("")).not.toMatch(/token-of|Bearer/);
  await server.close();
});

test("a push that is refused or fails is recorded, whatever step refuses it", async () => {
  const { server, lines, post } = await auditedServer({ limits: { bodyBytes: 1000 } });
  const push = bearer(TOKENS.push);
  await post("/v1/push/logins", "{", push);
  await post("/v1/push/logins", { rows: [{ ...ROW, device: "x".repeat(2000) }] }, push);
  await post("/v1/push/logins", { rows: [{ ...ROW, tme: 1 }], id: "p" }, push);
  await post("/v1/push/nowhere", { rows: [ROW] }, push);
  server.store.push = async () => {
    throw new TidemarkError("PUSH_CONTENDED", "busy", { retryable: true });
  };
  await post("/v1/push/logins", { rows: [ROW], id: "q" }, push);
  expect(lines().filter(({ audit }) => audit === true)).toMatchObject([
    { action: "push", outcome: "refused", code: "REQUEST_INVALID", source: "logins" },
    { action: "push", outcome: "refused", code: "BODY_TOO_LARGE", source: "logins" },
    { action: "push", outcome: "refused", code: "PUSH_INVALID", pushId: "p", rows: 1 },
    { action: "push", outcome: "refused", code: "SOURCE_UNKNOWN", source: "nowhere" },
    { action: "push", outcome: "failed", code: "PUSH_CONTENDED", pushId: "q" },
  ]);
  await server.close();
});

test("reads are not recorded", async () => {
  const { server, texts, post } = await auditedServer();
  await post("/get-online-features", { features: ["weekly:nothing"] }, bearer(TOKENS.read));
  expect(texts).toEqual([]);
  await server.close();
});

test("no name of a caller ends a line, hides what follows or controls a terminal", async () => {
  const { server, texts, lines, post } = await auditedServer({
    tokens: [{ name: 'a\n{"audit":true}\u2028\u009b2J', token: TOKENS.push, scopes: ["push"] }],
  });
  const evil = 'x\r\n{"audit":true,"caller":"root"}\u001b[2J\u2028\u0085';
  await post("/v1/push/logins", { rows: [ROW], id: evil }, bearer(TOKENS.push));
  await post(`/v1/push/${encodeURIComponent(evil)}`, { rows: [ROW] }, bearer(TOKENS.push));
  expect(texts).toHaveLength(2);
  for (const text of texts) expect(text).toMatch(/^[\x20-\x7e]+\n$/);
  expect(lines()).toMatchObject([{ pushId: evil }, { source: evil }]);
  await server.close();
});

test("the address is the connection's, unless a trusted proxy gives another", async () => {
  const forwarded = { "x-forwarded-for": "203.0.113.9, 10.9.8.7" };
  const addressWith = async (trustProxy: ServerOptions["trustProxy"]): Promise<unknown> => {
    const { server, lines, post } = await auditedServer({ trustProxy });
    await post("/push", {}, forwarded);
    await server.close();
    return lines()[0]!["address"];
  };
  expect(await addressWith(undefined)).toBe("10.9.8.7");
  expect(await addressWith("192.168.0.0/16")).toBe("10.9.8.7");
  expect(await addressWith(["10.0.0.0/8"])).toBe("203.0.113.9");
});

test.each([true, 1, "proxy.example", "10.0.0.0/33", ["10.0.0.1", ""]])(
  "trustProxy %j is refused",
  async (trustProxy) => {
    await expect(shopServer({ trustProxy: trustProxy as string })).rejects.toMatchObject({
      code: "SERVER_OPTIONS_INVALID",
      message: expect.stringContaining("is no address of a proxy") as string,
    });
  },
);

test("an audit log of its own takes the lines in place of the request log", async () => {
  const own: string[] = [];
  const { server, texts, post } = await auditedServer({
    audit: { write: (line) => own.push(line) },
  });
  await post("/push", {}, {});
  expect([own.length, texts.length]).toEqual([1, 0]);
  await server.close();
});
