import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRows, encodeRows } from "../../src/columns/batch-codec.ts";
import { batchOf, valueAt, type Batch } from "../../src/columns/batch.ts";
import { wellFormedText } from "../../src/bytes/utf8.ts";
import { isTidemarkError } from "../../src/errors.ts";
import type { ColumnSpec, ValueType, Value } from "../../src/specs.ts";
import { anyColumn, column, VALUE_TYPES } from "../support/any-value.ts";

const rowsOf = (batch: Batch): Value[][] =>
  Array.from({ length: batch.length }, (_, i) => batch.vectors.map((vector) => valueAt(vector, i)));
const transposed = (columns: readonly (readonly Value[])[], length: number): Value[][] =>
  Array.from({ length }, (_, i) => columns.map((values) => values[i]!));
const through = (
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
  wanted?: readonly number[],
): Batch => decodeRows(columns, encodeRows(columns, rows), wanted);
/** The rows with every half of a surrogate pair as its escape, which is how texts are stored. */
const asStored = (rows: readonly (readonly Value[])[]): Value[][] =>
  rows.map((row) =>
    row.map((value) => (typeof value === "string" ? wellFormedText(value) : value)),
  );

/** A table with a few columns of any type, and its rows. */
const anyTable = fc
  .tuple(
    fc.array(fc.constantFrom(...VALUE_TYPES), { maxLength: 6 }),
    fc.integer({ min: 0, max: 20 }),
  )
  .chain(([kinds, length]) =>
    fc
      .tuple(...kinds.map((kind) => anyColumn(kind, length)))
      .map((values) => ({
        columns: kinds.map((kind, i) => column(`c${i}`, kind)),
        rows: transposed(values, length),
      })),
  );

