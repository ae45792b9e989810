import { expect, test } from "vitest";
import { roundFraction, sumOfDoubles, unitsOf } from "../../src/oracle/exact-fraction.ts";
import { Random } from "../../src/generate/random.ts";

const sum = (...values: number[]): number => sumOfDoubles(values).value;

test("units of 2^-1074 hold every double", () => {
  expect(unitsOf(5e-324)).toBe(1n);
  expect(unitsOf(-5e-324)).toBe(-1n);
  expect(unitsOf(1)).toBe(1n << 1074n);
  expect(unitsOf(2.2250738585072014e-308)).toBe(1n << 52n);
  expect(unitsOf(Number.MAX_VALUE)).toBe(((1n << 53n) - 1n) << 2045n);
  expect(unitsOf(-0)).toBe(0n);
});

test("a sum is rounded once, at the end", () => {
  expect(sum(0.1, 0.2, 0.3)).toBe(0.6);
  expect(0.1 + 0.2 + 0.3).not.toBe(0.6);
  expect(sum(1e16, 1, -1e16)).toBe(1);
  expect(sum(1e16, 1, 1)).toBe(1e16 + 2);
  expect(sum(...Array.from({ length: 10 }, () => 0.1))).toBe(1);
  expect(sum(1, 1e100, 1, -1e100)).toBe(2);
  expect(sum(5e-324, 1, -1)).toBe(5e-324);
});

test("a half goes to the even neighbour", () => {
  expect(sum(2 ** 53, 1)).toBe(2 ** 53);
  expect(sum(2 ** 53 + 2, 1)).toBe(2 ** 53 + 4);
  expect(sum(2 ** 53, 1, 5e-324)).toBe(2 ** 53 + 2);
  expect(sum(-(2 ** 53), -1)).toBe(-(2 ** 53));
});

test("a partial overflow is no overflow", () => {
  expect(sumOfDoubles([1e308, 1e308, -1e308])).toEqual({ value: 1e308, overflow: false });
  expect(sumOfDoubles([Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE])).toEqual({
    value: Number.MAX_VALUE,
    overflow: false,
  });
});

test("a sum beyond the doubles saturates and says so", () => {
  expect(sumOfDoubles([1e308, 1e308])).toEqual({ value: Number.MAX_VALUE, overflow: true });
  expect(sumOfDoubles([-1e308, -1e308])).toEqual({ value: -Number.MAX_VALUE, overflow: true });
  // Half a unit in the last place above the largest double is the first that rounds to infinity.
  expect(sumOfDoubles([Number.MAX_VALUE, 2 ** 969]).overflow).toBe(false);
  expect(sumOfDoubles([Number.MAX_VALUE, 2 ** 970]).overflow).toBe(true);
});

test("no sum is −0", () => {
  expect(Object.is(sum(-0, -0), 0)).toBe(true);
  expect(Object.is(sum(), 0)).toBe(true);
  expect(Object.is(sum(1, -1), 0)).toBe(true);
});

test("a fraction is the nearest double, as the number reader knows it", () => {
  expect(roundFraction(1n, 10n).value).toBe(0.1);
  expect(roundFraction(-1n, 3n).value).toBe(-1 / 3);
  expect(roundFraction(123456789012345678901234567890n, 1_000_000_000n).value).toBe(
    123456789012345678901.23456789,
  );
  expect(roundFraction(9007199254740993n, 1n).value).toBe(9007199254740992);
  const random = new Random(3);
  for (let i = 0; i < 2000; i++) {
    const digits =
      BigInt(Math.floor(random.fraction() * 2 ** 53)) *
      BigInt(random.word()) *
      (random.chance(0.5) ? 1n : -1n);
    const scale = random.int(39);
    expect(roundFraction(digits, 10n ** BigInt(scale)).value).toBe(
      digits === 0n ? 0 : Number(`${digits}e-${scale}`),
    );
  }
});
