/** What holds for lists, maps and structs, whatever their parts are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/bytes/bytes.ts";
import { batchOf, concatBatches, type Batch } from "../../src/columns/batch.ts";
import { decodeRows, encodeRows, reusingDecoder } from "../../src/columns/batch-codec.ts";
import { gatherRows } from "../../src/columns/gather-rows.ts";
import { rowOfSegment, segmentEncoder } from "../../src/materialize/segment-codec.ts";
import type { ColumnSpec, TypeSpec, Value } from "../../src/specs.ts";
import { newArrays } from "../../src/types/array-allocator.ts";
import { layoutOf } from "../../src/types/layouts/layouts.ts";
import { scalarType, typeOf } from "../../src/types/value-types.ts";
import { valueAt, type PresentValue, type Vector } from "../../src/types/vector.ts";
import { anyValueOf, column, NESTED_COLUMNS } from "../support/any-value.ts";

const readTime = (): number => {
  throw new Error("not a time");
};
const valuesOf = (vector: Vector, length: number): Value[] =>
  Array.from({ length }, (_, i) => valueAt(vector, i));
const of = (spec: ColumnSpec, values: readonly Value[]): Vector =>
  typeOf(spec).layout.of(values, (value) => value);

describe.each(NESTED_COLUMNS.map((spec) => [spec.name, spec] as const))("%s", (_, spec) => {
  const type = typeOf(spec);
  const { layout } = type;
  const value = anyValueOf(spec);
  const present = anyValueOf({ ...spec, nullable: false }) as fc.Arbitrary<PresentValue>;
  const rows = fc.oneof(
    fc.array(value, { maxLength: 10 }),
    value.map((one): Value[] => [one, one, one]),
    fc.constant<Value[]>([null, null]),
  );

  test("names itself, and has the vector that its layout says", () => {
    expect(type.type).toBe(spec.type);
    expect(typeOf(spec)).toBe(type);
    expect(layout.kind).toBe(spec.type);
    expect(valuesOf(layout.missing(2), 2)).toEqual([null, null]);
    expect(layout.missing(2)).toEqual(of(spec, [null, null]));
  });

  test("is a vector, built value by value or at once, whole or in slices", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(), (given, a, b) => {
        const builder = layout.builder(1);
        for (const one of given) builder.push(one);
        const built = builder.finish();
        expect(of(spec, given)).toEqual(built);
        expect(valuesOf(built, given.length)).toEqual(given);
        const [from, to] = [a % (given.length + 1), b % (given.length + 1)].sort((x, y) => x - y);
        const slice = layout.slice(built, from!, to!);
        expect(valuesOf(slice, to! - from!)).toEqual(given.slice(from, to));
      }),
    );
  });

  test("is joined and gathered as its values are, also out of slices", () => {
    fc.assert(
      fc.property(rows, rows, fc.array(fc.nat(), { maxLength: 12 }), (a, b, picks) => {
        const whole = batchOf(
          [spec],
          [...a, ...b].map((one) => [one]),
        );
        const part = (from: number, to: number): Batch => ({
          length: to - from,
          columns: [spec],
          vectors: [layoutOf(whole.vectors[0]!).slice(whole.vectors[0]!, from, to)],
        });
        const batches = [part(0, a.length), part(a.length, whole.length)];
        const joined = concatBatches([spec], batches);
        expect(valuesOf(joined.vectors[0]!, joined.length)).toEqual([...a, ...b]);
        if (whole.length === 0) return;
        const places = picks.map((pick) => pick % whole.length);
        const gathered = gatherRows(
          batches.map(({ vectors }) => vectors[0]!),
          Int32Array.from(places, (place) => (place < a.length ? 0 : 1)),
          Int32Array.from(places, (place) => (place < a.length ? place : place - a.length)),
        );
        const wanted = places.map((place) => [...a, ...b][place]!);
        expect(valuesOf(gathered, places.length)).toEqual(wanted);
        expect(gathered).toEqual(of(spec, wanted));
      }),
    );
  });

  test("is decoded as it was encoded, in a batch and alone", () => {
    const decodeNext = reusingDecoder([spec]);
    fc.assert(
      fc.property(rows, present, (given, one) => {
        const bytes = encodeRows(
          [spec],
          given.map((row) => [row]),
        );
        const decoded = decodeRows([spec], bytes);
        expect(valuesOf(decoded.vectors[0]!, given.length)).toEqual(given);
        const again = decodeNext(new ByteReader(bytes));
        expect(valuesOf(again.vectors[0]!, given.length)).toEqual(given);
        const writer = new ByteWriter(16);
        type.encode(writer, [one, one]);
        const reader = new ByteReader(writer.copy());
        expect(valuesOf(type.decode(reader, 2, newArrays), 2)).toEqual([one, one]);
        expect(reader.position).toBe(writer.length);
      }),
    );
  });

  test("is one value of a segment", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (given) => {
        const encode = segmentEncoder({
          hashes: Uint32Array.from(given.keys()),
          text: String,
          columns: [spec],
          vectors: [of(spec, given)],
        });
        const bytes = encode(0, given.length);
        for (const [i, one] of given.entries())
          expect(rowOfSegment([spec], bytes, i, String(i))).toEqual([one]);
      }),
    );
  });

  test("has one order, with which values are equal if their parts are", () => {
    fc.assert(
      fc.property(present, present, present, (a, b, c) => {
        const sign = Math.sign(type.compare(a, b));
        expect(Math.sign(type.compare(b, a)) + sign).toBe(0);
        expect(type.compare(a, structuredClone(a))).toBe(0);
        expect(sign).toBe(Math.sign(naiveOrder(spec, a, b)));
        if (sign <= 0 && type.compare(b, c) <= 0) expect(type.compare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("is JSON text, and is no key", () => {
    const text = type.jsonText(spec);
    fc.assert(
      fc.property(present, (one) => {
        if (!holds(spec, "json")) expect(() => JSON.parse(text(one)) as unknown).not.toThrow();
        expect(type.key.write(new ByteWriter(8), one, spec)).toBe(false);
      }),
    );
    expect([type.isKey, type.isNumber, type.isOrdered]).toEqual([false, false, false]);
    expect(() => scalarType(spec, "column x")).toThrow(
      expect.objectContaining({ code: "TYPE_HAS_PARTS" }) as Error,
    );
  });

  if (holds(spec, "json") || holds(spec, "timestamp")) return;
  test("is read back as a user sees it, and only then", () => {
    fc.assert(
      fc.property(present, (one) => {
        expect(type.fromUser(type.toUser(one, spec, "value"), spec, readTime)).toEqual(one);
      }),
    );
    for (const other of [{}, null, undefined, "[]", 1, [undefined], new Map([[undefined, 1]])])
      expect(type.fromUser(other, spec, readTime)).toBeUndefined();
  });
});

/** Whether a part is of the scalar type. */
function holds(spec: TypeSpec, type: TypeSpec["type"]): boolean {
  const parts = [spec.element, spec.keys, spec.values, ...(spec.fields ?? [])];
  return spec.type === type || parts.some((part) => part !== undefined && holds(part, type));
}

