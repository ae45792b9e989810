/** Tests that the filter of keys lets every row of the set pass, and few others. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { keyFilter } from "../../src/offline/key-filter.ts";
import type { ColumnSpec, SourceSpec, Value } from "../../src/specs.ts";

const columns: readonly ColumnSpec[] = [
  { name: "place", database: "place", type: "string", nullable: false },
  { name: "id", database: "id", type: "int64", nullable: false },
];
const sourceOf = (...primaryKey: readonly string[]): SourceSpec => ({
  name: "visits",
  table: "public.visits",
  columns,
  primaryKey,
  eventTime: { kind: "committed", since: null },
  createdAt: null,
});
const setOf = (keys: readonly (readonly Value[])[]): Parameters<typeof keyFilter>[1] =>
  new Set(keys.map((key) => ({ key })));

test("every row whose key is in the set passes, whatever its batch", () => {
  const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1 }), fc.array(id), (within, others) => {
      const filter = keyFilter(sourceOf("place", "id"), setOf(within.map((one) => ["a", one])));
      const rows = [...others, ...within];
      const mayContain = filter(
        batchOf(
          columns,
          rows.map((one) => ["a", one]),
        ),
      );
      within.forEach((_, i) => {
        expect(mayContain(others.length + i)).toBe(true);
      });
    }),
  );
});

test("few rows pass whose key is not in the set", () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => BigInt(i));
  const filter = keyFilter(sourceOf("id"), setOf(ids.slice(0, 1_000).map((id) => [id])));
  const mayContain = filter(
    batchOf(
      columns,
      ids.map((id) => ["a", id]),
    ),
  );
  const passed = ids.filter((_, i) => mayContain(i)).length;
  expect(passed).toBeGreaterThanOrEqual(1_000);
  expect(passed).toBeLessThan(1_000 + 19_000 / 8);
});

test("without an integer in the key each row passes", () => {
  const mayContain = keyFilter(sourceOf("place"), setOf([["a"]]))(batchOf(columns, [["b", 1n]]));
  expect(mayContain(0)).toBe(true);
});
