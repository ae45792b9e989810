/** Profiles of sources, views and rows: what they say, and what they read again. */
import { batchOf, type Batch, type ColumnSpec } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { ColumnState } from "../../src/profile/column-state.ts";
import { columnProfile } from "../../src/profile/column-profile.ts";
import { countDays } from "../../src/profile/count-days.ts";
import { EVERY_DAY } from "../../src/profile/day-ranges.ts";
import { measuredColumn } from "../../src/profile/measured-column.ts";
import type { DayRows } from "../../src/profile/day-rows.ts";
import { Random } from "@tidemark/testkit/generate/random";
import { opened, payments, row, weekly } from "../support/dated-payments.ts";

test("a profile has statistics by day and over all days", async () => {
  const { store } = await opened();
  await store.push(
    payments,
    [1, 2, 3, 4].map((id) => row(id, 1, id)),
  );
  await store.push(payments, [row(5, 2, null), row(6, 2, 10, null)]);
  const report = await store.profile({ source: payments });
  expect(report.of).toEqual({ kind: "source", name: "payments" });
  expect(report.days.map(({ day, rows }) => [day, rows])).toEqual([
    ["2026-03-01", 4],
    ["2026-03-02", 2],
  ]);
  const amount = report.days[0]!.columns[3]!;
  expect(amount).toMatchObject({
    column: "amount",
    rows: 4,
    nulls: 0,
    distinct: 4,
    isExact: true,
    min: 1,
    max: 4,
    mean: 2.5,
    stddev: Math.sqrt(5 / 3),
    quantiles: { p01: 1.03, p25: 1.75, p50: 2.5, p75: 3.25, p99: 3.97 },
  });
  expect(amount.histogram!.edges).toHaveLength(21);
  expect(amount.histogram!.counts.reduce((a, b) => a + b)).toBe(4);
  expect(report.all.columns[2]).toMatchObject({
    nulls: 1,
    nullRate: 1 / 6,
    min: "Food",
    frequent: [{ value: "Food", rows: 5 }],
  });
  expect(report.all.columns[3]).toMatchObject({ rows: 6, nulls: 1, mean: 4, max: 10 });
  expect(report.all.columns[4]).toMatchObject({
    min: "2026-03-01T12:00:00.000000Z",
    mean: "2026-03-01T20:00:00.000000Z",
  });
  const some = await store.profile({ source: "payments", from: "2026-03-02", columns: ["id"] });
  expect(some.days).toHaveLength(1);
  expect(some.all.columns.map(({ column }) => column)).toEqual(["id"]);
});

test("values of personal data are neither shown nor stored", async () => {
  const { store, offline } = await opened();
  await store.push(payments, [row(1, 1, 1), row(2, 1, 2)]);
  const report = await store.profile({ source: payments });
  const hidden = { rows: 2, distinct: 2, isHidden: true, min: null, frequent: null };
  expect(report.all.columns[1]).toMatchObject(hidden);
  for await (const { length, vectors, columns } of offline.scan("payments/profiles", {
    columns: ["column_name", "profile", "state", "min_text"],
  })) {
    expect(length).toBe(5);
    const decoder = new TextDecoder("latin1");
    const text = vectors
      .map((vector) =>
        vector.kind === "bytes"
          ? vector.values.map((one) => decoder.decode(one)).join(" ")
          : JSON.stringify(vector),
      )
      .join(" ");
    expect(columns).toHaveLength(4);
    expect(text).not.toContain("user 1");
    expect(text).toContain("Food");
  }
  expect(JSON.stringify(report.reference())).not.toContain(btoa("user 1").slice(0, 6));
});

test("only the days of changed rows are read again", async () => {
  const { store } = await opened();
  await store.push(
    payments,
    [1, 2, 3, 4].map((id) => row(id, id, id)),
  );
  expect((await store.profile({ source: payments })).counted).toBe(4);
  // a late row, and a row that moves from one day to another
  await store.push(payments, [row(5, 2, 7)]);
  expect((await store.profile({ source: payments })).counted).toBe(1);
  await store.push(payments, [row(1, 6, 1)]);
  const moved = await store.profile({ source: payments });
  expect(moved.counted).toBe(1);
  expect(moved.days.map(({ day }) => day)).not.toContain("2026-03-01");
  await store.push(payments, [], { deletes: [{ id: 3 }] });
  const deleted = await store.profile({ source: payments, from: "2026-03-04" });
  expect(deleted.counted).toBe(0);
  expect((await store.profile({ source: payments })).days.map(({ day }) => day)).toEqual([
    "2026-03-02",
    "2026-03-04",
    "2026-03-06",
  ]);
});

test("features of a view by its materialized days", async () => {
  const { store } = await opened();
  await store.push(payments, [row(1, 1, 1), row(2, 1, 2), row(4, 2, 2)]);
  expect((await store.profile({ view: weekly })).days).toEqual([]);
  await store.materialize({ views: [weekly], from: "2026-03-01", to: "2026-03-04" });
  const report = await store.profile({ view: weekly });
  expect(report.counted).toBe(3);
  expect(report.days[2]).toMatchObject({
    day: "2026-03-03",
    rows: 2,
    columns: [{ column: "num", min: 1, max: 2, frequent: [{ value: 1 }, { value: 2 }] }],
  });
  await store.push(payments, [row(5, 3, 1)]);
  await store.materialize({ views: [weekly], incremental: true, to: "2026-03-04" });
  const again = await store.profile({ view: "weekly" });
  expect(again.counted).toBe(1);
  expect(again.days[2]!.columns[0]!.max).toBe(2);
  await store.erase({ entity: "user", key: { user_id: "user 1" } });
  expect((await store.profile({ view: weekly })).days[2]!.rows).toBe(1);
  expect((await store.profile({ source: payments })).all.rows).toBe(2);
});

