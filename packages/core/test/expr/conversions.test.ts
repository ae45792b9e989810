import { scalarFunction } from "../../src/expr/scalar-functions.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { batchOf } from "../../src/columns/batch.ts";
import type { Overflows } from "../../src/columns/overflows.ts";
import { bindExpression, boundExpression } from "../../src/expr/bind.ts";
import { castTargets } from "../../src/expr/casts.ts";
import { jsonSteps } from "../../src/expr/json-path.ts";
import { callExpression, columnExpression } from "../../src/expr/tree.ts";
import type { CallOptions, ColumnSpec, SourceSpec, Value, ValueType } from "../../src/specs.ts";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

/** What the kernel answers. */
function answer(name: string, of: ColumnSpec, value: Value, options: CallOptions): Value {
  const call = callExpression(scalarFunction(name), [columnExpression(of)], options);
  return bindExpression(call, batchOf([of], [[value]]), { count: 0 })(0);
}

/** Compares the kernel with the oracle. */
function check(
  name: string,
  of: ColumnSpec,
  values: fc.Arbitrary<Value>,
  options: fc.Arbitrary<CallOptions>,
): void {
  fc.assert(
    fc.property(values, options, (value, given) => {
      const call = callExpression(scalarFunction(name), [columnExpression(of)], given);
      const node = { ...call, arguments: [columnNode(of)] };
      const source = { columns: [of] } as unknown as SourceSpec;
      expect(answer(name, of, value, given)).toEqual(evaluate(node, source, [value]));
    }),
    { numRuns: 1500 },
  );
}

const digits = fc.stringMatching(/^-?[0-9]{1,3}(\.[0-9]{1,3})?(e[+-]?[0-9]{1,3})?$/);
const long = fc.stringMatching(/^-?[0-9]{15,40}(\.[0-9]{1,20})?$/);
const two = fc.integer({ min: 0, max: 65 }).map((n) => String(n).padStart(2, "0"));
const zone = fc.constantFrom("", "Z", "+01:00", "-0530", "+02");
const time = fc
  .tuple(two, two, two, two, two, zone)
  .map(([mm, dd, h, m, s, z]) => `20${h}-${mm}-${dd}T${h}:${m}:${s}.123456789${z}`);
const nearTimes = fc
  .tuple(fc.constantFrom("2026-03-29", "2026-10-25", "2026-04-05"), two, two, zone)
  .map(([day, h, m, z]) => `${day} ${h}:${m}${z}`);
const texts = fc.oneof(
  digits,
  long,
  time,
  nearTimes,
  time.map((text) => text.slice(0, 10)),
  fc.constantFrom(
    "true",
    "false",
    "+5",
    " 5",
    "007",
    "-0",
    "1.",
    ".5",
    "2026-02-30",
    "+010000-01-01",
  ),
  fc.constantFrom("YWI=", "YWI", "6162", "6G", '{"a": 1}', "[1,", "null", "", "Infinity", "1e400"),
);

const types: readonly CallOptions[] = [
  ...["string", "boolean", "int32", "int64", "float64", "date", "bytes", "json"].map((type) => ({
    type,
  })),
  { type: "int64", mode: "number" },
  { type: "decimal", precision: 12, scale: 2 },
  { type: "decimal", precision: 38, scale: 0 },
  { type: "decimal", precision: 38, scale: 20 },
  { type: "timestamp" },
  { type: "timestamp", zone: "Europe/Zurich" },
  { type: "timestamp", zone: "Australia/Lord_Howe" },
  { type: "bytes", encoding: "hex" },
];

describe("casts answer what the oracle answers", () => {
  test.each(VALUE_TYPES.filter((type) => castTargets(type).length > 0))("from %s", (type) => {
    const options = types.filter((one) => castTargets(type).includes(one["type"] as ValueType));
    const nearHalves = fc.integer({ min: -99, max: 99 }).map((n) => n / 2);
    const values: fc.Arbitrary<Value> =
      type === "string"
        ? texts
        : type === "float64"
          ? fc.oneof(anyValue(type), nearHalves)
          : anyValue(type);
    check("cast", column("x", type), fc.option(values), fc.constantFrom(...options));
  });
});

