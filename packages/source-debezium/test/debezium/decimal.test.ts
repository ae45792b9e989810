import {
  decimalNumber,
  decimalOfBase64,
  decimalOfText,
  decimalText,
  fitDecimal,
  wholeNumber,
  Failure,
  NON_FINITE,
} from "@tidemark/core/internal";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parameters } from "../support/seed.ts";

const check = (property: fc.IRawProperty<unknown>): void => {
  fc.assert(property, parameters);
};
const unscaled = fc.oneof(
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(-(2n ** 47n), 2n ** 47n, -(2n ** 63n), 2n ** 63n, -128n, 128n, -1n, 0n),
);
const scale = fc.integer({ min: 0, max: 20 });

/**
 * The oracle: the shortest two's complement, byte by byte, as Java's BigInteger.toByteArray makes
 * it.
 */
function bytesOf(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 8n) {
    bytes.unshift(Number(rest & 0xffn));
    const left = rest >> 8n;
    if ((left === 0n && bytes[0]! < 128) || (left === -1n && bytes[0]! >= 128))
      return Buffer.from(bytes);
  }
}

describe("decimals", () => {
  test("bytes, text and number of a decimal read alike", () => {
    check(
      fc.property(unscaled, scale, (unscaled, scale) => {
        expect(decimalOfBase64(bytesOf(unscaled).toString("base64"), scale)).toEqual({
          unscaled,
          scale,
        });
        const text = decimalText({ unscaled, scale });
        expect(decimalOfText(text)).toEqual(
          unscaled === 0n ? { unscaled: 0n, scale: 0 } : { unscaled, scale },
        );
        expect(decimalNumber({ unscaled, scale })).toBe(Number(text) + 0);
      }),
    );
  });

  test("an exponent moves the point", () => {
    check(
      fc.property(unscaled, fc.integer({ min: -30, max: 30 }), (unscaled, exponent) => {
        const decimal = decimalOfText(`${unscaled}e${exponent}`);
        expect(decimal instanceof Failure ? null : fitDecimal(decimal, 30, 10n ** 99n)).toBe(
          unscaled * 10n ** BigInt(30 + exponent),
        );
      }),
    );
    expect(decimalOfText("1.23456789012E9")).toEqual({ unscaled: 123456789012n, scale: 2 });
  });

  test("more digits than the scale or the precision allows are refused, except zeros", () => {
    const fit = (text: string, precision: number, scale: number): bigint | string => {
      const decimal = decimalOfText(text);
      const fitted =
        decimal instanceof Failure ? decimal : fitDecimal(decimal, scale, 10n ** BigInt(precision));
      return fitted instanceof Failure ? fitted.reason : fitted;
    };
    expect(fit("10.500", 4, 2)).toBe(1050n);
    expect(fit("10.501", 4, 2)).toBe("DECIMAL_TOO_PRECISE");
    expect(fit("99.99", 4, 2)).toBe(9999n);
    expect(fit("-100", 4, 2)).toBe("DECIMAL_TOO_LARGE");
    expect(fit("12345678901234567890.123", 38, 3)).toBe(12345678901234567890123n);
    expect(fit("1e400", 38, 0)).toBe("DECIMAL_TOO_LARGE");
    expect(fit("1e-999999999", 38, 9)).toBe("DECIMAL_TOO_PRECISE");
    expect(fit("0e999999999", 38, 9)).toBe(0n);
    expect(fit("12,5", 38, 9)).toBe("NOT_A_DECIMAL");
  });

  test("NaN and the infinities are missing, in every spelling of the connector", () => {
    for (const text of [
      "NaN",
      "NAN",
      "Infinity",
      "-Infinity",
      "POSITIVE_INFINITY",
      "NEGATIVE_INFINITY",
    ])
      expect(decimalOfText(text)).toBe(NON_FINITE);
  });

  test("a whole number is recognized at any scale", () => {
    expect(wholeNumber({ unscaled: 500n, scale: 2 })).toBe(5n);
    expect(wholeNumber({ unscaled: 5n, scale: -2 })).toBe(500n);
    expect(wholeNumber({ unscaled: 501n, scale: 2 })).toBeNull();
  });
});
