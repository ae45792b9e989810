import fc from "fast-check";
import { expect, test } from "vitest";
import { valueAt, type Batch } from "../../src/columns/batch.ts";
import { decodeRows, encodeRows, reusingDecoder } from "../../src/columns/batch-codec.ts";
import { ByteReader } from "../../src/bytes/bytes.ts";
import type { ColumnSpec, ScalarType, Value } from "../../src/specs.ts";

const kinds: Readonly<Record<ScalarType, fc.Arbitrary<Value>>> = {
  string: fc.constantFrom("", "a", "b", "é", "a longer text that is no short one at all"),
  json: fc.constantFrom("{}", "[1]"),
  boolean: fc.boolean(),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  decimal: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  timestamp: fc.integer({ min: -1e12, max: 1e12 }).map((n) => n * 4096 + 1),
  date: fc.integer({ min: -1000, max: 1000 }),
  bytes: fc.uint8Array({ maxLength: 5 }),
};
const columns: readonly ColumnSpec[] = (Object.keys(kinds) as ScalarType[]).map((kind) => ({
  name: kind,
  database: kind,
  type: kind,
  nullable: true,
}));
const row = fc.tuple(
  ...columns.map(({ type }) =>
    fc.oneof({ weight: 4, arbitrary: kinds[type as ScalarType] }, fc.constant<Value>(null)),
  ),
);
/** Few rows or many, with some columns constant. */
const rows = fc.oneof(
  fc.array(row, { maxLength: 40 }),
  fc
    .tuple(row, fc.integer({ min: 2, max: 9 }))
    .map(([one, times]) => Array.from({ length: times }, () => one)),
);

const valuesOf = ({ length, vectors }: Batch): Value[][] =>
  vectors.map((vector) => Array.from({ length }, (_, i) => valueAt(vector, i)));

test("a reusing decoder gives the batches that a fresh decoder gives", () => {
  fc.assert(
    fc.property(
      fc.array(rows, { minLength: 2, maxLength: 6 }),
      fc.subarray(columns.map((_, c) => c)),
      fc.nat(7),
      (batches, wanted, before) => {
        const decode = reusingDecoder(columns, wanted);
        for (const batch of batches) {
          const bytes = encodeRows(columns, batch);
          const reader = new ByteReader(Uint8Array.from([...new Uint8Array(before), ...bytes]));
          reader.position = before;
          const kept = decode(reader);
          const own = decodeRows(columns, bytes, wanted);
          expect(kept.length).toBe(own.length);
          expect(kept.columns).toEqual(own.columns);
          expect(valuesOf(kept)).toEqual(valuesOf(own));
        }
      },
    ),
  );
});

test("a decoder names its columns by one list, however many batches it decodes", () => {
  const decode = reusingDecoder(columns, [0, 3]);
  const bytes = encodeRows(columns, []);
  expect(decode(new ByteReader(bytes)).columns).toBe(decode(new ByteReader(bytes)).columns);
});