test.each<readonly [type: CallOptions, text: string, value: Value]>([
  [{ type: "int64" }, "007", 7n],
  [{ type: "int64" }, "+5", null],
  [{ type: "int64" }, "1.0", null],
  [{ type: "int64" }, "9223372036854775808", null],
  [{ type: "decimal", precision: 4, scale: 2 }, "12.5", 1250n],
  [{ type: "decimal", precision: 4, scale: 2 }, "12.505", null],
  [{ type: "decimal", precision: 4, scale: 2 }, "123.50", null],
  [{ type: "timestamp" }, "2026-01-01T00:00:00", null],
  [{ type: "timestamp", zone: "UTC" }, "1970-01-01T00:00:01", 1e6],
  [{ type: "float64" }, "NaN", null],
])("cast to %j of the text %s", (type, text, value) => {
  expect(answer("cast", column("x", "string"), text, type)).toBe(value);
});

test("a number is rounded, halves away from zero, and never cut", () => {
  const float = column("x", "float64");
  const to = (value: number): Value => answer("cast", float, value, { type: "int64" });
  expect([2.5, -2.5, 0.49999999999999994, 1e19].map(to)).toEqual([3n, -3n, 0n, null]);
  const cents = column("x", "decimal", { precision: 12, scale: 2 });
  const less = { type: "decimal", precision: 3, scale: 1 };
  expect([1234n, -1235n, 9995n].map((one) => answer("cast", cents, one, less))).toEqual([
    123n,
    -124n,
    null,
  ]);
});

describe("paths of JSON documents", () => {
  const document =
    '{"a": {"b": [1.0, "2", 9007199254740993, -0.0, 2.5e2, 1e-99, 1E999]}, "a.b": true, ' +
    '"\\u00e9": "\\ud83d\\ude00", "n": null, "d": 1, "d": {"e": "2026-01-31"}, "__proto__": 7}';
  test.each<readonly [path: string, type: CallOptions, value: Value]>([
    ["$.a.b[0]", { type: "int64" }, 1n],
    ["$.a.b[0]", { type: "string" }, null],
    ["$.a.b[1]", { type: "int64" }, null],
    ["$.a.b[1]", { type: "string" }, "2"],
    ["$.a.b[2]", { type: "int64" }, 9007199254740993n],
    ["$.a.b[2]", { type: "float64" }, 9007199254740992],
    ["$.a.b[3]", { type: "float64" }, 0],
    ["$.a.b[4]", { type: "int32" }, 250],
    ["$.a.b[5]", { type: "decimal", precision: 10, scale: 2 }, 0n],
    ["$.a.b[6]", { type: "float64" }, null],
    ["$.a.b[6]", { type: "int64" }, null],
    ["$.a.b[7]", { type: "int64" }, null],
    ['$["a.b"]', { type: "boolean" }, true],
    ['$["é"]', { type: "string" }, "😀"],
    ["$.n", { type: "string" }, null],
    ["$.d.e", { type: "date" }, 20484],
    ["$.__proto__", { type: "int32" }, 7],
    ["$.toString", { type: "string" }, null],
    ["$.a.b", { type: "string" }, null],
    ["$.a.b", { type: "json" }, '[1.0, "2", 9007199254740993, -0.0, 2.5e2, 1e-99, 1E999]'],
    ["$.n", { type: "json" }, null],
  ])("%s as %j", (path, type, value) => {
    expect(answer("jsonPath", column("x", "json"), document, { path, ...type })).toBe(value);
  });

  const list = (element: object): CallOptions => ({
    type: "list",
    parts: JSON.stringify([element]),
  });
  const struct = (...fields: readonly object[]): CallOptions => ({
    type: "struct",
    parts: JSON.stringify(fields),
  });
  const basket =
    ' {"items": [ {"p": "a", "n": 2}, 7, {"n": 1.5, "p": "b\\"]", "p": "c"}, null, {} ],' +
    '"numbers": [1, "2", 3e0, null, 9007199254740993] , "none": [ ], "deep": [[1], [], 2]} ';
  test.each<readonly [path: string, type: CallOptions, value: Value]>([
    ["$.numbers", list({ type: "int64" }), [1n, null, 3n, null, 9007199254740993n]],
    ["$.numbers", list({ type: "string" }), [null, "2", null, null, null]],
    ["$.numbers", list({ type: "decimal", precision: 3, scale: 1 }), [10n, null, 30n, null, null]],
    ["$.none", list({ type: "string" }), []],
    ["$.items[0]", list({ type: "string" }), null],
    ["$.missing", list({ type: "string" }), null],
    ["$.deep", list(list({ type: "int32" })), [[1], [], null]],
    [
      "$.items",
      list(struct({ name: "product", json: "p", type: "string" }, { name: "n", type: "int32" })),
      [["a", 2], null, ["c", 2], null, [null, null]],
    ],
    ["$.items[0]", struct({ name: "n", type: "float64" }), [2]],
    ["$.numbers", struct({ name: "n", type: "float64" }), null],
  ])("lists and structs: %s as %j", (path, type, value) => {
    expect(answer("jsonPath", column("x", "json"), basket, { path, ...type })).toEqual(value);
  });

  test("of more than 1,000 elements the first stay, and the cut is counted", () => {
    const call = callExpression(
      scalarFunction("jsonPath"),
      [columnExpression(column("x", "json"))],
      { path: "$", ...list({ type: "int32" }) },
    );
    const overflows: Overflows = { count: 0 };
    const lengthOf = (length: number): number => {
      const document = JSON.stringify(Array.from({ length }, (_, i) => i));
      const found = boundExpression(call, () => () => document, overflows)(0);
      return (found as readonly Value[]).length;
    };
    expect([lengthOf(1000), overflows.truncated]).toEqual([1000, undefined]);
    expect([lengthOf(1001), overflows.truncated]).toEqual([1000, 1]);
  });

  test("of any document, as the oracle finds them", () => {
    const key = fc.constantFrom("a", "b", 'q"\\', "é");
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, depthSize: "medium" },
        fc.constantFrom<unknown>(null, true, "x", "12", "]}"),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 3 }),
      ),
    }));
    const documents = fc
      .tuple(tree, fc.constantFrom(0, 1))
      .map(([value, space]) => JSON.stringify(value, null, space));
    const step = fc.constantFrom(".a", ".b", '["q\\"\\\\"]', '["é"]', "[0]", "[2]");
    const path = fc.array(step, { maxLength: 3 }).map((steps) => `$${steps.join("")}`);
    const scalars = types.filter((one) => one["type"] !== "json");
    const fields = scalars.map((one, i) => ({
      name: i < 2 ? "ab"[i] : `f${i}`,
      json: "é",
      ...one,
    }));
    const type = fc.constantFrom(
      ...scalars,
      ...scalars.map(list),
      list(struct(...fields)),
      struct(...fields, { name: "l", json: "a", ...list({ type: "float64" }) }),
    );
    const options = fc.tuple(path, type).map(([found, one]) => ({ path: found, ...one }));
    check("jsonPath", column("x", "json"), fc.option(documents), options);
  });

  test.each([
    "",
    "a",
    "$a",
    "$.",
    "$[",
    "$[-1]",
    "$[*]",
    "$..a",
    "$['a']",
    '$["a',
    '$["\\x"]',
    "$.a b",
  ])("%s is no path", (path) => {
    expect(jsonSteps(path)).toBe(null);
  });
});

