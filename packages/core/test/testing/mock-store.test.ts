import {
  add,
  avg,
  avgOf,
  commitTime,
  count,
  countDistinct,
  current,
  decimal,
  derivedSource,
  derivedView,
  div,
  elementOf,
  entity,
  eq,
  featureService,
  featureView,
  first,
  float64,
  histogram,
  int64,
  last,
  lastN,
  lastRows,
  latest,
  lifetime,
  max,
  meanGap,
  median,
  micros,
  openStore,
  previous,
  pushSource,
  requestData,
  series,
  source,
  string,
  sum,
  timestamp,
  window,
} from "@tidemark/core";
import { mockStore } from "@tidemark/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const line = entity("line", { keys: { line_id: int64({ mode: "number" }) } });
const tickets = source("tickets", {
  table: "public.tickets",
  columns: {
    id: int64({ mode: "number" }),
    line_id: int64({ mode: "number" }).nullable(),
    topic: string(),
    score: float64().nullable(),
    opened: timestamp().nullable(),
  },
  primaryKey: ["id"],
  eventTime: "opened",
});
const customers = source("customers", {
  table: "public.customers",
  columns: {
    line_id: int64({ mode: "number" }),
    city: string(),
    debt: decimal({ precision: 9, scale: 2 }),
  },
  primaryKey: ["line_id"],
  eventTime: commitTime(),
});
const calls = pushSource("calls", {
  columns: { id: int64({ mode: "number" }), line_id: int64({ mode: "number" }), at: timestamp() },
  primaryKey: ["id"],
  eventTime: "at",
});
const billing = derivedSource("billing_tickets", {
  from: tickets,
  where: eq(tickets.topic, "billing"),
});
const complaints = featureView("complaints", {
  entity: line,
  source: tickets,
  features: {
    tickets: count().overEach("1d", "30d"),
    billing: count().where(eq(tickets.topic, "billing")).over("30d"),
    worst: max(tickets.score).over("30d"),
    topics: lastN(tickets.topic, 2).over("30d"),
    share: div(count().over("1d"), count().over("30d")),
  },
});
const facts = featureView("facts", {
  entity: line,
  source: tickets,
  ttl: "10d",
  features: { topic: latest(tickets.topic), score: latest(tickets.score).default(-1) },
});
const billed = featureView("billed", {
  entity: line,
  source: billing,
  features: { billed: count().over("30d") },
});
const profile = featureView("profile", {
  entity: line,
  source: customers,
  features: { city: latest(customers.city), debt: latest(customers.debt) },
});
const talk = featureView("talk", {
  entity: line,
  source: calls,
  features: { calls: count().over("7d") },
});
const offer = requestData("offer", { price: float64() });
const judged = derivedView("judged", {
  features: { risk: add(offer.price, complaints.tickets_30d), calls_per: div(talk.calls, 7) },
});
const service = featureService("support", [complaints.tickets_30d, profile, talk]);
const definitions = {
  line,
  tickets,
  customers,
  calls,
  billing,
  complaints,
  facts,
  billed,
  profile,
  talk,
  judged,
  service,
};

const ticket = { id: 1, line_id: 7, topic: "billing", score: 1, opened: "2026-03-01T10:00:00Z" };
const asOf = "2026-03-26T00:00:00Z";

