/** Tests what callers and the log read of a failure of the server. */
import { TidemarkError } from "@tidemark/core";
import type { ServerOptions } from "@tidemark/server";
import { describe, expect, test } from "vitest";
import { feastPost } from "../feast/ask.ts";
import { shopServer } from "../support/shop-server.ts";

const SECRETS = [
  new Error("connect to postgres://app:hunter2@db.internal:5432/bank failed at /srv/app/x.ts:1"),
  new TidemarkError("STORE_FAILED" as never, "/srv/online.db: SELECT value FROM cells failed"),
  new TidemarkError("STORE_UNAVAILABLE" as never, "redis://10.1.2.3: gone", { retryable: true }),
  new TidemarkError("NEEDS_BACKFILL", "/srv/online.db: source payments is not filled"),
  new TidemarkError("NOT_READY", "/srv/online.db: source payments is not ready"),
];

/** Starts a server whose store fails at every read and push. */
async function failingServer(error: unknown, options: Partial<ServerOptions> = {}) {
  const lines: string[] = [];
  const server = await shopServer({ log: { write: (line) => lines.push(line) }, ...options });
  server.app.addHook("preHandler", (request, _reply, done) => {
    done(request.url === "/health" ? undefined : (error as Error));
  });
  return { server, lines };
}

describe.each(SECRETS)("a failure: %s", (error) => {
  test.each(["/v1/features", "/get-online-features", "/push", "/v1/push/logins", "/materialize"])(
    "%s answers a code and a reference; the text is in the log under the reference",
    async (url) => {
      const { server, lines } = await failingServer(error);
      const answer = await feastPost(server.app, url, {});
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.text).not.toMatch(/srv|SELECT|redis|postgres|hunter2|internal:|\.ts/);
      const { code, message, reference } = answer.error as Record<string, string>;
      expect(code).toBe(error instanceof TidemarkError ? error.code : "INTERNAL");
      expect(message).toContain(`(reference ${reference})`);
      const line = lines.find(
        (one) => one.includes(`"request":"${reference}"`) && one.includes("a request failed"),
      );
      expect(line).toMatch(/srv|redis/);
      expect(lines.join("")).not.toContain("hunter2");
      await server.close();
    },
  );
});

test("an error of the caller has its text, and no reference", async () => {
  const server = await shopServer();
  const { status, error } = await feastPost(server.app, "/v1/features", { entities: 1 });
  expect(status).toBe(422);
  expect(Object.keys(error)).toEqual(["code", "message"]);
  await server.close();
});

test("ids of requests differ between servers", async () => {
  const references = new Set<unknown>();
  for (let i = 0; i < 2; i++) {
    const { server } = await failingServer(new Error("broken"));
    for (let j = 0; j < 3; j++)
      references.add(
        ((await feastPost(server.app, "/v1/features", {})).error as { reference: string })
          .reference,
      );
    await server.close();
  }
  expect(references.size).toBe(6);
});
