/**
 * The client and the definitions in a browser: Vite bundles them as a user's project does, and
 * Chromium runs the bundle against a server of the same origin.
 */
import { join } from "node:path";
import { openStore } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer } from "@tidemark/server";
import { browserBundle } from "@tidemark/testkit/browser-bundle";
import { chromium, suiteNeeding } from "@tidemark/testkit/needs";
import { openPage } from "@tidemark/testkit/services/chromium";
import { expect, test } from "vitest";
import { answersOf } from "./browser/answers.ts";
import * as definitions from "./browser/definitions.ts";
import type { PageReport } from "./browser/page.ts";

const SOURCES = ["@tidemark/source"];
const pathOf = (file: string): string => join(import.meta.dirname, "browser", file);

suiteNeeding(chromium(), "in Chromium", () => {
  test("a page pushes and reads the values of the store", { timeout: 60_000 }, async () => {
    const { code } = await browserBundle(pathOf("page.ts"), SOURCES);
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

test("the bundles hold neither the store nor modules of Node", async () => {
  const page = await browserBundle(pathOf("page.ts"), SOURCES);
  const features = await browserBundle(pathOf("definitions.ts"), SOURCES);
  console.log(
    `bundles, minified and gzip: client and definitions ${page.kilobytes.toFixed(1)} kB, ` +
      `definitions ${features.kilobytes.toFixed(1)} kB`,
  );
  expect([...page.warnings, ...features.warnings]).toEqual([]);
  expect(page.code + features.code).not.toMatch(/getBuiltinModule|node:/);
  expect(page.kilobytes).toBeLessThan(46.5); // about 2 kB are the reasons of failed calls
  expect(features.kilobytes).toBeLessThan(37); // about 1 kB are expectations of sources
});