describe("answers", () => {
  test("a removed row counts no more", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [ticket]);
    expect((await bank.ask(complaints, { line_id: 7 }, { asOf })).tickets_30d).toBe(1);
    bank.remove(tickets, [{ id: 1 }], { at: "2026-03-25T00:00:00Z" });
    expect((await bank.ask(complaints, { line_id: 7 }, { asOf })).tickets_30d).toBe(0);
  });

  test("a put of a primary key that is there is an update, to another entity too", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [ticket]);
    bank.put(tickets, [{ ...ticket, line_id: 8, score: 5 }]);
    expect((await bank.ask(complaints, { line_id: 7 }, { asOf })).tickets_30d).toBe(0);
    expect(await bank.ask(complaints, { line_id: 8 }, { asOf })).toEqual({
      tickets_1d: 0,
      tickets_30d: 1,
      billing: 1,
      worst: 5,
      topics: ["billing"],
      share: 0,
    });
  });

  test("the event at asOf is not known at asOf", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [{ ...ticket, opened: asOf }]);
    expect((await bank.ask(complaints, { line_id: 7 }, { asOf })).tickets_1d).toBe(0);
    const later = micros(Date.parse(asOf) * 1000 + 1);
    expect((await bank.ask(complaints, { line_id: 7 }, { asOf: later })).tickets_1d).toBe(1);
  });

  test("as known, changes count that were committed before asOf", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [ticket]);
    bank.put(tickets, [{ ...ticket, id: 2, opened: "2026-03-02T00:00:00Z" }], {
      at: "2026-03-04T00:00:00Z",
    });
    bank.remove(tickets, [{ id: 1 }], { at: "2026-03-05T00:00:00Z" });
    const ask = async (time: string) =>
      (
        await bank.ask(
          complaints.tickets_30d,
          { line_id: 7 },
          { asOf: time, knowledge: "as-known" },
        )
      ).tickets_30d;
    expect(await ask("2026-03-01T10:00:00Z")).toBe(0);
    expect(await ask("2026-03-03T00:00:00Z")).toBe(1);
    expect(await ask("2026-03-04T12:00:00Z")).toBe(2);
    expect(await ask("2026-03-06T00:00:00Z")).toBe(1);
  });

  test("a version of a dimension holds from its commit to the next one", async () => {
    const bank = mockStore(definitions);
    bank.put(customers, [{ line_id: 7, city: "Bern", debt: "1.50" }], { at: "2026-01-01T00:00Z" });
    bank.put(customers, [{ line_id: 7, city: "Wien", debt: "2.00" }], { at: "2026-02-01T00:00Z" });
    bank.remove(customers, [{ line_id: 7 }], { at: "2026-03-01T00:00Z" });
    const ask = (time: string) => bank.ask(profile, { line_id: 7 }, { asOf: time });
    expect(await ask("2026-01-01T00:00Z")).toEqual({ city: null, debt: null });
    expect(await ask("2026-01-15T00:00Z")).toEqual({ city: "Bern", debt: "1.50" });
    expect(await ask("2026-02-02T00:00Z")).toEqual({ city: "Wien", debt: "2.00" });
    expect(await ask("2026-03-02T00:00Z")).toEqual({ city: null, debt: null });
  });

  test("derived sources, pushed sources, derived views, services and metadata", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [ticket, { ...ticket, id: 2, topic: "roaming" }]);
    bank.put(calls, [{ id: 1, line_id: 7, at: "2026-03-25T00:00:00Z" }]);
    bank.put(customers, [{ line_id: 7, city: "Bern", debt: "0" }], { at: "2026-03-01T00:00Z" });
    expect(await bank.ask(billed, { line_id: 7 }, { asOf })).toEqual({ billed: 1 });
    expect(await bank.ask(judged, { line_id: 7, price: 0.5 }, { asOf })).toEqual({
      risk: 2.5,
      calls_per: 1 / 7,
    });
    expect(await bank.ask(service, { line_id: 7 }, { asOf })).toEqual({
      tickets_30d: 2,
      city: "Bern",
      debt: "0.00",
      calls: 1,
    });
    expect(await bank.ask([facts.topic], { line_id: 7 }, { asOf, metadata: true })).toEqual({
      asOf: "2026-03-26T00:00:00.000000Z",
      row: {
        topic: {
          value: null,
          status: "OUTSIDE_MAX_AGE",
          eventTime: new Date("2026-03-01T10:00:00Z"),
        },
      },
    });
  });

  test("a question is about the rows of its call", async () => {
    const bank = mockStore(definitions);
    bank.put(tickets, [ticket]);
    const before = bank.ask(complaints.tickets_30d, { line_id: 7 }, { asOf });
    bank.put(tickets, [{ ...ticket, id: 2 }]);
    const after = bank.ask(complaints.tickets_30d, { line_id: 7 }, { asOf });
    expect(await Promise.all([before, after])).toEqual([{ tickets_30d: 1 }, { tickets_30d: 2 }]);
  });
});

test("categories of a series of windows are answered", async () => {
  const byTopic = featureView("by_topic", {
    entity: line,
    source: tickets,
    features: { days: count().by(tickets.topic).over(series("1d", 2)) },
  });
  const bank = mockStore({ ...definitions, byTopic });
  bank.put(tickets, [
    { ...ticket, id: 1, opened: "2026-03-24T12:00:00Z" },
    { ...ticket, id: 2, opened: "2026-03-25T12:00:00Z" },
    { ...ticket, id: 3, opened: "2026-03-25T13:00:00Z" },
  ]);
  const { days } = await bank.ask(byTopic, { line_id: 7 }, { asOf });
  expect(days).toEqual([new Map([[ticket.topic, 1]]), new Map([[ticket.topic, 2]])]);
});

