import fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf, valueAt, vectorBuilder, type Vector } from "../../src/columns/batch.ts";
import { pickRows } from "../../src/columns/pick-rows.ts";
import { anyValue, column, KINDS } from "../support/any-value.ts";

/** Value by value. */
function slowly(
  kind: (typeof KINDS)[number],
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

for (const kind of KINDS) {
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
          expect(pickRows(vectors, parts, places)).toEqual(slowly(kind, vectors, parts, places));
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
  expect(() => pickRows([a, b], Int32Array.of(0), Int32Array.of(0))).toThrow(
    "a string vector cannot go on a int32 vector",
  );
});
