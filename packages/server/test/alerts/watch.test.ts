/** Tests the alerts of a store, and a real receiver of the webhook. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { openStore, type Store } from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import type { ChangeSource, OnlineStore } from "@tidemark/core/spi";
import { watchStore, type WatchOptions, type WebhookBody } from "@tidemark/server";
import { expect, onTestFinished, test } from "vitest";
import { definitions, NOON, SECOND, ShopLog } from "../../../core/test/support/shop.ts";

const MINUTE = 60_000;

/** A receiver that answers with the given statuses, and then with 204. */
async function receiver(...statuses: number[]) {
  const bodies: WebhookBody[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server: Server = createServer((request, response) => {
    let text = "";
    request
      .setEncoding("utf8")
      .on("data", (chunk: string) => (text += chunk))
      .on("end", () => {
        const status = statuses.shift() ?? 204;
        if (status === 204) {
          bodies.push(JSON.parse(text) as WebhookBody);
          headers.push(request.headers);
        }
        response.writeHead(status, status === 301 ? { location: "/other" } : {}).end();
      });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cret`;
  return { url, bodies, headers, alerts: () => bodies.flatMap(({ alerts }) => alerts) };
}

/** A store of the shop that is watched by a clock that the test moves. */
async function watched(url: string, options: Partial<WatchOptions> = {}, online?: OnlineStore) {
  const time = { now: NOON / 1000 };
  const store: Store = await openStore({
    definitions,
    online: { store: online ?? memoryOnlineStore(), retention: "forever" },
    clock: () => new Date(time.now),
  });
  const warnings: string[] = [];
  const waits: number[] = [];
  const watch = watchStore({
    store,
    webhook: { url, token: "the-token" },
    clock: () => time.now,
    onWarning: (text) => warnings.push(text),
    sleep: async (ms) => void waits.push(ms),
    ...options,
  });
  onTestFinished(() => watch.close());
  /** Moves the clock, looks at the store and waits until the webhook has the alerts. */
  const look = async (after = 0): Promise<void> => {
    time.now += after;
    await watch.check();
    await watch.idle();
  };
  return { store, time, watch, look, warnings, waits };
}

/** A source whose log goes on until the signal, with a lag that the test sets. */
function live(log: ShopLog, lag: () => number): ChangeSource {
  const from = log.source();
  return {
    ...from,
    bounded: false,
    lag: () => [{ partition: "t.public.payments:0", lag: lag(), highWatermark: 9 }],
    async *changes(given) {
      yield* from.changes(given);
      await new Promise((resolve) => {
        given.signal!.addEventListener("abort", resolve);
      });
    },
  };
}

test("a store that is not ready fires after 15 minutes, once, and its end is sent", async () => {
  const hook = await receiver();
  const { store, look } = await watched(hook.url, { namespace: "bank" });
  await look();
  await look(14 * MINUTE);
  expect(hook.bodies).toEqual([]);
  await look(2 * MINUTE);
  await look(2 * MINUTE);
  expect(hook.bodies).toHaveLength(1);
  const [body] = hook.bodies;
  expect(hook.headers[0]).toMatchObject({
    authorization: "Bearer the-token",
    "content-type": "application/json",
  });
  expect(body).toMatchObject({
    version: 1,
    namespace: "bank",
    sentAt: new Date(NOON / 1000 + 16 * MINUTE).toISOString(),
  });
  const payments = body!.alerts.find(({ source }) => source === "payments");
  expect(payments).toEqual({
    id: "not-ready/payments",
    alert: "not-ready",
    source: "payments",
    status: "firing",
    severity: "critical",
    summary: "features of payments are not answered (NOT_READY)",
    nextStep: expect.stringContaining("tidemark run"),
    value: null,
    startedAt: new Date(NOON / 1000).toISOString(),
    endedAt: null,
    docs: "https://tidemark-features.github.io/tidemark/serving#readiness",
  });
  expect(body!.text).toContain("Tidemark, critical: features of payments are not answered");
  await store.run(new ShopLog().paid({ id: 1 }).source());
  await look(MINUTE);
  expect(hook.alerts().findLast(({ source }) => source === "payments")).toEqual({
    ...payments!,
    status: "resolved",
    endedAt: new Date(NOON / 1000 + 19 * MINUTE).toISOString(),
  });
});

test("rows that are quarantined fire at the next look, and end after 15 minutes", async () => {
  const hook = await receiver();
  // the runs of this test end, and are not missed
  const { store, look } = await watched(hook.url, { runStopped: "1d" });
  const log = new ShopLog().paid({ id: 1, user: null });
  await store.run(log.source());
  await look(); // what was there before is no news
  expect(hook.bodies).toEqual([]);
  await store.run(log.paid({ id: 2, user: null }).source());
  await look(1000);
  expect(hook.alerts()).toMatchObject([
    { id: "quarantine/payments", status: "firing", severity: "warning", value: 2 },
  ]);
  expect(hook.alerts()[0]!.nextStep).toContain("tidemark quarantine payments");
  await look(14 * MINUTE);
  expect(hook.alerts()).toHaveLength(1);
  await look(2 * MINUTE);
  expect(hook.alerts()[1]).toMatchObject({ id: "quarantine/payments", status: "resolved" });
});

/** Starts a run that is three messages and 600 s behind. The result stops it. */
async function laggingRun(store: Store): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const log = new ShopLog().paid({ id: 1 }, { committed: NOON - 600 * SECOND });
  const run = store
    .run(
      live(log, () => 3),
      { signal: stop.signal },
    )
    .catch(() => undefined);
  await expect
    .poll(async () => (await store.status())[0]!.lag, { timeout: 10_000 })
    .toMatchObject({ messages: 3, seconds: 600 });
  return async () => {
    stop.abort(new Error("stopped"));
    await run;
  };
}

test("lag, a stalled stream and a run that has stopped fire", async () => {
  const hook = await receiver();
  const online = memoryOnlineStore();
  const { look, store, time } = await watched(hook.url, {}, online);
  const stop = await laggingRun(store);
  await look();
  expect(hook.alerts()).toMatchObject([{ id: "lag/payments", value: 600, severity: "warning" }]);
  await stop();
  // the run is gone, so nothing is measured and nothing is taken any more
  await look(11 * MINUTE);
  expect(hook.alerts().slice(1)).toMatchObject([
    { id: "run-stopped/payments", value: 660, severity: "critical" },
    { id: "stalled/payments", value: 3, severity: "critical" },
  ]);
  expect(time.now).toBe(NOON / 1000 + 11 * MINUTE);
});

test("a server leaves the stream to a run that is alive, and takes over after it", async () => {
  const hook = await receiver();
  const { look, store } = await watched(hook.url, { process: "serve" });
  const stop = await laggingRun(store);
  await look();
  expect(hook.alerts()).toEqual([]);
  await stop();
  await look(3 * MINUTE);
  expect(hook.alerts().map(({ alert }) => alert)).toEqual(["run-stopped", "lag"]);
});

test("a webhook that fails gets each alert later, with growing delays", async () => {
  const hook = await receiver(500, 503, 429);
  const { look, waits, warnings, store } = await watched(hook.url);
  const log = new ShopLog().paid({ id: 1 });
  await store.run(log.source());
  await look();
  await store.run(log.paid({ id: 2, user: null }).source());
  await look(1000);
  expect(hook.alerts()).toHaveLength(1);
  expect(waits).toHaveLength(3);
  for (const [i, most] of [1000, 2000, 4000].entries()) {
    expect(waits[i]).toBeLessThanOrEqual(most);
    expect(waits[i]).toBeGreaterThanOrEqual(most / 2);
  }
  expect(warnings).toHaveLength(3);
  // the path of an address is often its secret
  for (const text of warnings) expect(text).not.toContain("s3cret");
});

test("an alert that is refused is not sent again, and no redirect is followed", async () => {
  const hook = await receiver(404, 301);
  const { look, waits, warnings, store } = await watched(hook.url);
  const log = new ShopLog().paid({ id: 1 });
  await store.run(log.source());
  await look();
  for (const id of [2, 3]) {
    await store.run(log.paid({ id, user: null }).source());
    await look(16 * MINUTE);
    await look(16 * MINUTE);
  }
  expect(warnings[0]).toMatch(/answered 404$/);
  expect(warnings[1]).toMatch(/answered 301$/);
  expect(waits).toEqual([]);
});

test("a webhook that is away is asked until the watch ends, and then once more", async () => {
  const hook = await receiver();
  let attempts = 0;
  const { look, watch, store, warnings } = await watched(hook.url, {
    sleep: (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          resolve();
        });
      }),
    fetch: async (...asked) => {
      if (attempts++ < 1) throw new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
      return fetch(...asked);
    },
  });
  const log = new ShopLog().paid({ id: 1 });
  await store.run(log.source());
  await look();
  await store.run(log.paid({ id: 2, user: null }).source());
  await watch.check();
  await expect.poll(() => warnings).toHaveLength(1);
  expect(warnings[0]).toContain("could not be reached (ECONNREFUSED)");
  await watch.close();
  expect(attempts).toBe(2);
  expect(hook.alerts()).toMatchObject([{ id: "quarantine/payments" }]);
});

test("stores that cannot be read fire, and nothing ends meanwhile", async () => {
  const hook = await receiver();
  const { look, store } = await watched(hook.url, { runStopped: "1d" });
  const log = new ShopLog().paid({ id: 1 });
  await store.run(log.source());
  await look();
  await store.run(log.paid({ id: 2, user: null }).source());
  await look(1000);
  const status = store.status.bind(store);
  Object.assign(store, { status: () => Promise.reject(new Error("gone")) });
  await look(20 * MINUTE);
  await look(3 * MINUTE);
  expect(hook.alerts().map(({ id, status: is }) => `${id} ${is}`)).toEqual([
    "quarantine/payments firing",
    "store-unavailable/stores firing",
  ]);
  Object.assign(store, { status });
  await look(MINUTE);
  expect(
    new Set(
      hook
        .alerts()
        .slice(2)
        .map(({ id, status: is }) => `${id} ${is}`),
    ),
  ).toEqual(new Set(["quarantine/payments resolved", "store-unavailable/stores resolved"]));
});

test("what checks find fires, and ends when a later check finds nothing", async () => {
  const hook = await receiver();
  const { look, store } = await watched(hook.url, { runStopped: "1d" });
  await store.run(new ShopLog().paid({ id: 1 }).source());
  const at = "2026-01-05T12:00:00.000000Z";
  const of = "source payments";
  const rows = { quality: "rows", on: of, measured: 1, failing: 3, checkedAt: at } as const;
  const results = {
    drift: [{ of, column: "amount", measuredAt: at, measures: { psi: 0.3 }, isDrifted: true }],
    expectations: [
      { ...rows, expectation: "positive", severity: "error", holds: false },
      { ...rows, expectation: "unique", severity: "warning", holds: true },
    ],
  };
  Object.assign(store, { checkResults: async () => results });
  await look();
  expect(hook.alerts()).toMatchObject([
    { id: "expectation/rows.positive", severity: "critical", value: 3, source: null },
    { id: "drift/source payments.amount", severity: "warning" },
  ]);
  Object.assign(store, { checkResults: async () => ({ drift: [], expectations: [] }) });
  await look(1000);
  expect(
    hook
      .alerts()
      .slice(2)
      .map(({ status }) => status),
  ).toEqual(["resolved", "resolved"]);
});

test("a wrong address or threshold is refused", async () => {
  await expect(watched("ftp://chat.example/x")).rejects.toMatchObject({
    code: "SERVER_OPTIONS_INVALID",
  });
  await expect(watched("http://127.0.0.1:1/", { lag: "5" as never })).rejects.toMatchObject({
    code: "DURATION_INVALID",
  });
});
