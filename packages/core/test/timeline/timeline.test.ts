/** A timeline has each change of an answer at its very microsecond, and samples where it moves. */
import {
  count,
  current,
  derivedView,
  entity,
  featureView,
  float64,
  int64,
  latest,
  micros,
  mul,
  openStore,
  pushSource,
  string,
  sum,
  timeSinceLast,
  timestamp,
  type Timeline,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import { rejectionOf } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: { id: int64(), user_id: string(), amount: float64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    payments_1h: count().over("1h"),
    spent_today: sum(payments.amount).over(current("day", "Asia/Tokyo")),
    age: timeSinceLast("seconds").over("1d"),
  },
});
const last = featureView("last", {
  entity: user,
  source: payments,
  ttl: "2h",
  features: { amount: latest(payments.amount) },
});
const doubled = derivedView("doubled", { features: { payments: mul(spending.payments_1h, 2) } });
const definitions = { payments, spending, last, doubled };

/** A store with pushes, each at its time. */
async function pushed(
  pushes: readonly {
    readonly at: string;
    readonly amount?: number;
    readonly time?: string;
    readonly gone?: true;
  }[],
): Promise<Store> {
  let now = new Date(0);
  const store = await openStore({ definitions, offline: memoryOfflineStore(), clock: () => now });
  for (const { at, amount = 1, time = at, gone } of pushes) {
    now = new Date(at);
    if (gone === true) await store.push(payments, [], { deletes: [{ id: 1n }] });
    else await store.push(payments, [{ id: 1n, user_id: "ann", amount, time }]);
  }
  return store;
}

const ann = { user_id: "ann" };
/** The points of a feature as [time, value], after the first. */
function pointsOf({ features }: Timeline, f = 0): readonly (readonly [string, unknown])[] {
  return features[f]!.points.map(({ at, value }) => [at, value]);
}

