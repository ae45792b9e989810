/** Tests that the text of a row of typed values is that of `JSON.stringify`. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toBase64 } from "../../src/bytes/bytes-text.ts";
import { valuesLogger } from "../../src/row-formats/values-format.ts";
import type { ColumnSpec, SourceSpec, Value } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";

const types = ["int64", "float64", "string", "bytes", "boolean", "int32"] as const;
const value: Record<(typeof types)[number], fc.Arbitrary<Value>> = {
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double(),
  string: fc.string({ unit: "binary" }),
  bytes: fc.uint8Array(),
  boolean: fc.boolean(),
  int32: fc.integer(),
};
const name = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.constantFrom("10", "9", "007", "1a", "__proto__", "constructor", 'a"b', "\ud83d"),
);
const row = fc
  .uniqueArray(fc.tuple(name, fc.constantFrom(...types)), {
    selector: ([one]) => one,
    minLength: 1,
  })
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      values: fc.tuple(...columns.map(([, type]) => fc.option(value[type]))),
      isMarked: fc.boolean(),
    }),
  );

function stored(one: Value): unknown {
  if (typeof one === "bigint") return String(one);
  if (one instanceof Uint8Array) return toBase64(one);
  return Object.is(one, -0) ? "-0" : one;
}

test("the text of a row is that of JSON.stringify", () => {
  fc.assert(
    fc.property(row, ({ columns: given, values, isMarked }) => {
      const columns = given.map(([database, type], c): ColumnSpec => ({
        name: `c${c}`,
        database,
        type,
        nullable: true,
      }));
      const source: SourceSpec = {
        name: "visits",
        table: "public.visits",
        columns,
        primaryKey: ["c0"],
        eventTime: { kind: "committed", since: null },
        createdAt: null,
      };
      const change: Change = {
        source: "visits",
        topic: "visits",
        partition: 0,
        offset: 0,
        kind: "upsert",
        values,
        oldKey: values.slice(0, 1),
        unavailable: isMarked ? [0] : [],
        invalidColumns: isMarked ? [{ column: "c0", reason: "NOT_TEXT" }] : [],
        undecodable: null,
        nonFinite: isMarked ? 1 : 0,
        order: 1n,
        committed: 1,
        snapshot: false,
        op: "c",
        timestamp: null,
        transaction: null,
      };
      const members = (of: readonly Value[]): unknown =>
        Object.fromEntries(
          of.flatMap((one, c) => (one === null ? [] : [[given[c]![0], stored(one)]])),
        );
      const first = given[0]![0];
      const marks = {
        unavailable: [first],
        invalid: [{ column: first, reason: "NOT_TEXT" }],
        nonFinite: 1,
      };
      const logged = valuesLogger(source);
      const text = (of: Readonly<Partial<Change>>): string | null =>
        logged({ ...change, ...of }).row;
      expect(text({})).toBe(
        JSON.stringify({ values: members(values), ...(isMarked ? marks : {}) }),
      );
      expect(text({ values: null })).toBe(JSON.stringify(isMarked ? marks : {}));
      expect(logged(change).oldKey).toBe(JSON.stringify(members(values.slice(0, 1))));
    }),
  );
});
