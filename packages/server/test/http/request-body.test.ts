/** Bodies as curl, Python's requests, pandas and browsers send them. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOON } from "../../../core/test/support/shop.ts";
import { shopServer } from "../support/shop-server.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
let url: string;
beforeAll(async () => {
  server = await shopServer({});
  url = await server.listen({ port: 0 });
});
afterAll(() => server.close());

const FEAST = "/get-online-features";
const asked = JSON.stringify({
  features: ["weekly:payments_l1w"],
  entities: { user_id: ["ann", "bob"] },
});

async function send(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<{ readonly status: number; readonly text: string }> {
  // fetch adds text/plain to a string, and nothing to bytes
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const response = await fetch(`${url}${path}`, { method: "POST", body: bytes, headers });
  return { status: response.status, text: await response.text() };
}

describe("a body that is JSON is taken", () => {
  test.each([
    ["without a content type, as requests.post(data=json.dumps(…))", {}],
    ["as curl -d sends it", { "content-type": "application/x-www-form-urlencoded" }],
    ["as text", { "content-type": "text/plain" }],
    ["as text with a character set", { "content-type": "text/plain;charset=UTF-8" }],
    ["as JSON with a character set", { "content-type": "application/json; charset=utf-8" }],
    ["as JSON in capitals", { "content-type": 'Application/JSON;Charset="UTF-8"' }],
    ["as a kind of JSON", { "content-type": "application/vnd.bank+json" }],
    ["as bytes", { "content-type": "application/octet-stream" }],
    ["with the encoding identity", { "content-encoding": "identity" }],
  ])("%s", async (_, headers: Record<string, string>) => {
    const { status, text } = await send(FEAST, asked, headers);
    expect([status, text]).toEqual([200, expect.stringContaining('"payments_l1w"')]);
  });

  test("with a byte order mark", async () => {
    const headers = { "content-type": "application/json;charset=UTF-8" };
    expect((await send(FEAST, `\uFEFF${asked}`, headers)).status).toBe(200);
    expect(
      (await send("/v1/features", `\uFEFF{"features":["weekly"],"entities":[]}`, {})).status,
    ).toBe(200);
  });

  test.each([`${FEAST}/`, `/${FEAST}`, "/v1//features/", "/health/", "//health"])(
    "at the path %s",
    async (path) => {
      const isRead = path.includes("health");
      const response = await fetch(`${url}${path}`, {
        method: isRead ? "GET" : "POST",
        ...(isRead
          ? {}
          : { body: path.includes("v1") ? '{"features":"weekly","entities":[]}' : asked }),
      });
      expect(response.status).toBe(200);
    },
  );

  test("HEAD is GET without a body", async () => {
    const response = await fetch(`${url}/health`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("a body of another format is refused with 415", () => {
  test.each([
    ["multipart", asked, { "content-type": "multipart/form-data; boundary=x" }],
    ["protobuf", asked, { "content-type": "application/x-protobuf" }],
    ["another character set", asked, { "content-type": "application/json; charset=latin1" }],
    ["a form", "features=weekly", { "content-type": "application/x-www-form-urlencoded" }],
    ["gzip", new Uint8Array(gzipSync(asked)), { "content-encoding": "gzip" }],
    [
      "gzip that would be large",
      new Uint8Array(gzipSync("[".repeat(1e8))),
      { "content-encoding": "gzip" },
    ],
    ["deflate", asked, { "content-encoding": "deflate" }],
    ["br", asked, { "content-type": "application/json", "content-encoding": "br" }],
  ])("%s", async (_, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) => {
    const { status, text } = await send(FEAST, body, headers);
    expect([status, text]).toEqual([415, expect.stringContaining("MEDIA_TYPE_UNKNOWN")]);
  });
});

describe("NaN and Infinity, as pandas and Python's json.dumps write them", () => {
  test("are missing values in a pushed frame, and counted in columns of numbers", async () => {
    const count = async (): Promise<number> =>
      (await server.store.status()).find(({ source }) => source === "logins")!.online!
        .nonFiniteValues;
    const before = await count();
    const frame =
      '{"push_source_name":"logins","df":{"id":[71,72,73],"user_id":["zoe","zoe","zoe"],' +
      '"device":[NaN,"NaN stays \\"NaN\\"","x"],"score":[1.5,NaN,-Infinity],' +
      '"fee":[NaN,"1.00","2.00"],' +
      `"time":${JSON.stringify([3, 2, 1].map((hours) => new Date(NOON / 1000 - hours * 3.6e6)))}}}`;
    expect(await send("/push", frame, {})).toEqual({ status: 200, text: "" });
    const row = await server.app.inject({
      method: "POST",
      url: "/v1/features",
      payload: { features: ["signed_in", "last_login:device"], entities: [{ user_id: "zoe" }] },
    });
    expect(row.json()).toMatchObject({ rows: [{ logins_l1d: 3, scores_l1d: 1.5, device: "x" }] });
    expect((await count()) - before).toBe(2);
  });

  test("are no entity key", async () => {
    const { status, text } = await send(
      FEAST,
      '{"features":["weekly"],"entities":{"user_id":["ann",NaN]}}',
      {},
    );
    expect([status, text]).toEqual([422, expect.stringContaining("KEY_INVALID")]);
  });

  test("are refused by the JSON API, which has null and the text NaN", async () => {
    const { status, text } = await send("/v1/push/logins", '{"rows":[{"score":NaN}]}', {});
    expect([status, text]).toEqual([422, expect.stringContaining("is not JSON")]);
  });
});

test("a head beyond 16 KiB is 431 with a code, and no HTTP is 400 with a code", async () => {
  const { connect } = await import("node:net");
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let out = "";
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
      socket.on("data", (chunk) => (out += String(chunk)));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve(out);
      });
    });
  expect(
    await raw(`GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(20_000)}\r\n\r\n`),
  ).toMatch(/^HTTP\/1\.1 431 [^]*HEADERS_TOO_LARGE/);
  expect(await raw("no http\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [^]*REQUEST_INVALID/);
});
