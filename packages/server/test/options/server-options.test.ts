/** Tests the options of a server: unknown names, limits and durations. */
import type { ServerOptions } from "@tidemark/server";
import { describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

type Options = Partial<ServerOptions>;

describe("featureServer", () => {
  test.each<[string, object, string, string]>([
    ["an option", { limit: {} }, "OPTION_UNKNOWN", 'did you mean "limits"?'],
    ["a limit", { limits: { entites: 3 } }, "OPTION_UNKNOWN", 'did you mean "entities"?'],
    ["a timeout", { timeouts: { header: "1s" } }, "OPTION_UNKNOWN", 'did you mean "headers"?'],
    ["a time", { shutdown: { timeOut: "1s" } }, "OPTION_UNKNOWN", 'did you mean "timeout"?'],
    ["a member of log", { log: { wirte: () => 0 } }, "OPTION_UNKNOWN", 'did you mean "write"?'],
    ["a member of tls", { tls: { cret: "" } }, "OPTION_UNKNOWN", 'did you mean "cert"?'],
    ["a limit of zero", { limits: { entities: 0 } }, "SERVER_OPTIONS_INVALID", "limits.entities"],
    ["a number", { timeouts: { request: 300 } }, "DURATION_INVALID", "timeouts.request"],
    ["a time of zero", { timeouts: { keepAlive: "0s" } }, "DURATION_INVALID", "keepAlive"],
    ["25 days", { shutdown: { timeout: "25d" } }, "DURATION_INVALID", "shutdown.timeout"],
  ])("%s that does not exist or is invalid is refused by name", async (_, options, code, text) => {
    await expect(shopServer(options as Options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text) as string,
    });
  });

  test("a grace period of 0s is accepted", async () => {
    const server = await shopServer({ shutdown: { gracePeriod: "0s", timeout: "1s" } });
    await server.drain();
  });
});

test("listen refuses an unknown option", async () => {
  const server = await shopServer();
  await expect(server.listen({ prot: 0 } as object)).rejects.toMatchObject({
    code: "OPTION_UNKNOWN",
    message: expect.stringContaining('did you mean "port"?') as string,
  });
  await server.close();
});
