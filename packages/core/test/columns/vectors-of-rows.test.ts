/** Tests that vectors built block by block are those of the whole columns. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { vectorsOfRows } from "../../src/columns/vectors-of-rows.ts";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

const columns = VALUE_TYPES.map((type) => column(type, type));
const row = fc.tuple(...VALUE_TYPES.map((type) => fc.option(anyValue(type), { freq: 4 })));

test("vectors built block by block are those of the whole columns", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 10 }), fc.constantFrom(1, 60), (some, times) => {
      const rows = Array.from({ length: times }, () => some).flat();
      const valuesOf = columns.map((_, c) => (values: (typeof rows)[number]) => values[c]!);
      expect(vectorsOfRows(columns, rows, valuesOf)).toEqual(batchOf(columns, rows).vectors);
    }),
  );
});