const columns: ColumnSpec[] = [
  { name: "event_timestamp", database: "", type: "timestamp", nullable: false },
  { name: "score", database: "", type: "float64", nullable: true },
  { name: "tags", database: "", type: "list", nullable: true, element: textType() },
];
function textType() {
  return { type: "string" as const, nullable: false };
}

test("rows such as a training set, read once", async () => {
  const { store } = await opened();
  let reads = 0;
  const rows = {
    name: "train.parquet",
    columns,
    async *batches(): AsyncGenerator<Batch> {
      reads++;
      const day = 86_400_000_000;
      yield batchOf(columns, [
        [0, 1.5, ["a"]],
        [day, NaN, []],
        [day, null, null],
      ]);
    },
  };
  const report = await store.profile({ rows });
  expect(reads).toBe(1);
  expect(report.days.map(({ day, rows: own }) => [day, own])).toEqual([
    ["1970-01-01", 1],
    ["1970-01-02", 2],
  ]);
  expect(report.all.columns[1]).toMatchObject({ rows: 3, nulls: 2, mean: 1.5, stddev: null });
  expect(report.all.columns[2]).toMatchObject({ measures: "length", nulls: 1, min: 0, max: 1 });
});

test.each([
  [{}, "PROFILE_INVALID"],
  [{ source: "payments", view: "weekly" }, "PROFILE_INVALID"],
  [{ source: "payment" }, "SOURCE_UNKNOWN"],
  [{ view: "wekly" }, "VIEW_UNKNOWN"],
  [{ source: "payments", from: "2026-02-30" }, "DATE_INVALID"],
  [{ source: "payments", from: "2026-03-02", to: "2026-03-02" }, "DATES_EMPTY"],
  [{ source: "payments", columns: ["amout"] }, "COLUMN_UNKNOWN"],
  [{ source: "payments", zone: "Mars" }, "TIME_ZONE_UNKNOWN"],
  [{ source: "payments", day: "2026-03-02" }, "OPTION_UNKNOWN"],
])("%j is refused", async (options, code) => {
  const { store } = await opened();
  await expect(store.profile(options as never)).rejects.toMatchObject({ code });
});

const number = measuredColumn({ name: "x", database: "x", type: "float64", nullable: true }, false);

test("beyond the limit a state is a sketch of the rows alone, and is merged", () => {
  const random = new Random(7);
  const values = Array.from({ length: 30_000 }, () => random.fraction() * 100 - 10);
  const exact = new ColumnState(number, 100_000);
  const sketch = new ColumnState(number, 1000);
  const parts = [0, 1, 2].map(() => new ColumnState(number, 500));
  values.forEach((value, i) => {
    exact.add(value);
    sketch.add(value);
    parts[i % 3]!.add(value);
  });
  const merged = new ColumnState(number, 2000);
  for (const part of parts) merged.merge(part);
  expect(merged.encode()).toEqual(sketch.encode());
  expect(ColumnState.decode(merged.encode(), number).encode()).toEqual(sketch.encode());
  const [real, about] = [columnProfile(exact), columnProfile(sketch)];
  expect(about.isExact).toBe(false);
  expect([about.rows, about.mean, about.stddev, about.min, about.max]).toEqual([
    real.rows,
    real.mean,
    real.stddev,
    real.min,
    real.max,
  ]);
  expect(Math.abs(about.distinct / real.distinct - 1)).toBeLessThan(0.03);
  for (const name of ["p01", "p50", "p99"] as const)
    expect(Math.abs(Number(about.quantiles![name]) - Number(real.quantiles![name]))).toBeLessThan(
      0.2,
    );
});

test("days that do not fit in memory are read another time", async () => {
  const random = new Random(11);
  const second = measuredColumn(
    { name: "y", database: "y", type: "float64", nullable: true },
    false,
  );
  const data = Array.from({ length: 9000 }, () => ({
    day: random.int(30),
    x: random.fraction(),
    y: random.fraction(),
  }));
  let reads = 0;
  const rows: DayRows = {
    columns: [number, second],
    async *batches({ columns: asked }) {
      reads++;
      yield {
        length: data.length,
        days: Float64Array.from(data, ({ day }) => day),
        vectors: asked.map((one) => ({
          kind: "float64" as const,
          values: Float64Array.from(data, (of) => of[one === number ? "x" : "y"]),
          valid: null,
        })),
      };
    },
  };
  const counted = async (values: number) => {
    const found: [number, unknown][] = [];
    for await (const { days } of countDays(rows, [EVERY_DAY], { values, signal: undefined }))
      for (const [day, states] of days) found.push([day, states.map(({ profile }) => profile)]);
    return found.sort(([a], [b]) => a - b);
  };
  const whole = await counted(1e6);
  expect(reads).toBe(1);
  expect(await counted(3000)).toEqual(whole);
  expect(reads).toBeGreaterThan(5);
  // not even one day fits
  expect(await counted(10)).toEqual(whole);
});
