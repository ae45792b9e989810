/** Drift of sources and rows against windows, rows and fixed profiles. */
import { batchOf, valueAt, type Batch, type ColumnSpec } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { ColumnState } from "../../src/profile/column-state.ts";
import { measuredColumn } from "../../src/profile/measured-column.ts";
import { columnDrift } from "../../src/drift/compare.ts";
import { opened, payments, row, weekly } from "../support/dated-payments.ts";

const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => i + from);

async function openedTwoDays(): ReturnType<typeof opened> {
  const made = await opened();
  const { store } = made;
  // the second day is the first one, one hundred higher, with another vendor in every second row
  await store.push(
    payments,
    range(100).map((id) => row(id, 1, id)),
  );
  await store.push(
    payments,
    range(100).map((id) => row(id + 100, 2, id + 100, id % 2 === 0 ? "Food" : "Sport")),
  );
  return made;
}

const before = { from: "2026-03-01", to: "2026-03-02" };

test("a window against another one: moved numbers and a new category", async () => {
  const { store, offline } = await openedTwoDays();
  const report = await store.drift({ source: payments, from: "2026-03-02", reference: before });
  expect(report).toMatchObject({
    of: { kind: "source", name: "payments" },
    reference: "2026-03-01 to before 2026-03-02",
    from: "2026-03-02",
    to: null,
    measuredAt: "2026-03-10T00:00:00.000000Z",
    table: "payments/drift",
    drifted: 2,
    notCompared: [],
  });
  // neither the key nor the time
  expect(report.columns.map(({ column }) => column)).toEqual(["user_id", "vendor", "amount"]);
  const [users, vendor, amount] = report.columns;
  expect(users!.exceeded).toEqual([]);
  expect(vendor!.ks).toBeNull();
  // half of the rows left the only category of the reference
  expect(vendor!.psi).toBeCloseTo(0.5 * Math.log(2) + (0.5 - 1e-4) * Math.log(0.5 / 1e-4), 12);
  expect(amount).toMatchObject({
    rows: 100,
    referenceRows: 100,
    isExact: true,
    ks: 1,
    wasserstein: 100,
    nullRate: 0,
    exceeded: ["psi"],
  });
  const found: unknown[] = [];
  for await (const { length, vectors } of offline.scan("payments/drift", {
    columns: ["column_name", "measure", "value", "threshold", "is_exceeded"],
  }))
    for (let i = 0; i < length; i++) found.push(vectors.map((vector) => valueAt(vector, i)));
  expect(found).toContainEqual(["amount", "wasserstein", 100, null, false]);
  expect(found).toContainEqual(["amount", "psi", amount!.psi, 0.2, true]);

  const same = await store.drift({
    source: payments,
    ...before,
    reference: before,
    thresholds: { psi: 0, ks: 0, jensenShannon: 0, wasserstein: 0, nullRate: 0 },
  });
  expect(same.drifted).toBe(0);
});

test("missing values are a category, and have a measure of their own", async () => {
  const { store } = await openedTwoDays();
  await store.push(
    payments,
    range(50).map((id) => row(id + 100, 2, null, null)),
  );
  const { columns } = await store.drift({
    source: payments,
    from: "2026-03-02",
    columns: ["vendor", "amount"],
    reference: before,
    thresholds: { nullRate: 0.4 },
  });
  for (const one of columns) expect(one).toMatchObject({ nullRate: 0.5, exceeded: ["nullRate"] });
  const share = (0.5 - 1e-4) * Math.log(0.5 / 1e-4);
  // Food 1 → 0.25, Sport 0 → 0.25, missing 0 → 0.5
  expect(columns[0]!.psi).toBeCloseTo(
    -0.75 * Math.log(0.25) + (0.25 - 1e-4) * Math.log(0.25 / 1e-4) + share,
    12,
  );
});

