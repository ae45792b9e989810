/** The spans of a store, collected by OpenTelemetry's own SDK. */
import { context, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { traced } from "../../src/tracing.ts";
import { definitions, NOON, SECOND, ShopLog, weekly } from "../support/shop.ts";

const exporter = new InMemorySpanExporter();
beforeEach(() => {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
});
afterEach(() => {
  exporter.reset();
  trace.disable();
  context.disable();
});

const SECRET_USER = "user-4711";

async function filledStore() {
  const store = await openStore({
    definitions,
    namespace: "shop",
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date(NOON / 1000),
  });
  const log = new ShopLog()
    .paid({ id: 1, user: SECRET_USER, time: NOON - SECOND })
    .paid({ id: 2, user: SECRET_USER, time: NOON - SECOND });
  await store.run(log.source());
  return store;
}

const named = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === `tidemark.${name}`);

test("online and historical reads, applied batches and materializations are spans", async () => {
  const store = await filledStore();
  const entities = [{ user_id: SECRET_USER }, { user_id: "nobody" }];
  await store.getOnlineFeatures({ features: weekly, entities });
  const at = new Date(NOON / 1000);
  const rows = entities.map((one) => ({ ...one, event_timestamp: at }));
  await (await store.getHistoricalFeatures({ features: weekly, entities: rows })).rows();
  await store.materialize({ views: [weekly], dates: ["2026-01-04"] });

  expect(named("getOnlineFeatures").map(({ attributes }) => attributes)).toEqual([
    { "tidemark.namespace": "shop", "tidemark.entities": 2, "tidemark.features": 6 },
  ]);
  expect(named("getHistoricalFeatures").map(({ attributes }) => attributes)).toEqual([
    {
      "tidemark.namespace": "shop",
      "tidemark.entities": 2,
      "tidemark.features": 6,
      "tidemark.knowledge": "as-corrected",
    },
  ]);
  const applied = named("apply").map(({ attributes }) => attributes);
  for (const store of ["online", "history"])
    expect(
      applied
        .filter((one) => one["tidemark.store"] === store && one["tidemark.source"] === "payments")
        .reduce((sum, one) => sum + Number(one["tidemark.changes"]), 0),
    ).toBe(2);
  expect(named("materialize")).toMatchObject([
    { attributes: { "tidemark.views": ["weekly"], "tidemark.days": 1, "tidemark.rows": 0 } },
  ]);
  // no key of an entity is in any span
  expect(
    JSON.stringify(
      exporter
        .getFinishedSpans()
        .map((span) => [span.name, span.attributes, span.events, span.status]),
    ),
  ).not.toContain(SECRET_USER);
});

test("a span belongs to the span of the caller", async () => {
  const store = await filledStore();
  const features = weekly;
  await trace.getTracer("test").startActiveSpan("request", async (span) => {
    await store.getOnlineFeatures({ features, entity: { user_id: SECRET_USER } });
    span.end();
  });
  const [read] = named("getOnlineFeatures");
  const request = exporter.getFinishedSpans().find(({ name }) => name === "request");
  expect(read!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
});

test("an error marks the span with its code, and not with its message", async () => {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
  });
  const request = { features: weekly, entity: { user_id: SECRET_USER } };
  await expect(store.getOnlineFeatures(request)).rejects.toMatchObject({ code: "NOT_READY" });
  const [span] = named("getOnlineFeatures");
  expect(span).toMatchObject({
    attributes: { "error.type": "NOT_READY" },
    status: { code: 2 },
    events: [],
  });
  expect(span!.status.message).toBeUndefined();
});

test("without a tracer the work runs alone, and its attributes are not asked", async () => {
  trace.disable();
  const attributes = (): never => {
    throw new Error("asked");
  };
  // the API is there, and nothing is registered
  expect(
    await traced(
      "x",
      () => ({}),
      async () => 1,
    ),
  ).toBe(1);
  const API = Symbol.for("opentelemetry.js.api.1");
  const holder = globalThis as { [API]?: unknown };
  const registered = holder[API];
  delete holder[API];
  expect(await traced("x", attributes, async () => 2)).toBe(2);
  holder[API] = registered;
  expect(exporter.getFinishedSpans()).toEqual([]);
});