describe("decode gives back what was encoded", () => {
  test.each(VALUE_TYPES.map((kind) => [kind]))("%s", (kind: ValueType) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }).chain((length) => anyColumn(kind, length)),
        (values) => {
          const rows = values.map((value) => [value]);
          expect(rowsOf(through([column("x", kind)], rows))).toStrictEqual(asStored(rows));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("tables of any columns, and vectors as a builder would make them", () => {
    fc.assert(
      fc.property(anyTable, ({ columns, rows }) => {
        const decoded = through(columns, rows);
        expect(decoded.length).toBe(rows.length);
        expect(decoded.columns).toEqual(columns);
        expect(rowsOf(decoded)).toStrictEqual(asStored(rows));
        expect(decoded.vectors.map((vector) => vector.kind)).toEqual(
          batchOf(columns, rows).vectors.map((vector) => vector.kind),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("only the wanted columns, in the order of the columns", () => {
    fc.assert(
      fc.property(
        anyTable.chain((table) =>
          fc.tuple(fc.constant(table), fc.subarray(table.columns.map((_, c) => c))),
        ),
        ([{ columns, rows }, wanted]) => {
          const decoded = through(columns, rows, wanted);
          expect(decoded.length).toBe(rows.length);
          expect(decoded.columns).toEqual(wanted.map((c) => columns[c]));
          expect(rowsOf(decoded)).toStrictEqual(
            asStored(rows).map((row) => wanted.map((c) => row[c])),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each<[string, ValueType, Value[]]>([
    ["the limits of int64", "int64", [2n ** 63n - 1n, -(2n ** 63n), 0n]],
    ["int64 next to the varint's limit", "int64", [2n ** 50n - 1n, 1n - 2n ** 50n, 2n ** 50n - 1n]],
    ["int64 at the varint's limit", "int64", [2n ** 50n, -(2n ** 50n)]],
    ["times near 2^53", "timestamp", [2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53 - 1]],
    ["differences of 2^51", "timestamp", [0, 2 ** 51, 0, 2 ** 51 - 1, 0]],
    ["both zeros", "float64", [0, -0, 0]],
    ["only −0", "float64", [-0, -0]],
    ["a zero and its negative", "float64", [-0, 0]],
    ["the limits of int32", "int32", [2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 1]],
    ["a byte order mark", "string", ["\ufefftext", "\ufeff"]],
    [
      "lone surrogates, which stay apart as their escapes",
      "string",
      ["\ud800", "\udc00", "\uFFFD", `${"x".repeat(99)}\ud800`],
    ],
    ["one text of 10,000 characters", "json", ["é".repeat(10_000)]],
    ["empty texts and empty bytes", "bytes", [new Uint8Array(0), new Uint8Array([0])]],
    ["38 digits", "decimal", [10n ** 38n - 1n, 1n - 10n ** 38n, 0n]],
  ])("%s", (_: string, kind: ValueType, values: Value[]) => {
    for (const list of [values, [...values, null], [null, ...values]]) {
      const rows = list.map((value) => [value]);
      expect(rowsOf(through([column("x", kind)], rows))).toStrictEqual(asStored(rows));
    }
  });
});

describe("sizes", () => {
  test("a constant column is written once", () => {
    const one = encodeRows([column("x", "string")], [["Hospital"], ["Hospital"]]);
    expect(
      encodeRows([column("x", "string")], new Array<Value[]>(100).fill(["Hospital"])).length,
    ).toBe(one.length);
    expect(
      encodeRows([column("x", "float64")], new Array<Value[]>(100).fill([null])).length,
    ).toBeLessThan(8);
  });

  test("an event of a bank takes at most 40 bytes", () => {
    const columns = [
      column("id", "int64"),
      column("user", "string"),
      column("vendor", "string"),
      column("amount", "float64"),
      column("time", "timestamp"),
      column("place", "int64"),
    ];
    const rows = Array.from({ length: 70 }, (_, i): Value[] => [
      BigInt(1_000_000 + i * 37),
      "user_000066",
      ["Hospital", "Sport", "Grocery"][i % 3]!,
      i * 1.37,
      1_741_064_767_123_456 + i * 8_640_000_000,
      BigInt(26_000_000 + i * 512),
    ]);
    expect(encodeRows(columns, rows).length / rows.length).toBeLessThanOrEqual(40);
  });
});

describe("damaged bytes are STATE_DAMAGED or decode to some batch, without a hang", () => {
  function outcome(columns: readonly ColumnSpec[], bytes: Uint8Array): "read" | "refused" {
    try {
      rowsOf(decodeRows(columns, bytes));
      return "read";
    } catch (error) {
      if (!isTidemarkError(error, "STATE_DAMAGED")) throw error;
      return "refused";
    }
  }

  test("every prefix", () => {
    fc.assert(
      fc.property(anyTable, ({ columns, rows }) => {
        const bytes = encodeRows(columns, rows);
        for (let end = 0; end < bytes.length; end++)
          expect(outcome(columns, bytes.subarray(0, end))).toBe("refused");
      }),
      { numRuns: 60 },
    );
  });

  test("one changed byte", () => {
    fc.assert(
      fc.property(
        anyTable,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        ({ columns, rows }, place, byte) => {
          const bytes = encodeRows(columns, rows);
          bytes[place % bytes.length] = byte;
          outcome(columns, bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("any bytes at all", () => {
    const columns = VALUE_TYPES.map((kind) => column(kind, kind));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.subarray([...columns.keys()], { minLength: 1 }),
        (bytes, places) => {
          outcome(
            places.map((c) => columns[c]!),
            bytes,
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["more rows than any cell holds", [0xff, 0xff, 0xff, 0xff, 0x7f, 2, 0, 2]],
    ["a number beyond 2^53", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["a number without end", new Array<number>(2000).fill(0xff)],
    ["a code that its dictionary lacks", [2, 8, 1, 2, 1, 0x61, 1, 0x62, 0, 7]],
    ["an empty dictionary", [2, 2, 1, 0]],
    ["a form that nobody wrote", [2, 2, 9, 0]],
    ["a column longer than it says", [2, 3, 1, 2, 1, 0x61, 1, 0x62, 0, 1]],
  ])("%s", (_: string, bytes: number[]) => {
    expect(outcome([column("x", "string")], Uint8Array.from(bytes))).toBe("refused");
  });
});
