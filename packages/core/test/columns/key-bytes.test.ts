import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys } from "../../src/columns/compare.ts";
import { cellKey, cellKeys, keyText } from "../../src/columns/key-bytes.ts";
import type { ColumnSpec, ScalarType, Value } from "../../src/specs.ts";

const column = (name: string, type: ScalarType, scale?: number): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable: false,
  scale,
});
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const keyOf = (kind: ScalarType, value: Value, scale?: number): string =>
  hex(cellKey({ namespace: "n", space: "s", keys: [{ column: column("k", kind, scale), value }] }));
const HEAD = "01016e0173";

describe("pinned bytes: users' files hold them, so they never change", () => {
  const golden: [kind: ScalarType, value: Value, bytes: string, scale?: number][] = [
    ["string", "", "0100"],
    ["string", "user_000066", "010b757365725f303030303636"],
    ["string", "é€😀", "0109c3a9e282acf09f9880"],
    ["string", "\ud800", "01065c7564383030"],
    ["boolean", false, "020100"],
    ["boolean", true, "020101"],
    ["int32", -1, "03087fffffffffffffff"],
    ["int64", 0n, "03088000000000000000"],
    ["int64", 1n, "03088000000000000001"],
    ["int64", 9223372036854775807n, "0308ffffffffffffffff"],
    ["int64", -9223372036854775808n, "03080000000000000000"],
    ["float64", 0.1, "04083fb999999999999a"],
    ["float64", -0, "04080000000000000000"],
    ["decimal", 12500n, "0506313235652d31", 3],
    ["decimal", -7n, "05022d37", 0],
    ["timestamp", -1, "06087fffffffffffffff"],
    ["date", 1, "07088000000000000001"],
    ["bytes", new Uint8Array([0, 255]), "080200ff"],
    ["json", "{}", "09027b7d"],
  ];
  test.each(golden)("%s %s", (kind: ScalarType, value: Value, bytes: string, scale?: number) => {
    expect(keyOf(kind, value, scale)).toBe(HEAD + bytes);
  });

  test("a string of 200 bytes has a length of two", () => {
    expect(keyOf("string", "a".repeat(200))).toBe(HEAD + "01c801" + "61".repeat(200));
  });

  test("a key of two columns", () => {
    const keys = [
      { column: column("user", "string"), value: "u" },
      { column: column("account", "int64"), value: 2n },
    ];
    expect(hex(cellKey({ namespace: "bank", space: "weekly", keys }))).toBe(
      "010462616e6b067765656b6c7903088000000000000002010175",
    );
  });
});

test('1, 1n and "1" are one int64 key', () => {
  expect(new Set([keyOf("int64", 1), keyOf("int64", 1n), keyOf("int64", "1")]).size).toBe(1);
});

test("decimal keys compare by value: 1.0 is 1.00", () => {
  expect(keyOf("decimal", 10n, 1)).toBe(keyOf("decimal", 100n, 2));
  expect(keyOf("decimal", 10n, 1)).not.toBe(keyOf("decimal", 10n, 2));
});

test("the order in which keys are given does not matter, their names do", () => {
  const a = { column: column("a", "string"), value: "x" };
  const b = { column: column("b", "string"), value: "y" };
  const at = (keys: (typeof a)[]): string => hex(cellKey({ namespace: "n", space: "s", keys }));
  expect(at([a, b])).toBe(at([b, a]));
  expect(at([a, b])).not.toBe(
    at([
      { ...a, value: "y" },
      { ...b, value: "x" },
    ]),
  );
});

test("the bytes of one encoder are not shared with its next key", () => {
  const encode = cellKeys("n", "s", [column("k", "string")]);
  const first = encode(["a"]);
  encode(["b"]);
  expect(hex(first)).toBe(HEAD + "010161");
});

test.each<[ScalarType, Value]>([
  ["string", null],
  ["string", 1],
  ["int64", null],
  ["int64", 1.5],
  ["int64", 2 ** 53],
  ["int64", "1.0"],
  ["int64", ""],
  ["int64", 1n << 63n],
  ["int64", true],
  ["float64", Number.NaN],
  ["float64", "1"],
  ["decimal", 1],
  ["boolean", 1],
  ["bytes", "ff"],
  ["timestamp", null],
])("a %s key of %s is KEY_INVALID", (kind, value) => {
  expect(() => keyOf(kind, value)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
});

const values: Record<ScalarType, fc.Arbitrary<Value>> = {
  string: fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "~", "~~", ",", "1:", "0:", "\ud800", "\udc00", "\ufffd"),
  ),
  json: fc.constantFrom("null", "{}", "~"),
  boolean: fc.boolean(),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  decimal: fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
  timestamp: fc.maxSafeInteger(),
  date: fc.integer(),
  bytes: fc.uint8Array({ maxLength: 4 }),
};
const kinds = fc.array(fc.constantFrom(...(Object.keys(values) as ScalarType[])), {
  minLength: 1,
  maxLength: 3,
});
const pair = kinds.chain((list) => {
  const row = fc.tuple(...list.map((kind) => values[kind]));
  return fc.tuple(fc.constant(list.map((kind, i) => column(`c${i}`, kind, 2))), row, row);
});

test("keys are equal in bytes and in text exactly where their values are equal", () => {
  fc.assert(
    fc.property(
      pair,
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      ([columns, a, other], same) => {
        const b = other.map((value, i) => (same[i] ? a[i]! : value));
        const equal = compareKeys(columns, a, b) === 0;
        const bytes = (row: readonly Value[]): string => hex(cellKeys("n", "s", columns)(row));
        expect(bytes(a) === bytes(b)).toBe(equal);
        expect(keyText(columns, a) === keyText(columns, b)).toBe(equal);
      },
    ),
    { numRuns: 3000 },
  );
});

test("namespace, space and keys cannot run into each other", () => {
  const short = fc.constantFrom("", "a", "ab", "b", "\u0001a");
  fc.assert(
    fc.property(
      fc.array(short, { minLength: 4, maxLength: 4 }),
      fc.array(short, { minLength: 4, maxLength: 4 }),
      (a, b) => {
        const at = ([namespace, space, x, y]: string[]): string =>
          hex(
            cellKeys(namespace!, space!, [column("x", "string"), column("y", "string")])([x!, y!]),
          );
        expect(at(a) === at(b)).toBe(a.join("|") === b.join("|"));
        const text = ([, , x, y]: string[]): string =>
          keyText([column("x", "string"), column("y", "string")], [x!, y!]);
        expect(text(a) === text(b)).toBe(a[2] === b[2] && a[3] === b[3]);
      },
    ),
  );
});

test("null has a text of its own", () => {
  const one = [column("a", "string")];
  expect(
    new Set([[null], ["~"], ["~~"], [""], ["null"]].map((row) => keyText(one, row))).size,
  ).toBe(5);
  const two = [column("a", "string"), column("b", "int64")];
  expect(keyText(two, [null, 1n])).not.toBe(keyText(two, ["~,1", null]));
});

test("the text of one string column is the string", () => {
  expect(keyText([column("a", "string")], ["user_000066"])).toBe("user_000066");
});