describe("letter case", () => {
  test("of any text, as the oracle says", () => {
    const some = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.constantFrom("ΑΣ", "İstanbul", "ßẞ", "ŉ", "ﬀ", "ᾳᾼ", "ΐ", "Ǆǅǆ", "ſ", "𐐀𐐨", "ıI"),
    );
    check("lower", column("x", "string"), fc.option(some), fc.constant({}));
    check("upper", column("x", "string"), fc.option(some), fc.constant({}));
  });

  test("is the simple mapping: as many code points as before", () => {
    const x = column("x", "string");
    const points = Array.from({ length: 0x20000 }, (_, code) => code)
      .filter((code) => code < 0xd800 || code >= 0xe000)
      .map((code) => String.fromCodePoint(code));
    for (const name of ["upper", "lower"])
      expect([...(answer(name, x, points.join(""), {}) as string)].length).toBe(points.length);
    // Of UnicodeData.txt: those whose full mapping has several code points.
    expect(answer("upper", x, "ßᾀᾳῃῳŉΐﬀև", {})).toBe("ßᾈᾼῌῼŉΐﬀև");
    expect(answer("lower", x, "İΣ", {})).toBe("iσ");
  });
});

test.each(VALUE_TYPES.filter((type) => type !== "json"))("hash buckets of %s", (type) => {
  const well = anyValue(type).filter(
    (one) => typeof one !== "string" || !/\p{Surrogate}/u.test(one),
  );
  const buckets = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(2 ** 31 - 1, 65536));
  check("hashBucket", column("x", type), fc.option(well), fc.record({ buckets }));
});
