/** Tests authentication: tokens, their scopes, and a server without tokens. */
import { createHash } from "node:crypto";
import type { ServerOptions } from "@tidemark/server";
import { describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const GET = "/get-online-features";
const READ = "token-of-those-who-score";
const OPERATE = "token-of-those-who-operate";
const tokens: ServerOptions["tokens"] = [
  { name: "scoring", token: READ, scopes: ["read"] },
  {
    name: "night",
    sha256: createHash("sha256").update(OPERATE).digest("hex"),
    scopes: ["operate"],
  },
];
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe("tokens", () => {
  test("each route requires its scope; a token may be given as its SHA-256", async () => {
    const server = await shopServer({ tokens });
    const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
      (
        await server.app.inject(
          url === "/metrics" || url === "/health" || url === "/ready"
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

  test("featureServer refuses a weak token, a missing scope and a wrong SHA-256", async () => {
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

  test("a name may have several tokens, and tokens are renewed without a restart", async () => {
    const next = "the-next-token-of-scoring";
    const server = await shopServer({
      tokens: [{ name: "scoring", token: [READ, next], scopes: ["operate"] }],
    });
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        [READ, next, OPERATE].map(
          async (token) =>
            (await server.app.inject({ url: "/metrics", headers: bearer(token) })).statusCode,
        ),
      );
    expect(await statuses()).toEqual([200, 200, 401]);
    server.renewTokens([{ name: "scoring", token: next, scopes: ["operate"] }]);
    expect(await statuses()).toEqual([401, 200, 401]);
    for (const wrong of [[], [{ name: "scoring", token: [], scopes: ["operate"] as const }]])
      expect(() => {
        server.renewTokens(wrong);
      }).toThrow(/^server: /);
    expect(await statuses()).toEqual([401, 200, 401]);
    await server.close();
    const open = await shopServer();
    expect(() => {
      open.renewTokens(tokens!);
    }).toThrow("made without tokens");
    await open.close();
  });

  test("tokens over plain HTTP from other machines are warned of", async () => {
    const warnings: string[] = [];
    const listener = ({ message }: Error): void => {
      warnings.push(message);
    };
    process.on("warning", listener);
    for (const options of [
      { host: "0.0.0.0" },
      { host: "0.0.0.0", allowInsecure: true },
      { host: "127.0.0.1" },
    ]) {
      const server = await shopServer({ tokens });
      await server.listen({ port: 0, ...options });
      await server.close();
    }
    await new Promise(setImmediate);
    process.off("warning", listener);
    expect(warnings.filter((text) => text.includes("plain HTTP"))).toEqual([
      expect.stringMatching(/^server: tokens come to 0\.0\.0\.0 .*allowInsecure/) as string,
    ]);
  });

  test("a server without tokens does not listen beyond this machine", async () => {
    const server = await shopServer();
    await expect(server.listen({ host: "0.0.0.0", port: 0 })).rejects.toMatchObject({
      code: "SERVER_OPEN",
      message: expect.stringContaining("anonymous") as string,
    });
    await server.close();
  });
});
