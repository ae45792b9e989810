import {
  count,
  entity,
  featureService,
  featureView,
  int64,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";
import { createClient, type ClientOptions } from "@tidemark/client";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: int64(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const activity = featureView("activity", {
  entity: user,
  source: logins,
  features: { n: count().over("1d") },
});
const fraud = featureService("fraud", [activity]);
const request = { features: fraud, entities: [{ user_id: "ann" }] } as const;
const OK = { status: 200, body: { asOf: "2026-01-05T12:00:00.000000Z", rows: [{ n: 3 }] } };

type ScriptedAnswer =
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | "reset"
  | "silence";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of closers.splice(0)) await end();
});

/** Starts a server that gives these answers one after the other, and repeats the last. */
async function scriptedServer(...said: readonly ScriptedAnswer[]) {
  const seen: {
    readonly url: string;
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
    readonly port: number;
  }[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on("end", () => {
      const now = said[Math.min(seen.length, said.length - 1)]!;
      seen.push({
        url: incoming.url!,
        headers: incoming.headers,
        body,
        port: incoming.socket.remotePort!,
      });
      if (now === "reset") incoming.socket.resetAndDestroy();
      else if (now !== "silence")
        outgoing
          .writeHead(now.status, { "content-type": "application/json", ...now.headers })
          .end(typeof now.body === "string" ? now.body : JSON.stringify(now.body));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    seen,
    url,
    client: (options: Partial<ClientOptions> = {}) =>
      createClient<{ readonly fraud: typeof fraud }>({ url, ...options }),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "none",
    (error: unknown) => (error as { readonly code?: unknown }).code ?? (error as Error).name,
  );
}

test.each(["/features", "/features/"])("a url with the path %s is a proxy's", async (path) => {
  const { seen, url, client } = await scriptedServer(OK);
  await client({ url: `${url}${path}` }).getOnlineFeatures(request);
  expect(seen.map((one) => one.url)).toEqual(["/features/v1/features"]);
});

describe("retries", () => {
  test.each<[string, ScriptedAnswer]>([
    [
      "an answer of 503",
      {
        status: 503,
        body: { code: "SERVER_BUSY", message: "busy" },
        headers: { "retry-after": "0" },
      },
    ],
    [
      "an answer of 503 without Retry-After",
      { status: 503, body: { code: "SERVER_DRAINING", message: "draining" } },
    ],
    ["the 502 of a proxy", { status: 502, body: "<html>" }],
    ["a reset connection", "reset"],
  ])("after %s a read is repeated, and answered", async (_, first) => {
    const { seen, client } = await scriptedServer(first, OK);
    expect([...(await client().getOnlineFeatures(request))]).toEqual([{ n: 3 }]);
    expect(seen).toHaveLength(2);
    expect(seen[1]!.body).toBe(seen[0]!.body);
  });

  test("a push is repeated with the same id, so that it takes effect once", async () => {
    const { seen, client } = await scriptedServer("reset", {
      status: 200,
      body: { rows: 1, deletes: 0, position: 0, committed: null },
    });
    await client().push(logins, [
      {
        id: 9_223_372_036_854_775_807n,
        user_id: "ann",
        time: new Date("2026-01-05T12:00:00.500Z"),
      },
    ]);
    const [first, second] = seen.map(
      ({ body }) => JSON.parse(body) as { readonly id: string; readonly rows: unknown },
    );
    expect(second).toEqual(first);
    expect(first!.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(first!.rows).toEqual([
      { id: "9223372036854775807", user_id: "ann", time: "2026-01-05T12:00:00.500000Z" },
    ]);
  });

  test("after all retries a call fails with the server's code or SERVER_UNAVAILABLE", async () => {
    const busy = await scriptedServer({
      status: 503,
      body: { code: "SERVER_BUSY", message: "busy" },
      headers: { "retry-after": "0" },
    });
    expect([
      await codeOf(busy.client({ retries: 3 }).getOnlineFeatures(request)),
      busy.seen.length,
    ]).toEqual(["SERVER_BUSY", 4]);
    const gone = await scriptedServer("reset");
    expect([
      await codeOf(gone.client({ retries: 0 }).getOnlineFeatures(request)),
      gone.seen.length,
    ]).toEqual(["SERVER_UNAVAILABLE", 1]);
    expect(
      await codeOf(createClient({ url: "http://127.0.0.1:65535" }).getOnlineFeatures(request)),
    ).toBe("SERVER_UNAVAILABLE");
  });

  test("an error that a retry cannot change is not retried", async () => {
    const told = [
      [422, "KEY_INVALID"],
      [404, "FEATURE_UNKNOWN"],
      [401, "TOKEN_UNKNOWN"],
      [500, "INTERNAL"],
      [503, "NEEDS_BACKFILL"],
    ] as const;
    for (const [status, code] of told) {
      const { seen, client } = await scriptedServer({
        status,
        body: { code, message: `${code} it is` },
      });
      await expect(client().getOnlineFeatures(request)).rejects.toMatchObject({
        name: "TidemarkError",
        code,
        message: `${code} it is`,
      });
      expect(seen).toHaveLength(1);
    }
  });
});

describe("time limits", () => {
  test("a server that does not answer is SERVER_TIMED_OUT after one attempt", async () => {
    const { seen, client } = await scriptedServer("silence");
    expect(await codeOf(client({ timeout: "100ms" }).getOnlineFeatures(request))).toBe(
      "SERVER_TIMED_OUT",
    );
    expect(seen).toHaveLength(1);
  });

  test("the timeout limits all attempts and the delays between them together", async () => {
    const { seen, client } = await scriptedServer({
      status: 503,
      body: { code: "SERVER_BUSY", message: "busy" },
      headers: { "retry-after": "60" },
    });
    expect(
      await codeOf(client({ timeout: "300ms", retries: 1000 }).getOnlineFeatures(request)),
    ).toBe("SERVER_TIMED_OUT");
    expect(seen).toHaveLength(1);
  });

  test("a signal ends a call with its reason: before, during, and between attempts", async () => {
    const { seen, client } = await scriptedServer("silence");
    const reason = new Error("no longer wanted");
    await expect(
      client().getOnlineFeatures({ ...request, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect(seen).toHaveLength(0);
    const waiting = new AbortController();
    const answer = client().getOnlineFeatures({ ...request, signal: waiting.signal });
    await expect.poll(() => seen.length).toBe(1);
    waiting.abort(reason);
    await expect(answer).rejects.toBe(reason);
    const busy = await scriptedServer({
      status: 503,
      body: { code: "SERVER_BUSY", message: "busy" },
      headers: { "retry-after": "60" },
    });
    const pausing = new AbortController();
    const paused = busy.client().getOnlineFeatures({ ...request, signal: pausing.signal });
    await expect.poll(() => busy.seen.length).toBe(1);
    pausing.abort(reason);
    await expect(paused).rejects.toBe(reason);
  });
});

test("calls reuse the connection", async () => {
  const { seen, client } = await scriptedServer(OK);
  const one = client();
  for (let i = 0; i < 30; i++) await one.getOnlineFeatures(request);
  expect(new Set(seen.map(({ port }) => port)).size).toBeLessThan(5);
});

test("each request has the token; a token function is called for each request", async () => {
  const { seen, client } = await scriptedServer(OK);
  await client({ token: "abc" }).getOnlineFeatures(request);
  let asked = 0;
  const changing = client({ token: async () => `t${++asked}` });
  await changing.getOnlineFeatures(request);
  await changing.getOnlineFeatures(request);
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer abc",
    "Bearer t1",
    "Bearer t2",
  ]);
});

describe("invalid answers", () => {
  test.each<[string, ScriptedAnswer, string]>([
    ["a page of a proxy", { status: 200, body: "<html>" }, "ANSWER_INVALID"],
    ["an error page", { status: 404, body: "<html>" }, "ANSWER_INVALID"],
    ["a missing feature", { status: 200, body: { asOf: "x", rows: [{}] } }, "DEFINITIONS_DIFFER"],
    [
      "a feature of another type",
      { status: 200, body: { asOf: "x", rows: [{ n: "3" }] } },
      "DEFINITIONS_DIFFER",
    ],
    [
      "too few rows",
      { status: 200, body: { asOf: "x", rows: [{ n: 3 }, { n: 4 }] } },
      "DEFINITIONS_DIFFER",
    ],
    ["a list in place of an object", { status: 200, body: [] }, "DEFINITIONS_DIFFER"],
  ])("%s is refused", async (_, said, code) => {
    expect(await codeOf((await scriptedServer(said)).client().getOnlineFeatures(request))).toBe(
      code,
    );
  });

  test("a redirect is not followed, because the token would follow", async () => {
    const other = await scriptedServer(OK);
    const { client } = await scriptedServer({
      status: 307,
      body: "",
      headers: { location: `${other.url}/v1/features` },
    });
    expect([
      await codeOf(client({ token: "secret" }).getOnlineFeatures(request)),
      other.seen.length,
    ]).toEqual(["ANSWER_INVALID", 0]);
  });
});

describe("errors before a request is sent", () => {
  test("wrong keys, times and values get the store's codes", async () => {
    const { seen, client } = await scriptedServer(OK);
    expect(
      await codeOf(
        client().getOnlineFeatures({ features: fraud, entities: [{ user_id: 5 as never }] }),
      ),
    ).toBe("KEY_INVALID");
    expect(await codeOf(client().getOnlineFeatures({ ...request, asOf: 5 as never }))).toBe(
      "TIME_INVALID",
    );
    expect(
      await codeOf(client().push(logins, [{ id: "5" as never, user_id: "ann", time: new Date() }])),
    ).toBe("PUSH_INVALID");
    expect(seen).toHaveLength(0);
  });

  test("an unknown option is refused, and the error suggests the nearest name", () => {
    expect(() => createClient({ url: "http://a", retrys: 1 } as { url: string })).toThrow(
      expect.objectContaining({
        code: "OPTION_UNKNOWN",
        message: expect.stringContaining('did you mean "retries"?') as string,
      }),
    );
  });

  test("the token does not go over plain HTTP to another machine, unless that is allowed", () => {
    const token = "a-token-of-this-test";
    for (const url of [
      "http://features.bank.example",
      "http://10.1.2.3:6570",
      "http://localhost.a",
    ])
      expect(() => createClient({ url, token })).toThrow(
        expect.objectContaining({ code: "CREDENTIALS_UNENCRYPTED" }),
      );
    for (const options of [
      { url: "https://features.bank.example", token },
      { url: "http://127.0.0.1:6570", token },
      { url: "http://[::1]:6570", token },
      { url: "http://localhost:6570", token },
      { url: "http://features.bank.example" },
      { url: "http://features.bank.example", token, allowInsecure: true },
    ])
      createClient(options);
  });

  test("an error of the server shows its reference", async () => {
    const body = { code: "INTERNAL", message: "it failed (reference ab-1)", reference: "ab-1" };
    const client = createClient({
      url: "http://127.0.0.1:1",
      retries: 0,
      fetch: async () => new Response(JSON.stringify(body), { status: 500 }),
    });
    await expect(client.status()).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("(reference ab-1)") as string,
    });
  });

  test.each([["ftp://a"], ["features.bank.example"], ["http://me:secret@a"], ["http://a?x=1"]])(
    "url %s is refused",
    (url) => {
      expect(() => createClient({ url })).toThrow(
        expect.objectContaining({ code: "CLIENT_OPTIONS_INVALID" }),
      );
      expect(() => createClient({ url })).not.toThrow("secret");
    },
  );

  test.each(["0ms", "5 s", "25d", 5000])("a timeout of %s is refused", (timeout) => {
    expect(() => createClient({ url: "http://a", timeout: timeout as "5s" })).toThrow(
      expect.objectContaining({
        code: "DURATION_INVALID",
        message: expect.stringContaining("createClient: timeout") as string,
      }) as Error,
    );
  });
  test.each([[{ retries: 1.5 }], [{ retries: -1 }]])("%j is refused", (options) => {
    expect(() => createClient({ url: "http://a", ...options })).toThrow("give a whole number");
  });
});

describe("a service by name", () => {
  const definitions = (kind: string) => ({
    status: 200,
    body: {
      services: [
        {
          name: "fraud",
          keys: [{ name: "user_id", type: "string", nullable: false }],
          features: [{ name: "n", type: kind, nullable: false, mode: "number" }],
        },
      ],
    },
  });

  test("reads the definitions of the server once", async () => {
    const { seen, client } = await scriptedServer(definitions("int64"), OK);
    const service = client().service("fraud");
    for (let i = 0; i < 2; i++)
      expect([...(await service.getOnlineFeatures({ entities: [{ user_id: "ann" }] }))]).toEqual([
        { n: 3 },
      ]);
    expect(seen.map(({ url }) => url)).toEqual([
      "/v1/definitions",
      "/v1/services/fraud/features",
      "/v1/services/fraud/features",
    ]);
  });

  test("reads the definitions again when they have changed", async () => {
    const { seen, client } = await scriptedServer(
      definitions("string"),
      OK,
      definitions("int64"),
      OK,
    );
    expect([
      ...(await client()
        .service("fraud")
        .getOnlineFeatures({ entities: [{ user_id: "ann" }] })),
    ]).toEqual([{ n: 3 }]);
    expect(seen).toHaveLength(4);
  });

  test("is SERVICE_UNKNOWN when the server does not have it", async () => {
    const { client } = await scriptedServer({ status: 200, body: { services: [] } });
    expect(
      await codeOf(
        client()
          .service("fraud")
          .getOnlineFeatures({ entities: [{ user_id: "ann" }] }),
      ),
    ).toBe("SERVICE_UNKNOWN");
  });
});
