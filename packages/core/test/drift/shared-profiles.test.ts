/** Both sides of a comparison have profiles in the same bins, which equal naive counts. */
import type { DriftReport, SharedProfiles } from "@tidemark/core";
import { expect, test } from "vitest";
import { opened, payments, row } from "../support/dated-payments.ts";

const AMOUNTS = [
  Array.from({ length: 60 }, (_, i) => (i * 37) % 101),
  Array.from({ length: 45 }, (_, i) => 40 + ((i * 53) % 170)),
] as const;
const VENDORS = ["Food", "Sport", "Rent", null];
const days = {
  from: "2026-03-02",
  to: "2026-03-03",
  reference: { from: "2026-03-01", to: "2026-03-02" },
} as const;

async function compared(options: object = {}) {
  const made = await opened();
  for (const [d, amounts] of AMOUNTS.entries())
    await made.store.push(
      payments,
      amounts.map((amount, i) =>
        row(d * 100 + i, d + 1, i % 9 === 0 ? null : amount, VENDORS[(i * (d + 1)) % 4]!),
      ),
    );
  const report = await made.store.drift({ source: payments, ...days, profiles: true, ...options });
  return { ...made, report };
}

const profilesOf = (report: DriftReport, name: string): SharedProfiles =>
  report.columns.find(({ column }) => column === name)!.profiles!;

const missing = (_: number, i: number): boolean => i % 9 !== 0;

test("numbers are in 20 bins from the least to the greatest of both sides", async () => {
  const { report, store } = await compared();
  const { histogram, frequent, current, reference } = profilesOf(report, "amount");
  expect(frequent).toBeNull();
  const [before, now] = AMOUNTS.map((amounts) => amounts.filter(missing));
  const all = [...before!, ...now!];
  const edges = histogram!.edges as readonly number[];
  expect([edges.length, edges[0], edges.at(-1)]).toEqual([21, Math.min(...all), Math.max(...all)]);
  const naive = (values: readonly number[]): readonly number[] =>
    edges
      .slice(1)
      .map(
        (upper, i) =>
          values.filter((one) => one >= edges[i]! && (one < upper || (i === 19 && one === upper)))
            .length,
      );
  expect(histogram!.current).toEqual(naive(now!));
  expect(histogram!.reference).toEqual(naive(before!));
  // each side has the profile that the store has of its days
  const { reference: window, ...own } = days;
  for (const [side, range] of [
    [current, own],
    [reference, window],
  ] as const) {
    const { all: whole } = await store.profile({ source: payments, ...range });
    expect(whole.columns).toContainEqual(side);
  }
});

test("categories have their rows on both sides", async () => {
  const { report } = await compared();
  const { histogram, frequent } = profilesOf(report, "vendor");
  expect(histogram).toBeNull();
  const counts = (d: number, vendor: string): number =>
    AMOUNTS[d]!.filter((_, i) => VENDORS[(i * (d + 1)) % 4] === vendor).length;
  const naive = VENDORS.flatMap((vendor) => {
    if (vendor === null) return [];
    const [rows, referenceRows] = [counts(1, vendor), counts(0, vendor)];
    return rows + referenceRows === 0 ? [] : [{ value: vendor, rows, referenceRows }];
  });
  expect(frequent).toHaveLength(naive.length);
  expect(frequent).toEqual(expect.arrayContaining(naive));
});

test("a fixed profile is a side too; personal columns show no value", async () => {
  const { store, report } = await compared();
  const fixed = await store.profile({ source: payments, ...days.reference });
  const against = await store.drift({
    source: payments,
    from: days.from,
    to: days.to,
    reference: { profile: fixed.reference() },
    profiles: true,
  });
  expect(profilesOf(against, "amount")).toEqual(profilesOf(report, "amount"));
  for (const one of [report, against]) {
    const { current, reference, histogram, frequent } = profilesOf(one, "user_id");
    expect([histogram, frequent]).toEqual([null, null]);
    for (const side of [current, reference])
      expect(side).toMatchObject({ isHidden: true, min: null, frequent: null });
  }
});

test("one side may be without values", async () => {
  const { store } = await compared();
  const rows = AMOUNTS[0].map((_, i) => row(500 + i, 5, null));
  await store.push(payments, rows);
  const report = await store.drift({
    source: payments,
    from: "2026-03-05",
    reference: days.reference,
    profiles: true,
  });
  const { histogram } = profilesOf(report, "amount");
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  expect([sum(histogram!.current), sum(histogram!.reference)]).toEqual([
    0,
    AMOUNTS[0].filter(missing).length,
  ]);
});

test("a result that is not recorded is in no table", async () => {
  const { store, report } = await compared({ record: false });
  expect(report.table).toBeNull();
  expect(await store.driftHistory({ source: payments })).toEqual([]);
  const recorded = await store.drift({ source: payments, ...days });
  expect(recorded.columns[0]).not.toHaveProperty("profiles");
  expect(await store.driftHistory({ source: payments })).not.toEqual([]);
});

test("what is no profile and no flag is refused", async () => {
  const { store, report } = await compared();
  const given = await store.profile({ source: payments });
  const fixed = given.reference();
  const drift = (options: object) =>
    expect(store.drift({ source: payments, ...days, ...options })).rejects.toMatchObject;
  await drift({ profiles: 1 })({ code: "OPTION_INVALID" });
  await drift({ record: "no" })({ code: "OPTION_INVALID" });
  for (const column of [
    null,
    { ...fixed.columns[0]!, state: "%" },
    { ...fixed.columns[0]!, state: "AAAA" },
    { ...fixed.columns[0]!, column: { name: "id", type: "none" } },
    { state: fixed.columns[0]!.state },
  ])
    await drift({ reference: { profile: { ...fixed, columns: [column] } } })({
      code: "DRIFT_INVALID",
    });
  expect(report.drifted).toBeGreaterThan(0);
});