test("explain lists the rows inside, left out and just outside", async () => {
  const bank = mockStore(definitions);
  bank.put(tickets, [
    { ...ticket, id: 1, opened: "2026-02-01T00:00:00Z" },
    { ...ticket, id: 2, opened: "2026-02-20T00:00:00Z" },
    { ...ticket, id: 3, opened: "2026-03-01T00:00:00Z" },
    { ...ticket, id: 4, opened: "2026-03-02T00:00:00Z", topic: "roaming" },
    { ...ticket, id: 5, opened: "2026-03-03T00:00:00Z" },
    { ...ticket, id: 6, opened: asOf },
  ]);
  bank.remove(tickets, [{ id: 5 }], { at: "2026-03-27T00:00:00Z" });
  const explanation = await bank.explain(complaints.billing, { line_id: 7 }, { asOf });
  expect(explanation.value).toBe(1);
  expect(explanation.parts).toHaveLength(1);
  const [part] = explanation.parts;
  expect(part).toMatchObject({ start: "2026-02-24T00:00:00.000000Z", value: 1 });
  expect(part!.inside.map(({ key }) => key["id"])).toEqual([3]);
  expect(part!.outside.map(({ key, reason, because }) => [key["id"], reason, because])).toEqual([
    [2, "BEFORE_WINDOW", "it left the window last"],
    [4, "FILTERED", 'it does not meet where topic = "billing"'],
    [5, "DELETED", "the row was deleted at 2026-03-27T00:00:00.000000Z"],
    [6, "AFTER_WINDOW", "it enters the window next"],
  ]);
  expect(String(explanation).split("\n")[0]).toBe(
    "complaints.billing of line_id 7, as of 2026-03-26T00:00:00.000000Z, as corrected since: " +
      "1 (PRESENT)",
  );
  const facted = await bank.explain(facts.topic, { line_id: 7 }, { asOf: "2026-03-04T00:00:00Z" });
  expect(facted.value).toBe("roaming");
  expect(facted.parts[0]!.inside.map(({ key }) => key["id"])).toEqual([4]);
});

