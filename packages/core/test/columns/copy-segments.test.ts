/** Segments of rows, copied whole, are their rows one by one. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { valueAt } from "../../src/columns/batch.ts";
import { copySegments } from "../../src/columns/copy-segments.ts";
import { typeOf } from "../../src/types/value-types.ts";
import type { Value } from "../../src/specs.ts";
import { anyValueOf, column, NESTED_COLUMNS, VALUE_TYPES } from "../support/any-value.ts";

const columns = [...VALUE_TYPES.map((type) => column(type, type)), ...NESTED_COLUMNS];

test.each(columns.map((spec) => [spec.name, spec] as const))("%s", (_, spec) => {
  const { layout } = typeOf(spec);
  // a long segment is copied in another way
  const repeats = fc.constantFrom(1, 1, 30);
  const rows = fc
    .array(fc.tuple(anyValueOf(spec), repeats), { minLength: 1, maxLength: 6 })
    .map((some) => some.flatMap(([value, times]) => new Array<Value>(times).fill(value)));
  fc.assert(
    fc.property(
      fc.array(rows, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 6 }),
      (given, asked) => {
        const cuts = asked.map(([v, a, b]) => {
          const vector = v % given.length;
          const { length } = given[vector]!;
          const [from, to] = [a % (length + 1), b % (length + 1)].sort((x, y) => x - y);
          return { vector, from: from!, to: to! };
        });
        const expected: Value[] = [];
        const at = cuts.map(({ vector, from, to }) => {
          const place = expected.length;
          expected.push(...given[vector]!.slice(from, to));
          return place;
        });
        const vector = copySegments(
          given.map((values) => layout.of(values, (value) => value)),
          {
            count: cuts.length,
            vector: Int32Array.from(cuts, (cut) => cut.vector),
            from: Int32Array.from(cuts, (cut) => cut.from),
            to: Int32Array.from(cuts, (cut) => cut.to),
            at: Int32Array.from(at),
            length: expected.length,
          },
        );
        expect(expected.map((__, i) => valueAt(vector, i))).toEqual(expected);
        if (vector.kind === "string")
          expect(new Set(vector.dictionary).size).toBe(vector.dictionary.length);
      },
    ),
  );
});
