import type { ColumnSpec } from "@tidemark/core/spi";
import fc from "fast-check";
import { expect, test } from "vitest";
import { rangeOf } from "../src/parquet/statistics.ts";

const column: ColumnSpec = { name: "n", database: "n", type: "int64", nullable: true };
const edges = [
  -(2n ** 63n),
  2n ** 63n - 1n,
  -1n,
  0n,
  1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  -(2n ** 32n),
  -(2n ** 31n),
];
const int64 = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.constantFrom(...edges),
  fc.bigInt(-5n, 5n),
);

test("the range of int64 values, compared by halves, is that of the bigints", () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(int64), { minLength: 1, maxLength: 30 }),
      fc.nat(3),
      (list, before) => {
        // a view that does not begin its buffer
        const values = new BigInt64Array(before + list.length).fill(7n).subarray(before);
        list.forEach((value, i) => {
          values[i] = value ?? 99n;
        });
        const there = list.filter((value) => value !== null);
        const sorted = there.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const valid = Uint8Array.from(list, (value) => (value === null ? 0 : 1));
        expect(rangeOf(column, { kind: "int64", values, valid }, list.length)).toEqual({
          nulls: list.length - there.length,
          min: sorted[0] ?? null,
          max: sorted.at(-1) ?? null,
        });
        if (there.length === list.length)
          expect(rangeOf(column, { kind: "int64", values, valid: null }, list.length)).toEqual({
            nulls: 0,
            min: sorted[0],
            max: sorted.at(-1),
          });
      },
    ),
  );
});