/** The order as it is told: element by element, a missing one first, a shorter list first. */
function naiveOrder(spec: TypeSpec, a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (!Array.isArray(a) || !Array.isArray(b)) return typeOf(spec).compare(a, b);
  const [left, right] = [a as readonly Value[], b as readonly Value[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (i === left.length) return -1;
    if (i === right.length) return 1;
    const order =
      spec.type === "map"
        ? naiveOrder(
            { type: "struct", nullable: false, fields: [named(spec.keys!), named(spec.values!)] },
            left[i]!,
            right[i]!,
          )
        : naiveOrder(spec.element ?? spec.fields![i]!, left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

function named(spec: TypeSpec): TypeSpec & { readonly name: string } {
  return { ...spec, name: "part" };
}

test.each([
  [
    "list",
    "[1,null]",
    "ARRAY[1, NULL]",
    { element: { type: "int64", nullable: true } },
    [1n, null],
  ],
  [
    "map",
    '{"10":"0.05","9":"1.00","__proto__":"0.01"}',
    "MAP(ARRAY['10', '9', '__proto__'], ARRAY[0.05, 1.00, 0.01])",
    {
      keys: { type: "string", nullable: false },
      values: { type: "decimal", nullable: false, precision: 5, scale: 2 },
    },
    [
      ["10", 5n],
      ["9", 100n],
      ["__proto__", 1n],
    ],
  ],
  [
    "map",
    "[[9007199254740993,true],[9007199254740994,null]]",
    "MAP(ARRAY[9007199254740993, 9007199254740994], ARRAY[TRUE, NULL])",
    { keys: { type: "int64", nullable: false }, values: { type: "boolean", nullable: true } },
    [
      [9007199254740993n, true],
      [9007199254740994n, null],
    ],
  ],
  [
    "struct",
    '{"k":null,"x":10}',
    "ROW(NULL, 10)",
    {
      fields: [
        { name: "k", type: "string", nullable: true },
        { name: "x", type: "float64", nullable: true },
      ],
    },
    [null, 10],
  ],
] as const)("the %s is %s in JSON and %s in SQL", (type, json, sql, parts, value) => {
  const spec = column("value", type, parts as Partial<ColumnSpec>);
  expect(typeOf(spec).jsonText(spec)(value as unknown as PresentValue)).toBe(json);
  expect(typeOf(spec).sqlLiteral(value as unknown as PresentValue, spec)).toBe(sql);
});

test("users see arrays, maps with keys in their order, and objects", () => {
  const map = column("value", "map", {
    keys: { type: "int64", nullable: false },
    values: { type: "int64", nullable: false, mode: "number" },
  });
  const shown = typeOf(map).toUser(
    [
      [-1n, 2n],
      [10n, 3n],
    ],
    map,
    "value",
  );
  expect([...(shown as ReadonlyMap<bigint, number>)]).toEqual([
    [-1n, 2],
    [10n, 3],
  ]);
  const given = new Map<unknown, unknown>([
    [10, 3],
    [-1n, 2],
  ]);
  expect(typeOf(map).fromUser(given, map, readTime)).toEqual([
    [-1n, 2n],
    [10n, 3n],
  ]);
  given.set(10n, 4);
  expect(typeOf(map).fromUser(given, map, readTime)).toBeUndefined();
  expect(typeOf(map).expected(map)).toBe(
    "a map (a Map) whose keys are each an int64 (a bigint, or a whole number up to 2^53), " +
      "and whose values are each an int64 (a bigint, or a whole number up to 2^53)",
  );
});

test("a damaged number of elements is refused before memory is allocated", () => {
  const spec = column("value", "list", { element: { type: "boolean", nullable: true } });
  const writer = new ByteWriter(16);
  writer.varint(2 ** 40);
  expect(() => typeOf(spec).decode(new ByteReader(writer.copy()), 1, newArrays)).toThrow(
    expect.objectContaining({ code: "STATE_DAMAGED" }) as Error,
  );
});
