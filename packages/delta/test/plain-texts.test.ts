import fc from "fast-check";
import { expect, test } from "vitest";
import { converterFor } from "../src/parquet/convert.ts";
import { elementOf } from "../src/parquet/parquet-types.ts";
import { plainValues } from "../src/parquet/pages.ts";
import { column } from "./lakes.ts";

const text = column("text", "string");
const element = elementOf(text, "long");

/**
 * Makes a page of values, each preceded by its length. The bytes of another page come before them.
 */
function pageOf(values: readonly Uint8Array[]): Uint8Array {
  const parts = values.flatMap((value) => [
    Buffer.from(Uint32Array.of(value.length).buffer),
    value,
  ]);
  return Buffer.concat([Buffer.from("before"), ...parts]).subarray(6);
}

/** Computes codes and dictionary with a view of each value. */
function slowly(page: Uint8Array, count: number) {
  const converter = converterFor(text, element, false)!;
  return {
    codes: converter.convert(plainValues(page, element, count)),
    dictionary: converter.dictionary,
  };
}

function atOnce(page: Uint8Array, count: number) {
  const converter = converterFor(text, element, false)!;
  return { codes: converter.convertPlain!(page, count), dictionary: converter.dictionary };
}

const ascii = fc
  .oneof(fc.string({ maxLength: 15 }), fc.string({ minLength: 120, maxLength: 140 }))
  .map((value) => Buffer.from(value));
const bytes = fc.oneof(
  ascii,
  fc.string({ unit: "binary", maxLength: 15 }).map((value) => Buffer.from(value)),
  fc.constantFrom(Buffer.from("\uFFFD")),
);

test("the texts of a page are those of its values, one by one", () => {
  for (const one of [ascii, bytes]) {
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), (values) => {
        const page = pageOf(values);
        expect(atOnce(page, values.length)).toEqual(slowly(page, values.length));
      }),
    );
  }
});

test("a page that ends within its texts, or claims more of them, is an error", () => {
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 8 }), fc.nat(), (values, cut) => {
      const page = pageOf(values);
      expect(() => atOnce(page.subarray(0, cut % page.length), values.length)).toThrow(
        "do not fit",
      );
      expect(() => atOnce(page, values.length + 1)).toThrow("do not fit");
    }),
  );
  expect(() => atOnce(new Uint8Array(8), -1)).toThrow("claims -1");
});

test("bytes that are no UTF-8 are refused, because two values would become one text", () => {
  for (const value of [[0x80], [0xc3], [0x61, 0xff, 0x62], [0xed, 0xa0, 0x80]]) {
    const page = pageOf([Buffer.from("before"), Uint8Array.from(value)]);
    for (const read of [atOnce, slowly]) expect(() => read(page, 2)).toThrow("which is no UTF-8");
  }
});
