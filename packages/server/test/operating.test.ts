/**
 * Tests the operation of a server: authentication, limits, logs, metrics, and a shutdown without
 * lost requests.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import type { ServerOptions } from "@tidemark/server";
import { describe, expect, test } from "vitest";
import { shopServer } from "./api/shop-server.ts";

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
const codeOf = (text: string): string => (JSON.parse(text) as { readonly code: string }).code;

describe("tokens", () => {
  test("each route requires its scope; a token may be given as its SHA-256", async () => {
    const server = await shopServer({ tokens });
    const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
      (
        await server.app.inject(
          url === "/metrics" || url === "/health"
            ? { method: "GET", url, headers }
            : { method: "POST", url, headers, payload: {} },
        )
      ).statusCode;
    expect([
      await statusOf("/health"),
      await statusOf("/metrics"),
      await statusOf("/metrics", bearer(READ)),
      await statusOf("/metrics", bearer(OPERATE)),
    ]).toEqual([200, 401, 403, 200]);
    // read may not push and operate may not read; an allowed request fails at its wrong body
    for (const url of [
      "/push",
      "/write-to-online-store",
      "/materialize",
      "/materialize-incremental",
    ])
      expect([url, await statusOf(url), await statusOf(url, bearer(READ))]).toEqual([
        url,
        401,
        403,
      ]);
    expect([await statusOf(GET, bearer(OPERATE)), await statusOf(GET, bearer(READ))]).toEqual([
      403, 422,
    ]);
    expect([
      await statusOf("/materialize", bearer(OPERATE)),
      await statusOf(GET, { authorization: "Basic abc" }),
      await statusOf(GET, bearer(`${READ}x`)),
    ]).toEqual([422, 401, 401]);
    await server.close();
  });

  test("a weak token, no scope or a wrong digest is refused before listening", async () => {
    const made = (token: object): Promise<string> =>
      shopServer({ tokens: [{ name: "t", ...token } as never] }).then(
        () => "made",
        (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
      );
    expect(await made({ token: "short", scopes: ["read"] })).toMatch(
      /^SERVER_OPTIONS_INVALID: .*16 visible/,
    );
    expect(await made({ token: READ, scopes: [] })).toMatch(/^SERVER_OPTIONS_INVALID: .*no scope/);
    expect(await made({ sha256: "12", scopes: ["read"] })).toMatch(
      /^SERVER_OPTIONS_INVALID: .*64 hexadecimal/,
    );
    for (const text of [await made({ token: "short", scopes: ["read"] })])
      expect(text).not.toContain("short");
  });

  test("beyond this machine a server without tokens does not listen", async () => {
    const server = await shopServer();
    await expect(server.listen({ host: "0.0.0.0", port: 0 })).rejects.toMatchObject({
      code: "SERVER_OPEN",
      message: expect.stringContaining("anonymous") as string,
    });
    await server.close();
  });
});

describe("limits", () => {
  test("larger bodies and more entities or features than allowed are refused", async () => {
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

  test("a limit that there is not, or that is no number above zero, is refused", async () => {
    await expect(shopServer({ limits: { entites: 3 } as never })).rejects.toMatchObject({
      code: "SERVER_OPTIONS_INVALID",
    });
    await expect(shopServer({ limits: { entities: 0 } })).rejects.toMatchObject({
      code: "SERVER_OPTIONS_INVALID",
    });
  });

  test("beyond the limit requests are told to retry; slow requests are ended", async () => {
    const server = await shopServer({ limits: { inFlight: 2, requestMs: 300 } });
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

describe("what it tells", () => {
  test("a log line says who asked what and how many; entities only on request", async () => {
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

  test("metrics count requests by route and status, entities, and sources", async () => {
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
});

test(
  "drain: callers go on, health is 503, every begun request is answered",
  { timeout: 60_000 },
  async () => {
    const server = await shopServer();
    const url = new URL(await server.listen({ port: 0 }));
    const seen = { answered: 0, cut: [] as string[] };
    const payload = JSON.stringify(ANN);
    /** A caller behind a balancer: it keeps its connection until an answer closes it. */
    async function caller(): Promise<void> {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let told = false; !told;) {
        const asked = request({
          host: url.hostname,
          port: url.port,
          path: GET,
          method: "POST",
          agent,
          headers: {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(payload)),
          },
        });
        asked.end(payload);
        try {
          const [answer] = (await once(asked, "response")) as [IncomingMessage];
          let text = "";
          for await (const chunk of answer) text += String(chunk);
          if (answer.statusCode === 200 && text.includes("PRESENT")) seen.answered++;
          else seen.cut.push(`${answer.statusCode}: ${text}`);
          told = answer.headers.connection === "close";
        } catch (error) {
          seen.cut.push(String(error));
          told = true;
        }
      }
      agent.destroy();
    }
    const callers = Array.from({ length: 20 }, caller);
    while (seen.answered < 200 && seen.cut.length === 0)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    const before = seen.answered;
    const drained = server.drain({ shutdownGracePeriod: 300 });
    expect((await fetch(new URL("/health", url))).status).toBe(503);
    await Promise.all(callers);
    await drained;
    expect(seen.cut).toEqual([]);
    expect(seen.answered).toBeGreaterThan(before);
    await expect(fetch(url)).rejects.toThrow();
  },
);
