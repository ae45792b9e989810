/** What holds for every value type. A new type is tested by its line in the list of types. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/bytes/bytes.ts";
import type { Value } from "../../src/specs.ts";
import { newArrays } from "../../src/types/array-allocator.ts";
import { typeOf, valueTypes } from "../../src/types/value-types.ts";
import { valueAt, type PresentValue, type Vector } from "../../src/types/vector.ts";
import { anyColumn, anyValue, column, VALUE_TYPES } from "../support/any-value.ts";
import { wellFormedText } from "../../src/bytes/utf8.ts";

const readTime = (): number => {
  throw new Error("not a time");
};

/** As every reader of values gives them: text is well-formed, and no number is −0. */
const held = (value: Value): Value =>
  typeof value === "string" ? wellFormedText(value) : Object.is(value, -0) ? 0 : value;

const valuesOf = (vector: Vector, length: number): Value[] =>
  Array.from({ length }, (_, i) => valueAt(vector, i));

test("the list of types that tests use is complete", () => {
  expect([...VALUE_TYPES].sort()).toEqual(Object.keys(valueTypes).sort());
});

describe.each(VALUE_TYPES)("%s", (name) => {
  const spec = column("value", name);
  const type = typeOf(spec);
  const { layout } = type;
  const present = anyValue(name).map((value) => held(value) as PresentValue);
  const values = fc.nat({ max: 12 }).chain((length) => anyColumn(name, length));

  test("names itself, and has the vector that its layout says", () => {
    expect(type.type).toBe(name);
    expect(layout.missing(2).kind).toBe(layout.kind);
    expect(valuesOf(layout.missing(2), 2)).toEqual([null, null]);
  });

  test("is decoded as it was encoded", () => {
    fc.assert(
      fc.property(fc.array(present, { minLength: 1, maxLength: 12 }), (given) => {
        const writer = new ByteWriter(16);
        type.encode(writer, given);
        const reader = new ByteReader(writer.copy());
        const vector = type.decode(reader, given.length, newArrays);
        expect(vector.kind).toBe(layout.kind);
        expect(valuesOf(vector, given.length)).toEqual(given);
        expect(reader.position).toBe(writer.length);
      }),
    );
  });

  test("is a vector, built value by value or at once, whole or in slices", () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(), (given, a, b) => {
        const builder = layout.builder(1);
        for (const value of given) builder.push(value);
        const built = builder.finish();
        expect(layout.of(given, (value) => value)).toEqual(built);
        expect(valuesOf(built, given.length)).toEqual(given);
        const [from, to] = [a % (given.length + 1), b % (given.length + 1)].sort((x, y) => x - y);
        const slice = layout.slice(built, from!, to!);
        expect(valuesOf(slice, to! - from!)).toEqual(given.slice(from, to));
      }),
    );
  });

  test("has one order, in which equal values have equal keys", () => {
    const keyOf = (value: PresentValue): string => {
      const writer = new ByteWriter(16);
      expect(type.key.write(writer, value, spec)).toBe(true);
      return Buffer.from(writer.copy()).toString("hex");
    };
    fc.assert(
      fc.property(present, present, present, (a, b, c) => {
        const sign = Math.sign(type.compare(a, b));
        expect(Math.sign(type.compare(b, a)) + sign).toBe(0);
        expect(type.compare(a, a)).toBe(0);
        if (sign <= 0 && type.compare(b, c) <= 0) expect(type.compare(a, c)).toBeLessThanOrEqual(0);
        expect(keyOf(a) === keyOf(b)).toBe(sign === 0);
      }),
    );
  });

  test("is one value as an element of a segment", () => {
    const { element } = layout;
    fc.assert(
      fc.property(present, (value) => {
        const vector = layout.of([value], (one) => one);
        const kept = valueAt(vector, 0)!;
        if (element.width !== null) {
          const { buffer, byteLength } = (vector as Vector & { kind: "float64" }).values;
          expect(byteLength).toBe(element.width);
          expect(element.read(new DataView(buffer), 0)).toEqual(kept);
          return;
        }
        const writer = new ByteWriter(16);
        element.write(writer, kept);
        expect(element.read(new ByteReader(writer.copy()))).toEqual(kept);
      }),
    );
  });

  if (name === "json" || name === "timestamp") return;
  test("is read back as a user sees it, and only then", () => {
    fc.assert(
      fc.property(present, (value) => {
        expect(type.fromUser(type.toUser(value, spec, "value"), spec, readTime)).toEqual(value);
      }),
    );
    expect(type.fromUser({}, spec, readTime)).toBeUndefined();
    expect(type.fromUser(undefined, spec, readTime)).toBeUndefined();
  });

  test("is JSON text", () => {
    const text = type.jsonText(spec);
    fc.assert(
      fc.property(present, (value) => {
        expect(() => JSON.parse(text(value)) as unknown).not.toThrow();
      }),
    );
  });
});

test.each([
  ["string", "it's", '"it\'s"', "'it''s'"],
  ["boolean", true, "true", "TRUE"],
  ["int32", -1, "-1", "-1"],
  ["int64", 9007199254740993n, "9007199254740993", "9007199254740993"],
  ["float64", 0.1, "0.1", "0.1"],
  ["decimal", -12345n, '"-1.2345"', "-1.2345"],
  [
    "timestamp",
    1_741_064_767_123_456,
    '"2025-03-04T05:06:07.123456Z"',
    "TIMESTAMP WITH TIME ZONE '2025-03-04 05:06:07.123456+00:00'",
  ],
  ["date", 1, '"1970-01-02"', "DATE '1970-01-02'"],
  ["bytes", Uint8Array.of(1, 254), '"Af4="', "X'01fe'"],
] as const)("the %s %s is %s in JSON and %s in SQL", (name, value, json, sql) => {
  const spec = column("value", name);
  expect(typeOf(spec).jsonText(spec)(value)).toBe(json);
  expect(typeOf(spec).sqlLiteral(value, spec)).toBe(sql);
});