describe("a timeline has each change at its microsecond", () => {
  const range = { from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" };
  const [start, noon] = ["2026-03-01T00:00:00.000000Z", "2026-03-01T12:00:00Z"];

  test("a row enters a window after its time, and leaves it after the length", async () => {
    const store = await pushed([{ at: noon }]);
    const timeline = await store.timeline({
      features: spending.payments_1h,
      entity: ann,
      ...range,
    });
    expect(timeline).toMatchObject({
      entity: ann,
      from: start,
      to: "2026-03-02T00:00:00.000000Z",
      knowledge: "as-known",
      features: [
        { name: "payments_1h", feature: "spending.payments_1h", isExact: true, reason: null },
      ],
    });
    expect(timeline.features[0]!.points).toEqual([
      { at: start, value: 0, status: "NOT_FOUND" },
      { at: "2026-03-01T12:00:00.000001Z", value: 1, status: "PRESENT" },
      { at: "2026-03-01T13:00:00.000001Z", value: 0, status: "PRESENT" },
    ]);
  });

  test("a day of a calendar ends at its edge", async () => {
    const store = await pushed([{ at: noon, amount: 5 }]);
    const timeline = await store.timeline({
      features: spending.spent_today,
      entity: ann,
      ...range,
    });
    expect(pointsOf(timeline)).toEqual([
      [start, 0],
      ["2026-03-01T12:00:00.000001Z", 5],
      // midnight in Tokyo
      ["2026-03-01T15:00:00.000000Z", 0],
    ]);
  });

  test("a fact holds from its time on, up to its greatest age", async () => {
    const store = await pushed([{ at: "2026-02-01T00:00:00Z", amount: 7, time: noon }]);
    const timeline = await store.timeline({ features: last.amount, entity: ann, ...range });
    expect(timeline.features[0]!.points).toEqual([
      { at: start, value: null, status: "NOT_FOUND" },
      { at: "2026-03-01T12:00:00.000000Z", value: 7, status: "PRESENT" },
      { at: "2026-03-01T14:00:00.000001Z", value: null, status: "OUTSIDE_MAX_AGE" },
    ]);
  });

  test("as known, a change counts after its commit; as corrected, at any time", async () => {
    const store = await pushed([
      { at: noon, amount: 5 },
      { at: "2026-03-01T12:20:00Z", amount: 6, time: noon },
      { at: "2026-03-01T13:30:00Z", gone: true },
    ]);
    const features = [last.amount, spending.payments_1h] as const;
    const known = await store.timeline({ features, entity: ann, ...range });
    expect(pointsOf(known)).toEqual([
      [start, null],
      ["2026-03-01T12:00:00.000001Z", 5],
      ["2026-03-01T12:20:00.000001Z", 6],
      ["2026-03-01T13:30:00.000001Z", null],
    ]);
    const corrected = await store.timeline({
      features,
      entity: ann,
      ...range,
      knowledge: "as-corrected",
    });
    expect(corrected.features.map(({ points }) => points)).toEqual([
      [{ at: start, value: null, status: "NOT_FOUND" }],
      [{ at: start, value: 0, status: "NOT_FOUND" }],
    ]);
  });

  test("an interval may begin and end at a change", async () => {
    const store = await pushed([{ at: noon }]);
    const at = BigInt(Date.parse(noon)) * 1000n;
    const timeline = await store.timeline({
      features: doubled,
      entity: ann,
      from: micros(at),
      to: micros(at + 1n),
    });
    expect(pointsOf(timeline)).toEqual([
      ["2026-03-01T12:00:00.000000Z", 0],
      ["2026-03-01T12:00:00.000001Z", 2],
    ]);
  });
});

describe("a timeline that is not exact has samples", () => {
  const range = { from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" };

  test("where the answer moves with the clock; its changes are among the samples", async () => {
    const store = await pushed([{ at: "2026-03-01T12:00:00Z" }]);
    const { features } = await store.timeline({
      features: spending.age,
      entity: ann,
      ...range,
      maxPoints: 25,
    });
    expect(features[0]).toMatchObject({ isExact: false, reason: "clock" });
    const { points } = features[0]!;
    expect(points.length).toBeLessThanOrEqual(26);
    expect(points.find(({ at }) => at === "2026-03-01T12:00:00.000001Z")).toMatchObject({
      value: 0.000001,
    });
    expect([points[0]!.at, points.at(-1)!.at]).toEqual([
      "2026-03-01T00:00:00.000000Z",
      "2026-03-02T00:00:00.000000Z",
    ]);
  });

  test("where there are more changes than points, for this feature alone", async () => {
    const store = await pushed(
      Array.from({ length: 6 }, (_, i) => ({ at: `2026-03-01T0${i}:00:00Z`, amount: 1 })),
    );
    const { features } = await store.timeline({
      features: [spending.payments_1h, last.amount],
      entity: { user_id: "ann" },
      ...range,
      maxPoints: 4,
    });
    expect(features.map(({ isExact, reason }) => [isExact, reason])).toEqual([
      [false, "points"],
      [false, "points"],
    ]);
    expect(features[0]!.points).toHaveLength(4);
    const nobody = await store.timeline({
      features: spending.payments_1h,
      entity: { user_id: "bob" },
      ...range,
      maxPoints: 4,
    });
    expect(nobody.features[0]).toMatchObject({ isExact: true, points: [{ value: 0 }] });
  });
});

test("wrong options are refused", async () => {
  const store = await pushed([]);
  const asked = { features: last, entity: ann, from: "2026-03-01T00:00:00Z" } as const;
  const refused = async (more: object): Promise<unknown> =>
    rejectionOf(store.timeline({ ...asked, to: "2026-03-02T00:00:00Z", ...more }));
  expect(await refused({ to: "2026-02-28T00:00:00Z" })).toMatchObject({
    code: "OPTION_INVALID",
    message: expect.stringContaining("is after to") as string,
  });
  expect(await refused({ maxPoints: 1 })).toMatchObject({ code: "OPTION_INVALID" });
  expect(await refused({ entity: { user: "ann" } })).toMatchObject({ code: "KEY_INVALID" });
  expect(await refused({ features: undefined })).toMatchObject({ code: "SELECTION_INVALID" });
  expect(await refused({ knowledge: "known" })).toMatchObject({ code: "OPTION_INVALID" });
  expect(await refused({ at: "now" })).toMatchObject({ code: "OPTION_UNKNOWN" });
});
