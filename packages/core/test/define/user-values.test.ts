import { isTidemarkError, micros, toJson } from "@tidemark/core";
import { fromUser, timeOf, toUser } from "@tidemark/core/internal";
import type { ColumnSpec, ValueType, Value } from "../../src/specs.ts";
import { describe, expect, test } from "vitest";

const column = (type: ValueType, more: Partial<ColumnSpec> = {}): ColumnSpec => ({
  name: "c",
  database: "c",
  type,
  nullable: false,
  ...more,
});
const fee = column("decimal", { precision: 6, scale: 3 });

describe("toUser", () => {
  const cases: readonly (readonly [ColumnSpec, Value, unknown])[] = [
    [column("int64"), 9007199254740993n, 9007199254740993n],
    [column("int64", { mode: "number" }), -5n, -5],
    [fee, 12345n, "12.345"],
    [fee, -5n, "-0.005"],
    [fee, 0n, "0.000"],
    [column("decimal", { precision: 3, scale: 0 }), 7n, "7"],
    [column("decimal", { precision: 38, scale: 38 }), 10n ** 38n - 1n, `0.${"9".repeat(38)}`],
    [column("timestamp"), -1, new Date(-1)],
    [column("timestamp"), 1_999, new Date(1)],
    [column("timestamp", { mode: "micros" }), -1, -1n],
    [column("date"), -1, "1969-12-31"],
    [column("date"), 19_782, "2024-02-29"],
    [column("json"), '{"a":[1]}', { a: [1] }],
    [column("string"), "x", "x"],
    [column("boolean"), false, false],
    [column("float64"), 0.1, 0.1],
    [column("int64", { mode: "number" }), null, null],
  ];
  test.each(cases)("%o: %s becomes %s", (spec, value, wanted) => {
    expect(toUser(value, spec)).toEqual(wanted);
  });

  test("an int64 beyond 2^53 is refused where its column says number", () => {
    expect(() => toUser(9007199254740993n, column("int64", { mode: "number" }))).toThrow(
      '"c" is 9007199254740993, which a number cannot hold exactly; drop { mode: "number" }',
    );
  });
});

describe("fromUser", () => {
  const taken: readonly (readonly [ColumnSpec, unknown, Value])[] = [
    [column("int64"), 7, 7n],
    [column("int64"), -(2n ** 63n), -(2n ** 63n)],
    [column("int32"), -(2 ** 31), -(2 ** 31)],
    [column("float64"), 1e300, 1e300],
    [fee, "12.3", 12300n],
    [fee, "-0.005", -5n],
    [fee, "+1", 1000n],
    [fee, "007", 7000n],
    [fee, "999.999", 999_999n],
    [column("timestamp"), new Date(5), 5000],
    [column("timestamp"), micros(5), 5],
    [column("timestamp", { mode: "micros" }), 5n, 5],
    [column("date"), "2024-02-29", 19_782],
    [column("json"), { a: 1 }, '{"a":1}'],
    [column("json"), "text", '"text"'],
    [column("boolean"), true, true],
    [column("string", { nullable: true }), null, null],
    [column("string"), "😀", "😀"],
    [column("string"), "pay \ud83d", "pay \\ud83d"],
  ];
  test.each(taken)("%o takes %s as %s", (spec, input, wanted) => {
    expect(fromUser(input, spec, "x")).toEqual(wanted);
  });

  test("−0 becomes 0", () => {
    expect(Object.is(fromUser(-0, column("float64"), "x"), 0)).toBe(true);
    expect(Object.is(fromUser(-0, column("int32"), "x"), 0)).toBe(true);
    expect(Object.is(timeOf(new Date(-0)), 0)).toBe(true);
  });

  const refused: readonly (readonly [ColumnSpec, unknown])[] = [
    [column("int64"), 2 ** 53],
    [column("int64"), 1.5],
    [column("int64"), 2n ** 63n],
    [column("int64"), "7"],
    [column("int64"), Number.NaN],
    [column("int32"), 2 ** 31],
    [column("int32"), 1.5],
    [column("int32"), 1n],
    [column("float64"), Infinity],
    [column("float64"), "1"],
    [fee, 1.5],
    [fee, "1.2345"],
    [fee, "1.0000"],
    [fee, "1000"],
    [fee, "1e3"],
    [fee, ""],
    [fee, ".5"],
    [fee, " 1"],
    [fee, 1n],
    [column("timestamp"), 5],
    [column("timestamp"), 5n],
    [column("timestamp"), "2026-01-01"],
    [column("timestamp"), "2026-01-01T00:00:00"],
    [column("timestamp"), new Date(Number.NaN)],
    [column("timestamp"), new Date(8.64e15)],
    [column("timestamp"), { epochNanoseconds: 10n ** 30n }],
    [column("timestamp", { mode: "micros" }), 2n ** 53n],
    [column("timestamp"), {}],
    [column("date"), "2026-02-30"],
    [column("date"), new Date()],
    [column("date"), 5],
    [column("date"), "+9999999-01-01"],
    [column("bytes"), "abc"],
    [column("bytes"), [1]],
    [column("boolean"), "true"],
    [column("boolean"), 1],
    [column("string"), 5],
    [column("string"), undefined],
    [column("json"), 5n],
    [column("json"), undefined],
    [column("json"), () => 1],
    [column("string"), null],
  ];
  test.each(refused)("%o refuses %s, with the caller's code and name", (spec, input) => {
    let thrown: unknown;
    try {
      fromUser(input, spec, 'key "c" of entities[3]', "KEY_INVALID");
    } catch (error) {
      thrown = error;
    }
    expect(isTidemarkError(thrown, "KEY_INVALID"), String(thrown)).toBe(true);
    expect((thrown as Error).message.startsWith('key "c" of entities[3]: ')).toBe(true);
  });
});

test("a time is a Date, an ISO string with a zone, an instant or micros", () => {
  expect(timeOf(new Date(1))).toBe(1000);
  expect(timeOf("1970-01-01 00:00:00.000001Z")).toBe(1);
  expect(timeOf("1970-01-01T01:00+01:00")).toBe(0);
  expect(timeOf(micros(-(2n ** 53n) + 1n))).toBe(-(2 ** 53) + 1);
  expect(timeOf({ epochNanoseconds: -1n })).toBe(-1);
  expect(timeOf({ epochNanoseconds: 1999n })).toBe(1);
  expect(() => timeOf(Date.now(), "asOf")).toThrow("asOf: the bare number");
});

test("toJson loses no digit, and leaves nothing that JSON cannot hold", () => {
  const row = {
    id: 9007199254740993n,
    fee: "1.50",
    at: new Date("1969-12-31T23:59:59.999Z"),
    raw: new Uint8Array([1, 255]),
    none: null,
    score: 0.1,
    meta: { value: 5n, eventTime: null },
    tags: [1n, "a"],
  };
  expect(JSON.parse(JSON.stringify(toJson([row])))).toEqual([
    {
      id: "9007199254740993",
      fee: "1.50",
      at: "1969-12-31T23:59:59.999000Z",
      raw: "Af8=",
      none: null,
      score: 0.1,
      meta: { value: "5", eventTime: null },
      tags: ["1", "a"],
    },
  ]);
  expect(JSON.stringify(toJson(JSON.parse('{"__proto__": 1}')))).toBe('{"__proto__":1}');
});