describe("errors name the row, the cause and the next step", () => {
  const bank = mockStore(definitions);
  const loose = bank as unknown as Record<
    "put" | "remove",
    (source: unknown, rows: unknown, options?: unknown) => void
  > & { readonly ask: (...of: unknown[]) => Promise<unknown> };
  const other = source("others", {
    table: "public.others",
    columns: { id: int64(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
  });

  test.each<[string, () => void, RegExp]>([
    ["SOURCE_UNKNOWN", () => loose.put(other, []), /no source "others"; they have tickets/],
    ["DEFINITION_INVALID", () => loose.put(billing, []), /derived source "billing_tickets"/],
    ["MOCK_INVALID", () => loose.put(tickets, {}), /must be a list/],
    ["MOCK_INVALID", () => loose.put(tickets, [7]), /row 0: give an object with id, line_id/],
    [
      "MOCK_INVALID",
      () => loose.put(tickets, [ticket, { ...ticket, topics: "x" }]),
      /row 1: there is no column "topics"\D+topic/,
    ],
    [
      "MOCK_INVALID",
      () => loose.put(tickets, [{ ...ticket, opened: 5 }]),
      /row 0, column "opened": the bare number 5 has no unit/,
    ],
    [
      "MOCK_INVALID",
      () => loose.put(tickets, [{ ...ticket, topic: undefined }]),
      /row 0, column "topic": null is not allowed here/,
    ],
    ["MOCK_INVALID", () => loose.put(customers, []), /say when, as in \{ at:/],
    ["OPTION_UNKNOWN", () => loose.put(tickets, [], { asOf }), /no option "asOf"/],
    ["MOCK_INVALID", () => loose.remove(tickets, [{ id: 9 }]), /no row has id 9; put a row first/],
    [
      "MOCK_INVALID",
      () => loose.remove(tickets, [{ id: 9, topic: "x" }]),
      /no column "topic"; give id/,
    ],
  ])("%s", (code, call, message) => {
    expect(call).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test("a commit time that goes back is refused, and nothing is taken", async () => {
    const back = mockStore(definitions);
    back.put(tickets, [ticket], { at: asOf });
    expect(() => {
      back.put(tickets, [{ ...ticket, id: 2 }], { at: "2026-03-25T00:00:00Z" });
    }).toThrow(
      /at is 2026-03-25T00:00:00.000000Z, and the change before was committed at 2026-03-26/,
    );
    expect(await back.ask(complaints.tickets_30d, { line_id: 7 }, { asOf })).toEqual({
      tickets_30d: 1,
    });
  });

  test("a question needs its time and its keys", async () => {
    await expect(loose.ask(complaints, { line_id: 7 })).rejects.toThrow(/the time is missing/);
    await expect(loose.ask(complaints, {}, { asOf })).rejects.toThrow(/key line_id is missing/);
    await expect(loose.ask(complaints, { line_id: 7 }, { asOf, at: asOf })).rejects.toThrow(
      /no option "at" any more; write asOf/,
    );
  });

  test("a view whose source is not among the definitions is refused", async () => {
    const small = mockStore({ talk });
    await expect(small.ask(profile, { line_id: 7 }, { asOf })).rejects.toThrow(
      /no source "customers"; they have calls/,
    );
  });
});

const many = featureView("many", {
  entity: line,
  source: tickets,
  features: {
    total: sum(tickets.score).overNamed({
      delayed: window("2h", { delay: "1h" }),
      all: lifetime(),
      today: current("day", "Europe/Zurich"),
      month: previous("month", "UTC"),
      three: lastRows(3),
      within: lastRows(2, { within: "5h" }),
    }),
    mean: avg(tickets.score).where(eq(tickets.topic, "a")).over("6h"),
    middle: median(tickets.score).over("6h"),
    kinds: countDistinct(tickets.topic).over(series("1h", 4)),
    oldest: first(tickets.topic).over("6h"),
    newest: last(tickets.score).over("6h"),
    gap: meanGap("hours").over("1d"),
    usual: avgOf(sum(tickets.score).over(series("1h", 4))),
    second: elementOf(lastN(tickets.topic, 3).over("6h"), 1),
    by_topic: sum(tickets.score).by(tickets.topic).over("6h"),
    newest_by_topic: last(tickets.score).byEach(tickets.topic, ["a", "c"]).over(lastRows(2)),
    spread: histogram(tickets.topic).over("6h"),
  },
});

test("the three paths agree after any puts, updates, moves and removals", async () => {
  const start = Date.parse("2026-03-28T20:00:00Z");
  const time = fc.integer({ min: 0, max: 40 }).map((n) => new Date(start + n * 1_800_000));
  const row = fc.record({
    id: fc.integer({ min: 1, max: 4 }),
    line_id: fc.constantFrom(7, 7, 8, null),
    topic: fc.constantFrom("a", "b", "c"),
    score: fc.constantFrom(0.1, 0.2, -0, NaN, 1e300, null),
    opened: fc.option(time, { freq: 9 }),
  });
  const step = fc.record({ row, removes: fc.boolean(), later: fc.integer({ min: 0, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 8 }),
      fc.array(fc.tuple(time, fc.boolean()), { minLength: 1, maxLength: 3 }),
      async (steps, questions) => {
        const bank = mockStore({ many, facts, complaints, billed });
        const there = new Set<number>();
        let at = start;
        for (const [i, { row: one, removes, later }] of steps.entries()) {
          // a question between changes, after which the history is compacted
          if (i === 3) await bank.ask(many, { line_id: 7 }, { asOf: new Date(at) });
          at += later * 900_000;
          const options = { at: new Date(at) };
          if (removes && there.delete(one.id)) bank.remove(tickets, [{ id: one.id }], options);
          else {
            bank.put(tickets, [one], options);
            there.add(one.id);
          }
        }
        for (const [asOf, known] of questions)
          await bank.ask(
            [many, facts, complaints, billed],
            { line_id: 7 },
            { asOf, knowledge: known ? "as-known" : "as-corrected" },
          );
      },
    ),
    { numRuns: 60 },
  );
});

test("a store of the same rows answers alike", async () => {
  const { memoryOnlineStore } = await import("@tidemark/core/testing");
  const bank = mockStore(definitions);
  const row = { id: 1, line_id: 7, at: "2026-03-25T00:00:00Z" };
  bank.put(calls, [row]);
  const store = await openStore({
    definitions,
    online: memoryOnlineStore(),
    clock: () => new Date(asOf),
  });
  await store.push(calls, [row]);
  expect(await bank.ask(talk, { line_id: 7 }, { asOf })).toEqual(
    await store.getOnlineFeatures({ features: talk, entity: { line_id: 7 }, asOf }),
  );
});