test("a fixed profile is a reference like the rows it was made of", async () => {
  const { store } = await openedTwoDays();
  const then = (await store.profile({ source: payments, ...before })).reference();
  const profile = JSON.parse(JSON.stringify(then)) as typeof then;
  const options = { source: payments, from: "2026-03-02" } as const;
  const fixed = await store.drift({ ...options, reference: { profile } });
  const window = await store.drift({ ...options, reference: before });
  expect(fixed.reference).toBe("profile payments");
  // the fixed profile has no value of personal data
  const [hidden, ...others] = fixed.columns;
  expect(hidden).toMatchObject({ column: "user_id", psi: null, nullRate: 0, exceeded: [] });
  expect(others).toEqual(window.columns.slice(1));
});

test("features of a view against a training set", async () => {
  const { store } = await openedTwoDays();
  await store.materialize({ views: [weekly], from: "2026-03-01", to: "2026-03-03" });
  const columns: ColumnSpec[] = [
    { name: "num", database: "", type: "int64", nullable: true },
    { name: "label", database: "", type: "boolean", nullable: false },
  ];
  const rows = {
    name: "train.parquet",
    columns,
    async *batches(): AsyncGenerator<Batch> {
      yield batchOf(columns, [
        [34n, true],
        [33n, true],
        [33n, false],
      ]);
    },
  };
  const day = { from: "2026-03-01", to: "2026-03-02" };
  const report = await store.drift({ view: weekly, ...day, reference: { rows } });
  expect(report.columns).toMatchObject([{ column: "num", psi: 0, ks: 0, wasserstein: 0 }]);
  expect(report.notCompared).toEqual(["label"]);
  expect(report.table).toBe("weekly/feature_drift");
  const later = await store.drift({ view: "weekly", from: "2026-03-02", reference: { rows } });
  expect(later.drifted).toBe(1);
  const own = await store.drift({ rows, reference: { rows } });
  expect(own).toMatchObject({ of: { kind: "rows" }, table: null, drifted: 0 });
});

test.each([
  [{ source: "payments" }, "DRIFT_INVALID"],
  [{ source: "payments", reference: {} }, "DRIFT_INVALID"],
  [{ source: "payments", reference: { ...before, profile: {} } }, "DRIFT_INVALID"],
  [{ source: "payments", reference: { profile: {} } }, "DRIFT_INVALID"],
  [{ source: "payments", reference: before, thresholds: { pis: 1 } }, "DRIFT_INVALID"],
  [{ source: "payments", reference: before, thresholds: { psi: -1 } }, "DRIFT_INVALID"],
  [{ source: "payments", reference: before, threshold: { psi: 1 } }, "OPTION_UNKNOWN"],
  [{ reference: before }, "PROFILE_INVALID"],
  [{ source: "payments", reference: { from: "soon" } }, "DATE_INVALID"],
  [{ source: "payments", reference: { to: "2026-03-01" } }, "DRIFT_EMPTY"],
  [{ source: "payments", from: "2026-03-05", reference: before }, "DRIFT_EMPTY"],
])("%j is refused", async (options, code) => {
  const { store } = await openedTwoDays();
  await expect(store.drift(options as never)).rejects.toMatchObject({ code });
});

test("beyond the limit the middles of bins are compared, and the report says so", () => {
  const measured = measuredColumn(
    { name: "x", database: "x", type: "float64", nullable: true },
    false,
  );
  const stateOf = (most: number, by: number): ColumnState => {
    const state = new ColumnState(measured, most);
    for (const i of range(20_000)) state.add(i / 100 + by);
    return state;
  };
  const exact = columnDrift(stateOf(1e6, 7), stateOf(1e6, 0), {});
  const about = columnDrift(stateOf(1000, 7), stateOf(1000, 0), {});
  expect([exact.isExact, about.isExact]).toEqual([true, false]);
  for (const measure of ["psi", "ks", "jensenShannon"] as const)
    expect(Math.abs(about[measure]! - exact[measure]!)).toBeLessThan(0.02);
  expect(Math.abs(about.wasserstein! / exact.wasserstein! - 1)).toBeLessThan(0.01);
});
