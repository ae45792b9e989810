/** Tests how stored rows take changes that a run decoded under other columns. */
import { expect, test } from "vitest";
import { changeProjection } from "../../src/online/change-projection.ts";
import { layoutOf } from "../../src/online/source-layout.ts";
import type { SourceSpec } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";

const run: SourceSpec = {
  name: "payments",
  table: "public.payments",
  columns: [
    { name: "amount", database: "amount", type: "int64", nullable: true },
    { name: "id", database: "id", type: "int64", nullable: false },
  ],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
};
const fee = { name: "fee", database: "fee", type: "int64", nullable: true } as const;
const stored: SourceSpec = { ...run, columns: [...run.columns.toReversed(), fee] };

const change: Change = {
  source: "payments",
  topic: "payments",
  partition: 0,
  offset: 0,
  kind: "delete",
  values: [null, 7n],
  oldKey: null,
  unavailable: [],
  invalidColumns: [],
  undecodable: null,
  nonFinite: 0,
  order: 1n,
  committed: 1,
  snapshot: false,
  op: "d",
  timestamp: null,
  transaction: null,
};

test("a delete without a logged row needs its key alone", () => {
  const project = changeProjection(layoutOf(stored, []), run)!;
  expect(project(change).values).toEqual([7n, null, null]);
  expect(() => project({ ...change, kind: "upsert" })).toThrow("no logged rows");
});
