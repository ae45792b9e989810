/**
 * The client and the definitions in a browser: Vite bundles them as a user's project does, and
 * Chromium runs the bundle against a server of the same origin.
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openStore } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer } from "@tidemark/server";
import { chromium, suiteNeeding } from "@tidemark/testkit/needs";
import { openPage } from "@tidemark/testkit/services/chromium";
import { build, createLogger } from "vite";
import { expect, test } from "vitest";
import { answersOf } from "./browser/answers.ts";
import * as definitions from "./browser/definitions.ts";
import type { PageReport } from "./browser/page.ts";

/** Bundles a module for browsers; a warning of the bundler is a failure. */
async function bundle(file: string): Promise<string> {
  const warnings: string[] = [];
  const logger = createLogger("warn");
  const warn = (message: string): void => {
    warnings.push(message);
  };
  const [built] = (await build({
    configFile: false,
    customLogger: { ...logger, info: () => undefined, warn, warnOnce: warn },
    resolve: { conditions: ["@tidemark/source", "browser", "module", "import", "default"] },
    build: {
      write: false,
      target: "es2023",
      minify: true,
      lib: { entry: join(import.meta.dirname, "browser", file), formats: ["es"] },
    },
  })) as readonly { readonly output: readonly { readonly code?: string }[] }[];
  expect(warnings).toEqual([]);
  expect(built!.output.length).toBe(1);
  return built!.output[0]!.code!;
}

const kilobytes = (code: string): number => gzipSync(code).length / 1000;

suiteNeeding(chromium(), "in Chromium", () => {
  test("a page pushes and reads the values of the store", { timeout: 60_000 }, async () => {
    const code = await bundle("page.ts");
    const store = await openStore({
      definitions,
      online: { store: memoryOnlineStore(), retention: "forever" },
      clock: () => new Date("2026-03-01T12:00:00Z"),
    });
    const server = await featureServer({ store, definitions });
    let received: (report: PageReport) => void = () => undefined;
    const sent = new Promise<PageReport>((resolve) => {
      received = resolve;
    });
    server.app.get("/", (_request, reply) =>
      reply.type("text/html").send('<!doctype html><script type="module" src="/page.js"></script>'),
    );
    server.app.get("/page.js", (_request, reply) => reply.type("text/javascript").send(code));
    server.app.post("/report", (request) => {
      received(request.body as PageReport);
      return {};
    });
    const page = await openPage(await server.listen({ port: 0 }));
    try {
      const report = await sent;
      expect(report.error).toBeNull();
      expect(report.answers).toBe(await answersOf(store));
      expect(report.ofNode).toEqual([]);
      expect(report.browser).toContain("Chrome/");
    } finally {
      await page.stop();
      await server.close();
      await store.close();
    }
  });
});

test("the bundles hold no store", async () => {
  const page = await bundle("page.ts");
  const features = await bundle("definitions.ts");
  console.log(
    `bundles, minified and gzip: client and definitions ${kilobytes(page).toFixed(1)} kB, ` +
      `definitions ${kilobytes(features).toFixed(1)} kB`,
  );
  expect(kilobytes(page)).toBeLessThan(20);
  expect(kilobytes(features)).toBeLessThan(13);
});
