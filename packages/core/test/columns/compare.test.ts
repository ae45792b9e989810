import fc from "fast-check";
import { expect, test } from "vitest";
import { compareKeys, compareValues } from "../../src/columns/compare.ts";
import { compareStrings } from "../../src/types/order.ts";
import type { ColumnSpec, ValueType } from "../../src/specs.ts";

const column = (name: string, type: ValueType): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable: false,
});
const text = fc.string({ unit: "binary" });

/** UTF-8 in which a lone surrogate has three bytes of its own. */
function utf8(value: string): Buffer {
  return Buffer.concat(
    [...value].map((c) => {
      const point = c.codePointAt(0)!;
      return point >= 0xd800 && point < 0xe000
        ? Buffer.from([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)])
        : Buffer.from(c);
    }),
  );
}

test("strings are in the order of their UTF-8 bytes", () => {
  fc.assert(
    fc.property(text, text, text, (prefix, a, b) => {
      expect(Math.sign(compareStrings(prefix + a, prefix + b))).toBe(
        Buffer.compare(Buffer.from(prefix + a), Buffer.from(prefix + b)),
      );
    }),
    { numRuns: 2000 },
  );
});

test("strings with lone surrogates are in the order of code points", () => {
  const unit = fc.constantFrom(
    "a",
    "\ud7ff",
    "\ud800",
    "\ud801",
    "\udbff",
    "\udc00",
    "\udfff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
  );
  const units = fc.array(unit, { maxLength: 5 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(units, units, (a, b) => {
      expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(utf8(a), utf8(b)));
    }),
    { numRuns: 5000 },
  );
});

test("an emoji comes after U+FFFD, which JavaScript's < denies", () => {
  expect("\u{1f600}" < "\ufffd").toBe(true);
  expect(compareValues("string", "\u{1f600}", "\ufffd")).toBeGreaterThan(0);
});

test("bytes are in lexicographic order", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(Math.sign(compareValues("bytes", a, b))).toBe(Buffer.compare(a, b));
    }),
  );
});

test("numbers compare by value, −0 is 0, false comes before true, null first", () => {
  expect(compareValues("int64", -5n, 3n)).toBeLessThan(0);
  expect(compareValues("int64", 9007199254740993n, 9007199254740992n)).toBeGreaterThan(0);
  expect(compareValues("float64", -0, 0)).toBe(0);
  expect(compareValues("decimal", 10n, 9n)).toBeGreaterThan(0);
  expect(compareValues("timestamp", -1, 0)).toBeLessThan(0);
  expect(compareValues("boolean", false, true)).toBeLessThan(0);
  expect(compareValues("boolean", true, true)).toBe(0);
  expect(compareValues("string", null, "")).toBeLessThan(0);
  expect(compareValues("string", "", null)).toBeGreaterThan(0);
  expect(compareValues("string", null, null)).toBe(0);
});

test("composite keys go column by column, as declared", () => {
  const columns = [column("z", "string"), column("a", "int64")];
  expect(compareKeys(columns, ["b", 1n], ["a", 2n])).toBeGreaterThan(0);
  expect(compareKeys(columns, ["a", 1n], ["a", 2n])).toBeLessThan(0);
  expect(compareKeys(columns, ["a", 2n], ["a", 2n])).toBe(0);
});
