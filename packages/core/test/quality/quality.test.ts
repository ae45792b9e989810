import {
  between,
  collectDefinitions,
  commitTime,
  count,
  derivedSource,
  derivedView,
  div,
  enrichedSource,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  fresh,
  gt,
  holds,
  int64,
  isNotNull,
  latest,
  lt,
  openStore,
  pushSource,
  quality,
  requestData,
  string,
  timestamp,
  transform,
  unique,
  volume,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";

const line = entity("line", { keys: { line_id: int64({ mode: "number" }) } });
const tickets = pushSource("tickets", {
  columns: {
    id: int64({ mode: "number" }),
    line_id: int64({ mode: "number" }),
    topic: string(),
    score: float64().nullable(),
    opened: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "opened",
});
const customers = pushSource("customers", {
  columns: { line_id: int64({ mode: "number" }), city: string() },
  primaryKey: ["line_id"],
  eventTime: commitTime(),
});
const billing = derivedSource("billing", { from: tickets, where: eq(tickets.topic, "billing") });
const complaints = featureView("complaints", {
  entity: line,
  source: tickets,
  features: { tickets: count().over("30d"), today: count().over("1d") },
});
const profile = featureView("profile", {
  entity: line,
  source: customers,
  features: { city: latest(customers.city) },
});
const judged = derivedView("judged", {
  features: { burst: div(complaints.today, complaints.tickets) },
});
const service = featureService("support", [complaints.tickets, profile.city]);

const rows = quality("rows", {
  on: tickets,
  expect: {
    positive: holds(gt(tickets.score, 0)),
    mostly: holds(gt(tickets.score, 0), { share: 0.6 }),
    scored: holds(isNotNull(tickets.score)),
    once: unique(tickets.line_id, tickets.topic),
    on_time: fresh("1h"),
    usual_day: volume("1d", { atLeast: 1, atMost: 2 }),
  },
});
const ofBilling = quality("of_billing", {
  on: billing,
  severity: "warning",
  expect: { few: volume("7d", { atMost: 1 }) },
});
const ofCustomers = quality("of_customers", {
  on: customers,
  expect: { cities: unique(customers.city), on_time: fresh("1d") },
});
const ofFeatures = quality("of_features", {
  on: service,
  expect: { busy: holds(lt(complaints.tickets, 2)), cities: unique(profile.city) },
});
const ofDerived = quality("of_derived", {
  on: judged,
  expect: { a_share: holds(between(judged.burst, 0, 0.5), { share: 0.5 }) },
});
const scored = transform("scored", {
  version: 1,
  inputs: { tickets: complaints.tickets },
  outputs: { points: float64() },
  compute: ({ tickets: of }) => ({ points: of * 10 }),
});
const ofTransform = quality("of_transform", {
  on: scored,
  expect: { in_range: holds(between(scored.points, 0, 10)) },
});
const placed = enrichedSource("placed", {
  from: tickets,
  with: customers,
  on: { line_id: tickets.line_id },
  columns: { city: customers.city },
});
const ofPlaced = quality("of_placed", {
  on: placed,
  expect: { known: holds(isNotNull(placed.city)), scored: holds(isNotNull(placed.score)) },
});
const ofAll = { rows, ofBilling, ofCustomers, ofFeatures, ofDerived, ofTransform, ofPlaced };
const definitions = { ...ofAll, judged, service };

/** A store whose rows are committed when the clock says. */
async function storeAt(): Promise<{ store: Store; at: (time: string) => void }> {
  let now = "2026-03-01T00:00:00Z";
  const store = await openStore({
    definitions,
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  return {
    store,
    at(time) {
      now = time;
    },
  };
}

const ticket = { line_id: 7, topic: "billing", score: 1, opened: "2026-03-01T10:00:00Z" };

async function found(store: Store, name: string, asOf: string) {
  const { results } = await store.quality({ names: [name], asOf });
  return Object.fromEntries(
    results.map(({ expectation, holds: isHeld, measured }) => [expectation, [isHeld, measured]]),
  );
}

describe("expectations of rows", () => {
  test("are measured over the rows that were there at the time of the check", async () => {
    const { store, at } = await storeAt();
    at("2026-03-01T11:00:00Z");
    await store.push(tickets, [
      { ...ticket, id: 1 },
      { ...ticket, id: 2, score: -1, topic: "roaming" },
      { ...ticket, id: 3, score: null },
    ]);
    const first = "2026-03-01T11:30:00Z";
    expect(await found(store, "rows", first)).toEqual({
      positive: [false, 0.5],
      mostly: [false, 0.5],
      scored: [false, 2 / 3],
      once: [false, 1],
      on_time: [false, 5400],
      usual_day: [false, 3],
    });
    at("2026-03-01T12:00:00Z");
    await store.push(tickets, [{ ...ticket, id: 2, score: 3, topic: "roaming" }], {
      deletes: [{ id: 3 }],
    });
    const second = "2026-03-01T12:00:00.001Z";
    const fixed = {
      positive: [true, 1],
      mostly: [true, 1],
      scored: [true, 1],
      once: [true, 0],
      on_time: [false, 7200.001],
      usual_day: [true, 2],
    };
    expect(await found(store, "rows", second)).toEqual(fixed);
    await store.compact();
    expect(await found(store, "rows", second)).toEqual(fixed);
    // what was known then stays what it was
    expect(await found(store, "rows", first)).toMatchObject({ once: [false, 1] });
  });

  test("a late row counts from its commit on, and a row of the future not yet", async () => {
    const { store, at } = await storeAt();
    at("2026-03-03T00:00:00Z");
    await store.push(tickets, [
      { ...ticket, id: 1 },
      { ...ticket, id: 2, opened: "2026-03-05T00:00:00Z" },
    ]);
    expect(await found(store, "rows", "2026-03-02T00:00:00Z")).toMatchObject({
      on_time: [false, null],
      usual_day: [false, 0],
      positive: [true, null],
    });
    expect(await found(store, "rows", "2026-03-04T00:00:00Z")).toMatchObject({
      positive: [true, 1],
      once: [true, 0],
    });
  });

  test("of a derived source and of a dimension", async () => {
    const { store, at } = await storeAt();
    at("2026-03-02T00:00:00Z");
    await store.push(tickets, [
      { ...ticket, id: 1 },
      { ...ticket, id: 2 },
      { ...ticket, id: 3, topic: "roaming" },
    ]);
    await store.push(customers, [
      { line_id: 7, city: "Bern" },
      { line_id: 8, city: "Bern" },
    ]);
    const report = await store.quality({ asOf: "2026-03-03T00:00:00Z" });
    const result = (name: string) =>
      report.results.find(({ quality: of, expectation }) => `${of}.${expectation}` === name);
    expect(result("of_billing.few")).toMatchObject({
      holds: false,
      measured: 2,
      on: "source billing",
      severity: "warning",
      expected: "at most 1 rows in 7d",
    });
    expect(result("of_customers.cities")).toMatchObject({
      holds: false,
      measured: 1,
      rows: 2,
      examples: [{ line_id: expect.any(Number) }],
    });
    expect(result("of_customers.on_time")).toMatchObject({ holds: true, measured: 86_400 });
    expect(report.failed.warning).toBe(1);
    expect(report.asOf).toBe("2026-03-03T00:00:00.000000Z");
  });
});

test("an enriched source has the columns of the dimension as of each row's time", async () => {
  const { store, at } = await storeAt();
  at("2026-03-01T12:00:00Z");
  await store.push(customers, [{ line_id: 7, city: "Bern" }]);
  await store.push(tickets, [
    { ...ticket, id: 1 },
    { ...ticket, id: 2, opened: "2026-03-02T00:00:00Z" },
    { ...ticket, id: 3, line_id: 8, opened: "2026-03-02T00:00:00Z" },
  ]);
  const { results } = await store.quality({ names: ["of_placed"], asOf: "2026-03-03T00:00:00Z" });
  expect(results).toMatchObject([
    { expectation: "known", rows: 3, failing: 2, examples: [{ id: 1 }, { id: 3 }] },
    { expectation: "scored", rows: 3, failing: 0 },
  ]);
});

test("expectations of features are measured over every entity", async () => {
  const { store, at } = await storeAt();
  at("2026-03-02T00:00:00Z");
  await store.push(tickets, [
    { ...ticket, id: 1 },
    { ...ticket, id: 2 },
    { ...ticket, id: 3, line_id: 8 },
  ]);
  await store.push(customers, [
    { line_id: 7, city: "Bern" },
    { line_id: 9, city: "Bern" },
  ]);
  const { results, failed } = await store.quality({
    names: ["of_features", "of_derived", "of_transform"],
    asOf: "2026-03-03T00:00:00Z",
  });
  expect(results).toMatchObject([
    { expectation: "busy", rows: 3, failing: 1, measured: 2 / 3, examples: [{ line_id: 7 }] },
    { expectation: "cities", rows: 2, failing: 1, measured: 1, on: 'service "support"' },
    { expectation: "a_share", rows: 2, failing: 0, measured: 1, holds: true },
    { expectation: "in_range", rows: 2, failing: 1, measured: 0.5, on: 'transform "scored"' },
  ]);
  expect(results[0]!.expected).toBe("complaints.tickets < 2 in every entity");
  expect(failed).toEqual({ error: 3, warning: 0 });
});

test("the names, the history and the options of a check are checked", async () => {
  const { store } = await storeAt();
  await expect(store.quality({ names: ["row"] })).rejects.toThrow(/no quality is called "row"/);
  await expect(store.quality({ at: "x" } as object)).rejects.toThrow(/write asOf/);
  const without = await openStore({ definitions });
  await expect(without.quality()).rejects.toMatchObject({ code: "STORE_MISSING" });
});

describe("the registry keeps qualities", () => {
  const planOf = async (before: object, after: object) => {
    const offline = memoryOfflineStore();
    const first = await openStore({ definitions: before as never, offline });
    await first.apply({ by: "ann" });
    const second = await openStore({
      definitions: after as never,
      offline,
      onDefinitionMismatch: "refuse",
    });
    return (await second.plan()).changes;
  };
  const other = quality("rows", {
    on: tickets,
    severity: "warning",
    expect: { positive: holds(gt(tickets.score, 1)), on_time: fresh("1h") },
  });

  test("a changed expectation changes nothing else, and is no mismatch", async () => {
    const changes = await planOf({ complaints, rows }, { complaints, rows: other });
    expect(changes).toMatchObject([
      { kind: "quality", name: "rows", action: "changed", version: 2, destructive: null },
    ]);
    expect(changes[0]!.details).toContain(
      "expect.positive: score > 0 in every row → score > 1 in every row",
    );
    expect(changes[0]!.details).toContain("severity: error → warning");
  });

  test("a quality is added and removed without asking", async () => {
    expect(await planOf({ complaints }, { complaints, rows })).toMatchObject([
      { kind: "quality", name: "rows", action: "added" },
    ]);
    expect(await planOf({ complaints, rows }, { complaints })).toMatchObject([
      { kind: "quality", name: "rows", action: "removed", destructive: null },
    ]);
  });

  test("a quality brings what it is about into the definitions", () => {
    const { sources, qualities, views } = collectDefinitions({ ofBilling, ofFeatures });
    expect([...sources.keys()]).toEqual(["tickets", "customers"]);
    expect([...views.keys()]).toEqual(["complaints", "profile"]);
    expect([...qualities.keys()]).toEqual(["of_billing", "of_features"]);
    expect(() => collectDefinitions({ rows, other })).toThrow(/two different qualities/);
  });
});

describe("what is refused", () => {
  const loose = quality as unknown as (name: string, definition: object) => unknown;
  const expectOf = (on: unknown, expectation: unknown) => () =>
    loose("x", { on, expect: { a: expectation } });
  const offer = requestData("offer", { price: float64() });
  const shop = entity("shop", { keys: { shop_id: string() } });
  const shops = pushSource("shops", {
    columns: { id: string(), shop_id: string(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const sales = featureView("sales", {
    entity: shop,
    source: shops,
    features: { sales: count().over("1d") },
  });
  const both = featureService("both", [complaints.tickets, sales]);
  const looseHolds = holds as unknown as (condition: unknown, options?: object) => unknown;
  const looseVolume = volume as unknown as (per: unknown, options: object) => unknown;

  test.each<[string, () => unknown, RegExp]>([
    [
      "another source",
      expectOf(tickets, holds(eq(customers.city, "x"))),
      /is not about source "tic/,
    ],
    ["a feature", expectOf(tickets, holds(gt(complaints.tickets, 1))), /is not about source "tick/],
    [
      "a column",
      expectOf(complaints, holds(gt(tickets.score, 1))),
      /not about feature view "compl/,
    ],
    [
      "another view",
      expectOf(profile, unique(complaints.tickets)),
      /is not about feature view "pro/,
    ],
    [
      "freshness of a view",
      expectOf(complaints, fresh("1h")),
      /put fresh\(\.\.\.\) into a quality on/,
    ],
    [
      "request data",
      expectOf(judged, holds(gt(offer.price, complaints.today))),
      /reads request data/,
    ],
    [
      "two entities",
      () => loose("x", { on: both, expect: { a: unique(complaints.tickets, sales.sales) } }),
      /features are of line, shop/,
    ],
    ["no target", expectOf(line, fresh("1h")), /on must be a source, a view or a service/],
    ["no expectation", () => loose("x", { on: tickets, expect: {} }), /expect is empty/],
    [
      "a column alone",
      expectOf(tickets, tickets.score),
      /give a condition, holds\(\.\.\.\), unique/,
    ],
    [
      "an act on rows",
      expectOf(tickets, holds(gt(tickets.score, 1), { onViolation: "quarantine" })),
      /put it into the option expect of the source/,
    ],
    ["no condition", () => looseHolds(tickets.score), /holds: it takes a condition/],
    ["a share over 1", () => looseHolds(gt(tickets.score, 1), { share: 2 }), /from 0 to 1/],
    ["a window", () => looseHolds(gt(count().over("1d"), 1)), /make a feature of it/],
    ["no bound", () => looseVolume("1d", {}), /give atLeast, atMost or both/],
    ["no number", () => looseVolume("1d", { atLeast: 3, atMost: 2 }), /no number is both/],
    ["half a row", () => looseVolume("1d", { atLeast: 0.5 }), /atLeast is a number of rows/],
    [
      "another severity",
      () => loose("x", { on: tickets, expect: { a: fresh("1h") }, severity: "bad" }),
      /severity is "error" or "warning"/,
    ],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
