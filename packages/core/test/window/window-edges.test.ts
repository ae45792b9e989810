import { seriesAt, windowAt } from "@tidemark/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { longestUnit, reachOf } from "../../src/define/window-reach.ts";
import { calendarOf } from "../../src/window/calendar.ts";
import { edgesOf, seriesEdgesOf } from "../../src/window/window-edges.ts";
import type { CalendarUnit, WindowSpec } from "../../src/specs.ts";

const micros = (text: string): number => Date.parse(text) * 1000;
const text = (time: number): string => new Date(time / 1000).toISOString();
const edgesAt = (window: WindowSpec, t: string): string[] => {
  const { start, end } = edgesOf(window);
  return [text(start(micros(t))), text(end(micros(t)))];
};

const zurich = "Europe/Zurich";
const units: readonly CalendarUnit[] = ["hour", "day", "week", "month", "quarter", "year"];
/** Zones whose clocks change at midnight, by half an hour, over the date line, or never. */
const zones = [
  "UTC",
  zurich,
  "Asia/Ho_Chi_Minh",
  "America/New_York",
  "America/St_Johns",
  "America/Havana",
  "America/Sao_Paulo",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
];

describe("the day of a clock change", () => {
  test("has 23 hours in spring: 2026-03-29 in Zurich", () => {
    expect(
      edgesAt({ kind: "previous", unit: "day", zone: zurich, count: 1 }, "2026-03-30T10:00:00Z"),
    ).toEqual(["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"]);
  });
  test("has 25 hours in autumn", () => {
    expect(
      edgesAt({ kind: "previous", unit: "day", zone: zurich, count: 1 }, "2026-10-26T10:00:00Z"),
    ).toEqual(["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]);
  });
  test("begins at the change where its midnight does not exist", () => {
    expect(
      edgesAt({ kind: "current", unit: "day", zone: "America/Sao_Paulo" }, "2018-11-04T12:00:00Z"),
    ).toEqual(["2018-11-04T03:00:00.000Z", "2018-11-04T12:00:00.000Z"]);
  });
  test("begins at the first of two midnights", () => {
    expect(
      edgesAt({ kind: "current", unit: "day", zone: "America/Havana" }, "2025-11-02T12:00:00Z"),
    ).toEqual(["2025-11-02T04:00:00.000Z", "2025-11-02T12:00:00.000Z"]);
  });
  test("is none where a zone leaves it out: 2011-12-30 in Samoa", () => {
    const window = { kind: "previous", unit: "day", zone: "Pacific/Apia", count: 1 } as const;
    expect(edgesAt(window, "2011-12-30T12:00:00Z")).toEqual([
      "2011-12-29T10:00:00.000Z",
      "2011-12-30T10:00:00.000Z",
    ]);
  });
});

test("the repeated hour is two hours, the skipped one none", () => {
  const { start, next } = calendarOf("hour", zurich);
  const hoursFrom = (first: string): string[] => {
    const starts = [start(micros(first))];
    while (starts.length < 4) starts.push(next(starts.at(-1)!));
    return starts.map(text);
  };
  expect(hoursFrom("2026-10-24T23:30:00Z")).toEqual([
    "2026-10-24T23:00:00.000Z",
    "2026-10-25T00:00:00.000Z",
    "2026-10-25T01:00:00.000Z",
    "2026-10-25T02:00:00.000Z",
  ]);
  expect(hoursFrom("2026-03-29T00:30:00Z")).toEqual([
    "2026-03-29T00:00:00.000Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-29T02:00:00.000Z",
    "2026-03-29T03:00:00.000Z",
  ]);
});

test("a current unit is empty at its very start", () => {
  const midnight = "2026-03-28T23:00:00Z";
  const { start, end } = edgesOf({ kind: "current", unit: "day", zone: zurich });
  expect(start(micros(midnight))).toBe(end(micros(midnight)));
});

const times = fc.oneof(
  fc.integer({ min: micros("1985-01-01T00:00:00Z"), max: micros("2035-01-01T00:00:00Z") }),
  // around the clock changes of these zones
  fc
    .tuple(
      fc.constantFrom(
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2025-11-02T05:00:00Z",
        "2018-11-04T03:00:00Z",
        "2018-02-18T02:00:00Z",
        "2025-04-05T15:00:00Z",
        "2025-10-04T15:30:00Z",
        "2011-12-30T10:00:00Z",
        "2006-10-29T02:31:00Z",
      ),
      fc.integer({ min: -3 * 86_400_000_000, max: 3 * 86_400_000_000 }),
      fc.boolean(),
    )
    .map(
      ([at, distance, whole]) =>
        micros(at) + (whole ? Math.round(distance / 3.6e9) * 3.6e9 : distance),
    ),
);
const windows: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.integer({ min: 1, max: 1e12 }),
  fc.record({
    kind: fc.constant("delayed" as const),
    length: fc.integer({ min: 1, max: 1e12 }),
    delay: fc.integer({ min: 1, max: 1e12 }),
  }),
  fc.record({
    kind: fc.constant("lastRows" as const),
    count: fc.integer({ min: 1, max: 1000 }),
    within: fc.integer({ min: 1, max: 1e12 }),
  }),
  fc.record({
    kind: fc.constant("current" as const),
    unit: fc.constantFrom(...units),
    zone: fc.constantFrom(...zones),
  }),
  fc.record({
    kind: fc.constant("previous" as const),
    unit: fc.constantFrom(...units),
    zone: fc.constantFrom(...zones),
    count: fc.integer({ min: 1, max: 3 }),
  }),
);

test("the edges are those of the naive search on the zone's clock, within the reach", () => {
  fc.assert(
    fc.property(windows, fc.array(times, { minLength: 1, maxLength: 3 }), (window, moments) => {
      const { start, end } = edgesOf(window);
      for (const t of moments) {
        const { from, to } = windowAt(window, t);
        expect([text(start(t)), text(end(t))], text(t)).toEqual([text(from), text(to)]);
        expect(start(t)).toBe(from);
        expect(t - from).toBeLessThanOrEqual(reachOf(window));
      }
    }),
    { numRuns: 300 },
  );
});

const allSeries: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({
    kind: fc.constant("series" as const),
    length: fc.integer({ min: 1, max: 1e10 }),
    count: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({
    kind: fc.constant("calendarSeries" as const),
    unit: fc.constantFrom(...units),
    zone: fc.constantFrom(...zones),
    count: fc.integer({ min: 1, max: 4 }),
  }),
);

test("the windows of a series are those of the naive search, side by side", () => {
  fc.assert(
    fc.property(allSeries, fc.array(times, { minLength: 1, maxLength: 3 }), (window, moments) => {
      const edges = seriesEdgesOf(window)!;
      const { start, end } = edgesOf(window);
      for (const t of moments) {
        const found = [...edges(t)];
        const naive = seriesAt(window, t)!;
        expect(found, text(t)).toEqual([...naive.map(({ from }) => from), naive.at(-1)!.to]);
        expect([start(t), end(t)]).toEqual([found[0], found.at(-1)]);
        expect(naive.slice(1).map(({ from }) => from)).toEqual(
          naive.slice(0, -1).map(({ to }) => to),
        );
        expect(t - found[0]!).toBeLessThanOrEqual(reachOf(window));
      }
    }),
    { numRuns: 300 },
  );
});

test("units follow each other without a gap", () => {
  fc.assert(
    fc.property(fc.constantFrom(...units), fc.constantFrom(...zones), times, (unit, zone, t) => {
      const { start, next } = calendarOf(unit, zone);
      const [from, to] = [start(t), next(t)];
      expect(from <= t && t < to).toBe(true);
      expect(to - from).toBeLessThanOrEqual(longestUnit[unit]);
      expect(start(to)).toBe(to);
      expect(start(to - 1)).toBe(from);
    }),
    { numRuns: 500 },
  );
});
