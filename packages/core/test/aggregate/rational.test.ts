/** Rounding of rational numbers and of their roots equals that of the oracle. */
import { nearestDouble } from "@tidemark/testkit/oracle/rationals";
import { nearestRoot } from "@tidemark/testkit/oracle/statistics";
import { unitsOf } from "@tidemark/testkit/oracle/exact-fraction";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fastBetween } from "../../src/statistics/quantile-finish.ts";
import { binaryNumber, roundRational, roundRoot } from "../../src/statistics/rational.ts";

const whole = fc
  .tuple(fc.bigInt({ min: 1n, max: 2n ** 64n }), fc.integer({ min: 0, max: 1300 }), fc.boolean())
  .map(([digits, shift, isBeside]) => (digits << BigInt(shift)) + (isBeside ? 1n : 0n));
const small = fc.bigInt({ min: 1n, max: 40n });
/** Numbers that lie halfway between two doubles, or right beside. */
const halfway = fc
  .tuple(fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }), fc.integer({ min: -1, max: 1 }))
  .map(([mantissa, beside]) => ((2n * mantissa + 1n) << 80n) + BigInt(beside));
const numerators = fc.oneof(whole, small, halfway);
const exponents = fc.oneof(
  fc.integer({ min: -1300, max: 1100 }),
  fc.constantFrom(0, -1074, -1075, -1022, 971, 1000, 1001, -1000, -1001),
);
const scaled = (n: bigint, d: bigint, exponent: number): readonly [bigint, bigint] =>
  exponent >= 0 ? [n << BigInt(exponent), d] : [n, d << BigInt(-exponent)];

test("a rational is rounded once", () => {
  fc.assert(
    fc.property(numerators, fc.oneof(small, whole), exponents, fc.boolean(), (a, d, e, isLess) => {
      const numerator = isLess ? -a : a;
      const [n, denominator] = scaled(numerator, d, e);
      expect(roundRational(numerator, d, e)).toBe(nearestDouble({ n, d: denominator }));
    }),
    { numRuns: 3000 },
  );
});

test("a root is rounded once", () => {
  fc.assert(
    fc.property(
      numerators,
      fc.oneof(small, whole),
      exponents,
      fc.boolean(),
      (a, d, e, isSquare) => {
        const numerator = isSquare ? a * a : a;
        const denominator = isSquare ? d * d : d;
        const expected = nearestRoot(scaled(numerator, denominator, e));
        const found = roundRoot(numerator, denominator, e);
        expect(Number.isFinite(found) ? found : null).toBe(expected);
      },
    ),
    { numRuns: 3000 },
  );
});

test("a value between two doubles is rounded once, or left to whole numbers", () => {
  const nasty = fc.constantFrom(
    0,
    1e16,
    -1e16,
    2 ** 100,
    2 ** -100,
    5e-324,
    2 ** -1022,
    2 ** 1023,
    0.1,
    0.3,
    1,
    3,
    1e9 + 4,
    1e9 + 7,
    1e9 + 13,
    1e9 + 16,
    2 ** 53,
    2 ** 53 - 1,
    1 + 2 ** -52,
    -0.1,
  );
  const cents = fc.integer({ min: -1e8, max: 1e8 }).map((units) => units / 100);
  const values = fc.oneof(nasty, cents, fc.double({ noNaN: true, noDefaultInfinity: true }));
  const fractions = fc.oneof(
    fc.constantFrom([1, 2] as const, [9, 10] as const, [1, 3] as const, [99_999, 100_000] as const),
    fc
      .tuple(fc.nat(999_999), fc.integer({ min: 1, max: 1_000_000 }))
      .filter(([over, denominator]) => over < denominator),
  );
  let decided = 0;
  fc.assert(
    fc.property(values, values, fractions, (a, b, [over, denominator]) => {
      // A multiset holds no −0.
      const [low, high] = [Math.min(a, b) + 0, Math.max(a, b) + 0];
      const found = fastBetween(low, high, over, denominator);
      if (Number.isNaN(found)) return;
      decided++;
      const [from, d] = [unitsOf(low), BigInt(denominator)];
      const n = from * d + (unitsOf(high) - from) * BigInt(over);
      expect(found).toBe(nearestDouble({ n, d: d << 1074n }));
    }),
    { numRuns: 5000 },
  );
  expect(decided).toBeGreaterThan(2000);
});

test("a double is taken apart into an odd number and a power of two", () => {
  const doubles = fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((word) => new Float64Array(new BigUint64Array([word]).buffer)[0]!)
    .filter(Number.isFinite);
  const few = fc.constantFrom(0, -0, 1, -1, 0.1, 5e-324, -5e-324, 2 ** -1022, 2 ** 1023, 2 ** 31);
  fc.assert(
    fc.property(fc.oneof(doubles, few), (value) => {
      const { mantissa, exponent } = binaryNumber(value);
      expect(mantissa << BigInt(exponent + 1074)).toBe(unitsOf(value));
      expect(value === 0 ? mantissa === 0n : (mantissa & 1n) === 1n).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
