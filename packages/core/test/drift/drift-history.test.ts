/** The drift that was measured is read newest first, and equals what each comparison reported. */
import { openStore, type DriftMeasure, type DriftReport, type MeasuredDrift } from "@tidemark/core";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { opened, payments, row, weekly } from "../support/dated-payments.ts";

const MEASURES = ["psi", "ks", "jensenShannon", "wasserstein", "nullRate"] as const;

/** What the history must say of one report. */
function historyOf(report: DriftReport): readonly MeasuredDrift[] {
  const { measuredAt, from, to, reference, thresholds } = report;
  return report.columns
    .map((one): MeasuredDrift => {
      const there = MEASURES.filter((measure) => one[measure] !== null);
      const limits = there.filter((measure) => thresholds[measure] !== undefined);
      const { column, rows, referenceRows, isExact, exceeded } = one;
      return {
        column,
        measuredAt,
        from,
        to,
        reference,
        rows,
        referenceRows,
        isExact,
        exceeded,
        measures: Object.fromEntries(there.map((name: DriftMeasure) => [name, one[name]!])),
        thresholds: Object.fromEntries(limits.map((name) => [name, thresholds[name]!])),
      };
    })
    .toSorted((a, b) => (a.column < b.column ? -1 : 1));
}

/** A store whose clock is a day later for each comparison. */
async function compared() {
  const data = memoryOfflineData();
  let day = 10;
  const store = await openStore({
    definitions: { weekly },
    offline: memoryOfflineStore(data),
    clock: () => new Date(Date.UTC(2026, 2, day)),
  });
  const days = [1, 2, 3, 4];
  await store.push(
    payments,
    days.flatMap((day) =>
      Array.from({ length: 30 }, (_, i) => row(day * 100 + i, day, i * day, i % 7 ? "a" : null)),
    ),
  );
  const reports: DriftReport[] = [];
  for (const from of days) {
    day++;
    reports.push(
      await store.drift({
        source: payments,
        from: `2026-03-0${from}`,
        to: `2026-03-0${from + 1}`,
        reference: { from: "2026-03-01", to: "2026-03-02" },
        thresholds: from === 3 ? { ks: 0.1, psi: 0.5 } : undefined,
      }),
    );
  }
  return { store, reports: reports.toReversed() };
}

test("all that was measured comes newest first", async () => {
  const { store, reports } = await compared();
  const history = await store.driftHistory({ source: "payments" });
  expect(history).toEqual(reports.flatMap(historyOf));
  expect(history.some(({ exceeded }) => exceeded.length > 0)).toBe(true);
  expect(history.some(({ thresholds }) => thresholds.ks === 0.1)).toBe(true);
});

test("columns, times and a limit narrow it", async () => {
  const { store, reports } = await compared();
  const all = reports.flatMap(historyOf);
  const asked = (options: object) => store.driftHistory({ source: payments, ...options });
  const amount = all.filter(({ column }) => column === "amount");
  expect(await asked({ columns: ["amount"] })).toEqual(amount);
  expect(await asked({ columns: ["amount"], limit: 2 })).toEqual(amount.slice(0, 2));
  expect(await asked({ limit: 0 })).toEqual([]);
  // the second and the third comparison
  const [from, to] = [reports[2]!.measuredAt, reports[0]!.measuredAt];
  expect(await asked({ from, to })).toEqual(reports.slice(1, 3).flatMap(historyOf));
});

test("nothing was measured: the list is empty; what does not exist is refused", async () => {
  const { store } = await opened();
  expect(await store.driftHistory({ source: payments })).toEqual([]);
  expect(await store.driftHistory({ view: weekly })).toEqual([]);
  const refused = (options: object) => expect(store.driftHistory(options)).rejects.toMatchObject;
  await refused({})({ code: "PROFILE_INVALID" });
  await refused({ source: "payment" })({ code: "SOURCE_UNKNOWN" });
  await refused({ source: payments, columns: ["amounts"] })({ code: "COLUMN_UNKNOWN" });
  await refused({ source: payments, limit: 10_001 })({ code: "OPTION_INVALID" });
  await refused({ source: payments, from: "yesterday" })({ code: "TIME_INVALID" });
  await refused({ source: payments, reference: {} })({ code: "OPTION_UNKNOWN" });
});
