import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf, valueAt, vectorBuilder, type Vector } from "../../src/columns/batch.ts";
import { gatherRows } from "../../src/columns/gather-rows.ts";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

/** Gathers value by value. */
function gatherSlowly(
  kind: (typeof VALUE_TYPES)[number],
  vectors: readonly Vector[],
  parts: Int32Array,
  rows: Int32Array,
): Vector {
  const builder = vectorBuilder(column("value", kind));
  parts.forEach((part, r) => {
    builder.push(valueAt(vectors[part]!, rows[r]!));
  });
  return builder.finish();
}

for (const kind of VALUE_TYPES) {
  test(`rows of many ${kind} vectors picked by the column are those picked one by one`, () => {
    const columns = [column("value", kind)];
    const rows = fc.array(fc.option(anyValue(kind), { freq: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(rows, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 }),
        (batches, asked) => {
          const vectors = batches.map(
            (values) =>
              batchOf(
                columns,
                values.map((value) => [value]),
              ).vectors[0]!,
          );
          const parts = Int32Array.from(asked, ([part]) => part % vectors.length);
          const places = Int32Array.from(asked, ([, row], r) => row % batches[parts[r]!]!.length);
          expect(gatherRows(vectors, parts, places)).toEqual(
            gatherSlowly(kind, vectors, parts, places),
          );
        },
      ),
    );
  });
}

test("vectors of two kinds are refused", () => {
  const [a, b] = [
    batchOf([column("value", "int32")], [[1]]).vectors[0]!,
    batchOf([column("value", "string")], [["a"]]).vectors[0]!,
  ];
  expect(() => gatherRows([a, b], Int32Array.of(0), Int32Array.of(0))).toThrow(
    "a string vector cannot go on a int32 vector",
  );
});
