/** Tests that web pages cannot use a server without tokens that listens on their machine. */
import type { ServerOptions } from "@tidemark/server";
import { describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const TOKEN = "token-of-those-who-do-all";

async function answerTo(
  headers: Record<string, string>,
  {
    method = "POST",
    listen,
    ...options
  }: Partial<ServerOptions> & {
    method?: "GET" | "POST";
    listen?: { host: string; anonymous?: boolean };
  } = {},
): Promise<string> {
  const server = await shopServer(options);
  if (listen !== undefined) await server.listen({ port: 0, ...listen });
  const url = method === "GET" ? "/v1/definitions" : "/v1/push/logins";
  const answer = await server.app.inject({
    method,
    url,
    headers: { "content-type": "text/plain", ...headers },
    ...(method === "GET" ? {} : { payload: "{}" }),
  });
  await server.close();
  const { code = "OK" } = answer.json<{ code?: string }>();
  return `${answer.statusCode} ${code}`;
}

describe("the host name", () => {
  test.each([
    "localhost:6570",
    "127.0.0.1:6570",
    "127.0.0.1",
    "[::1]:6570",
    "LOCALHOST",
    "a.localhost",
  ])("%s is one of this machine", async (host) => {
    expect(await answerTo({ host }, { method: "GET" })).toBe("200 OK");
  });

  test.each(["evil.example:6570", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"])(
    "%j is refused, for reads too",
    async (host) => {
      for (const method of ["GET", "POST"] as const)
        expect(await answerTo({ host }, { method })).toBe("421 HOST_NOT_ALLOWED");
    },
  );

  test("allowedHosts adds names", async () => {
    const allowedHosts = ["features.bank.example"];
    const ask = (host: string): Promise<string> =>
      answerTo({ host }, { method: "GET", allowedHosts });
    expect(await ask("features.bank.example")).toBe("200 OK");
    expect(await ask("Features.Bank.Example.:8080")).toBe("200 OK");
    expect(await ask("other.bank.example")).toBe("421 HOST_NOT_ALLOWED");
  });

  test("a server for every caller everywhere takes every name, until names are given", async () => {
    const listen = { host: "0.0.0.0", anonymous: true };
    const host = "node-7.internal:6570";
    expect(await answerTo({ host }, { method: "GET", listen })).toBe("200 OK");
    expect(await answerTo({ host }, { method: "GET", listen, allowedHosts: ["a"] })).toBe(
      "421 HOST_NOT_ALLOWED",
    );
  });

  test("a server with tokens takes every name", async () => {
    const tokens = [{ name: "all", token: TOKEN, scopes: ["read"] }] as const;
    const headers = { host: "evil.example", authorization: `Bearer ${TOKEN}` };
    expect(await answerTo(headers, { method: "GET", tokens })).toBe("200 OK");
  });
});

describe("the origin of a request that changes something", () => {
  const host = "127.0.0.1:6570";
  const refused = "403 ORIGIN_NOT_ALLOWED";
  const taken = "422 REQUEST_INVALID";
  test.each([
    [{}, taken],
    [{ origin: "http://127.0.0.1:6570", "sec-fetch-site": "same-origin" }, taken],
    [{ "sec-fetch-site": "none" }, taken],
    [{ origin: "http://evil.example", "sec-fetch-site": "cross-site" }, refused],
    [{ origin: "http://evil.example" }, refused],
    [{ "sec-fetch-site": "cross-site" }, refused],
    [{ origin: "null" }, refused],
    [{ origin: "http://127.0.0.1:3000", "sec-fetch-site": "same-site" }, refused],
    [{ origin: "http://localhost:6570" }, refused],
  ])("%j", async (headers, expected) => {
    const answer = await answerTo({ host, ...headers });
    expect(answer.replace("415 MEDIA_TYPE_UNKNOWN", taken)).toBe(expected);
  });

  test("a page may be allowed by its host", async () => {
    const allowedHosts = ["app.bank.example"];
    const origin = "https://app.bank.example";
    expect(await answerTo({ host, origin }, { allowedHosts })).not.toBe(refused);
  });

  test("pages are refused also where every caller is let in", async () => {
    const listen = { host: "0.0.0.0", anonymous: true };
    expect(await answerTo({ host: "x", origin: "http://evil.example" }, { listen })).toBe(refused);
  });
});
