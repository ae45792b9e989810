/** Profiles and drift of columns of every type. */
import { openStore } from "@tidemark/core";
import { batchOf, type Batch, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { columnDrift } from "../../src/drift/compare.ts";
import { ColumnState } from "../../src/profile/column-state.ts";
import { measuredColumn } from "../../src/profile/measured-column.ts";

const of = (
  name: string,
  type: ColumnSpec["type"],
  more: Partial<ColumnSpec> = {},
): ColumnSpec => ({ name, database: name, type, nullable: true, ...more });
const text = { type: "string" as const, nullable: false };
const columns: readonly ColumnSpec[] = [
  of("small", "int32"),
  of("large", "int64"),
  of("price", "decimal", { precision: 20, scale: 4 }),
  of("day", "date"),
  of("moment", "timestamp"),
  of("flag", "boolean"),
  of("raw", "bytes"),
  of("extra", "json"),
  of("tags", "list", { element: text }),
  of("counts", "map", { keys: text, values: { type: "int64", nullable: false } }),
  of("place", "struct", { fields: [{ ...text, name: "city" }] }),
  of("word", "string"),
];
const TOO_LARGE = 2n ** 60n + 1n;

const rows: readonly (readonly Value[])[] = [
  [1, TOO_LARGE, 12_345n, 0, 0, true, new Uint8Array(3), "{}", ["a"], [["k", 1n]], ["Hue"], "é"],
  [2, 5n, -5n, 1, 1, false, new Uint8Array(0), "[1]", [], [], ["Hue"], "\u{1F600}"],
  [2, 5n, 0n, 2, 2_000_000, true, new Uint8Array(1), "{}", ["a", "b"], [], ["Rome"], "�"],
  columns.map(() => null),
];
const given = (list: readonly (readonly Value[])[]) => ({
  columns,
  async *batches(): AsyncGenerator<Batch> {
    yield batchOf(columns, list);
  },
});

test("each type has its form, and nothing is lost between days and files", async () => {
  const store = await openStore({ definitions: {}, offline: memoryOfflineStore() });
  const report = await store.profile({ rows: given(rows) });
  const found = new Map(report.all.columns.map((one) => [one.column, one]));
  for (const one of found.values()) expect(one).toMatchObject({ rows: 4, nulls: 1, isExact: true });
  expect(found.get("small")).toMatchObject({ min: 1, max: 2, distinct: 2, mean: 5 / 3 });
  expect(found.get("large")).toMatchObject({ min: 5, max: Number(TOO_LARGE), distinct: 2 });
  expect(found.get("price")).toMatchObject({ min: -0.0005, max: 1.2345, mean: 1.234 / 3 });
  expect(found.get("day")).toMatchObject({
    min: "1970-01-01",
    max: "1970-01-03",
    mean: "1970-01-02",
    stddev: 86_400,
  });
  expect(found.get("moment")).toMatchObject({
    max: "1970-01-01T00:00:02.000000Z",
    quantiles: { p50: "1970-01-01T00:00:00.000001Z" },
  });
  expect(found.get("flag")).toMatchObject({ frequent: [{ value: true, rows: 2 }, { rows: 1 }] });
  expect(found.get("raw")).toMatchObject({ measures: "length", max: 3 });
  expect(found.get("tags")).toMatchObject({ measures: "length", min: 0, max: 2 });
  expect(found.get("counts")).toMatchObject({ measures: "length", max: 1 });
  expect(found.get("place")).toMatchObject({ measures: "json", distinct: 2 });
  // by code point, and not by UTF-16 unit
  expect(found.get("word")).toMatchObject({ min: "é", max: "\u{1F600}" });

  const profile = JSON.parse(JSON.stringify(report.reference())) as ReturnType<
    typeof report.reference
  >;
  const names = columns.map(({ name }) => name);
  const same = await store.drift({
    rows: given(rows),
    columns: names,
    reference: { profile },
    thresholds: { psi: 0, ks: 0, jensenShannon: 0, wasserstein: 0, nullRate: 0 },
  });
  expect(same).toMatchObject({ drifted: 0, notCompared: [] });
  expect(same.columns.map(({ column }) => column)).toEqual(names);
  const other = await store.drift({
    rows: given(rows.slice(1)),
    columns: names,
    reference: { profile },
    thresholds: { jensenShannon: 0 },
  });
  expect(other.drifted).toBe(names.length);
  // (5, 5, 2^60 + 1) against (5, 5)
  expect(other.columns[1]!.ks).toBeCloseTo(1 / 3, 14);
});

test("no rows at all", async () => {
  const store = await openStore({ definitions: {}, offline: memoryOfflineStore() });
  const empty = given([]);
  const report = await store.profile({ rows: empty });
  expect(report).toMatchObject({ days: [], all: { rows: 0 }, counted: 0 });
  for (const one of report.all.columns)
    expect(one).toMatchObject({ rows: 0, nullRate: 0, distinct: 0, min: null, frequent: null });
  const drift = store.drift({ rows: empty, columns: ["small"], reference: { rows: empty } });
  await expect(drift).rejects.toMatchObject({ code: "DRIFT_EMPTY" });
  const small = measuredColumn(
    empty.columns.find(({ name }) => name === "small")!,
    false,
  );
  const [left, right] = [new ColumnState(small), new ColumnState(small)];
  const distances = { psi: null, ks: null, nullRate: null, exceeded: [] };
  expect(columnDrift(left, right, { psi: 0.2 })).toMatchObject(distances);
});
