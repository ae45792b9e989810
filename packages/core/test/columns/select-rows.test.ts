/** Tests that selected rows are those built value by value. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf, selectRows, valueAt, vectorBuilder } from "../../src/columns/batch.ts";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

const columns = VALUE_TYPES.map((type) => column(type, type));
const row = fc.tuple(...VALUE_TYPES.map((type) => fc.option(anyValue(type), { freq: 4 })));

test("selected rows are those built value by value", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row, fc.boolean()), { maxLength: 20 }), (rows) => {
      const batch = batchOf(
        columns,
        rows.map(([values]) => values),
      );
      const selected = selectRows(
        batch,
        Uint8Array.from(rows, ([, is]) => (is ? 1 : 0)),
      );
      const expected = columns.map((one, c) => {
        const builder = vectorBuilder(one);
        rows.forEach(([, is], i) => {
          if (is) builder.push(valueAt(batch.vectors[c]!, i));
        });
        return builder.finish();
      });
      expect(selected.length).toBe(rows.filter(([, is]) => is).length);
      expect(selected.vectors).toEqual(expected);
    }),
  );
});
