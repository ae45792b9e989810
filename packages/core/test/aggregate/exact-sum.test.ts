import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExactSum } from "../../src/statistics/exact-sum.ts";
import { roundedSum } from "../../src/statistics/round-sum.ts";
import { roundFraction, sumOfDoubles, unitsOf } from "@tidemark/testkit/oracle/exact-fraction";

/** Doubles of every magnitude with equal chance: any 64 bits that are finite. */
const bits = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((word) => new Float64Array(new BigUint64Array([word]).buffer)[0]!)
  .filter(Number.isFinite);
const odd = fc.constantFrom(
  0,
  -0,
  5e-324,
  -5e-324,
  2 ** -1022,
  2 ** -1022 - 5e-324,
  0.1,
  0.2,
  1,
  -1,
  1e16,
  -1e16,
  2 ** 53,
  2 ** 53 + 2,
  1e308,
  -1e308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
);
/** Doubles close enough to each other for carries, borrows and halves. */
const near = fc
  .tuple(fc.maxSafeInteger(), fc.integer({ min: -60, max: 60 }))
  .map(([mantissa, exponent]) => mantissa * 2 ** exponent);
const anyDouble = fc.oneof(bits, odd, near, fc.integer({ min: -1000, max: 1000 }));

/** Doubles of usual size, and those at the edges of what is binned. */
const usual = fc.oneof(
  fc.integer({ min: -1e11, max: 1e11 }).map((cents) => cents / 100),
  fc.double({ min: -(2 ** 30), max: 2 ** 30, noNaN: true }),
  fc
    .tuple(
      fc.constantFrom(2 ** -17, 2 ** 30, 2 ** -2, 2 ** -35, 2 ** -36, 1),
      fc.constantFrom(1, 1 - 2 ** -53, 1 + 2 ** -52, 1.5, -1, -1 - 2 ** -52),
    )
    .map(([size, factor]) => size * factor),
);
const beside = fc.constantFrom(1e16, -1e16, 2 ** 100, -(2 ** 100), 2 ** -100, 5e-324, 0, -0);
/** Mostly usual doubles, with few others between them. */
const mixed = fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: beside });

/**
 * The slow reference: whole numbers of 2^−1074, rounded once. An overflow is ±Infinity here, and
 * saturates in `sum`.
 */
function slowSum(values: readonly number[]): number {
  const { value, overflow } = sumOfDoubles(values);
  return overflow ? value * Infinity : value;
}

function fastSum(values: readonly number[], sum = new ExactSum()): number {
  for (const value of values) sum.add(value);
  return sum.round();
}

describe("the accumulator gives the bits of a sum of fractions", () => {
  test("for any doubles", () => {
    fc.assert(
      fc.property(fc.array(anyDouble, { maxLength: 60 }), (values) => {
        expect(fastSum(values)).toBe(slowSum(values));
      }),
      { numRuns: 3000 },
    );
  });

  test("for sums that cancel but for a little", () => {
    fc.assert(
      fc.property(
        fc.array(anyDouble, { minLength: 1, maxLength: 30 }),
        anyDouble,
        fc.integer({ min: 0, max: 2 ** 31 }),
        (values, rest, seed) => {
          const all = [...values, ...values.map((value) => -value), rest]
            .map((value, i) => ({ value, place: Math.imul(i + 1, seed | 1) }))
            .sort((a, b) => a.place - b.place)
            .map(({ value }) => value);
          expect(fastSum(all)).toBe(rest === 0 ? 0 : rest);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("for subnormals, whose sum is always a double", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 53n }), fc.boolean()), { maxLength: 40 }),
        (pairs) => {
          const values = pairs.map(
            ([units, negative]) => Number(units) * 5e-324 * (negative ? -1 : 1),
          );
          expect(fastSum(values)).toBe(slowSum(values));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("at halves: the even neighbour, and whatever lies below a half decides", () => {
    const half = 2 ** -53;
    for (const values of [
      [1, half],
      [1 + 2 ** -52, half],
      [1, half, 5e-324],
      [1, half, -5e-324],
      [1 + 2 ** -52, half, -5e-324],
      [-1, -half],
      [-1 - 2 ** -52, -half],
      [-1, -half, -5e-324],
    ]) {
      expect(fastSum(values)).toBe(slowSum(values));
    }
    expect(fastSum([1, half])).toBe(1);
    expect(fastSum([1, half, 5e-324])).toBe(1 + 2 ** -52);
  });

  test("at every place of the highest bit, with ones and with halves below it", () => {
    for (let exponent = -1074; exponent <= 1023; exponent++) {
      const top = 2 ** exponent;
      for (const low of [
        2 ** (exponent - 52),
        2 ** (exponent - 53),
        2 ** (exponent - 54),
        5e-324,
      ]) {
        for (const values of [
          [top, low],
          [top, -low],
          [-top, low],
          [top, low, 5e-324],
          [top, top / 2, low, low / 2],
        ])
          expect(fastSum(values)).toBe(slowSum(values));
      }
    }
  });
});

describe("values of usual size", () => {
  test("some added, some taken away, some merged: the bits of a sum of fractions", () => {
    const values = fc.array(mixed, { maxLength: 40 });
    fc.assert(
      fc.property(values, values, values, (kept, left, merged) => {
        const [sum, other] = [new ExactSum(), new ExactSum()];
        for (const value of left) sum.add(value);
        for (const value of kept) sum.add(value);
        for (const value of left) sum.subtract(value);
        expect(sum.round()).toBe(slowSum(kept));
        for (const value of merged) other.add(value);
        sum.merge(other);
        expect(sum.round()).toBe(slowSum([...kept, ...merged]));
        expect(other.round()).toBe(slowSum(merged));
      }),
      { numRuns: 3000 },
    );
  });

  test("rows of a vector: missing values are passed over, and rows are taken away again", () => {
    const cell = fc.tuple(mixed, fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 60 }), (cells) => {
        const values = Float64Array.from(cells, ([value]) => value);
        const valid = Uint8Array.from(cells, ([, there]) => Number(there));
        const rowsWhere = (which: (cell: (typeof cells)[number]) => boolean): Int32Array =>
          Int32Array.from(cells.flatMap((one, i) => (which(one) ? [i] : [])));
        const [all, left] = [rowsWhere(() => true), rowsWhere(([, , leaves]) => leaves)];
        const sum = new ExactSum();
        const taken = sum.addRows(values, valid, all, all.length, 1);
        expect(taken).toBe(cells.filter(([, there]) => there).length);
        sum.addRows(values, valid, left, left.length, -1);
        const kept = cells.filter(([, there, leaves]) => there && !leaves);
        expect(sum.round()).toBe(slowSum(kept.map(([value]) => value)));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([2 ** 30, -(2 ** 30), 2 ** -17, 2 ** 30 - 2 ** -22, 2 ** -17 + 2 ** -69, 0.1])(
    "%d as often as the bins hold it, and more often",
    (value: number) => {
      const times = 2 ** 20 + 3;
      const rows = new Int32Array(times);
      const sum = new ExactSum();
      for (const [added, length] of [
        [2 ** 20, 2 ** 20],
        [times, 3],
        [2 * times, times],
      ] as const) {
        sum.addRows(Float64Array.of(value), null, rows, length, 1);
        expect(sum.round()).toBe(roundFraction(unitsOf(value) * BigInt(added), 1n << 1074n).value);
      }
    },
  );
});

test("three doubles are rounded once", () => {
  const odds = fc.constantFrom(1, 3, 5, 2 ** 52 + 1, 2 ** 53 - 1, 2 ** 53 - 3);
  const one = fc
    .tuple(odds, fc.integer({ min: -120, max: 40 }), fc.constantFrom(1, -1, 0))
    .map(([mantissa, exponent, sign]) => sign * mantissa * 2 ** exponent);
  fc.assert(
    fc.property(one, one, one, (a, b, c) => {
      expect(roundedSum(a, b, c) + 0).toBe(slowSum([a, b, c]));
    }),
    { numRuns: 20_000 },
  );
});

test("a partial overflow is no overflow, a whole one is", () => {
  expect(fastSum([1e308, 1e308, 1e308, -1e308, -1e308])).toBe(1e308);
  expect(fastSum([Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE])).toBe(Number.MAX_VALUE);
  expect(fastSum([Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Infinity);
  expect(fastSum([-1e308, -1e308])).toBe(-Infinity);
  // The largest double plus half of its last place. Half to even rounds up, out of range.
  expect(fastSum([Number.MAX_VALUE, 2 ** 970])).toBe(Infinity);
  expect(fastSum([Number.MAX_VALUE, 2 ** 970, -5e-324])).toBe(Number.MAX_VALUE);
});

test("the empty sum is 0, never −0", () => {
  for (const values of [[], [0], [-0], [-0, -0], [1, -1], [-5e-324, 5e-324]])
    expect(fastSum(values)).toBe(0);
});

describe("more additions than a limb can hold without a carry", () => {
  const times = 2 ** 20 + 2 ** 19 + 3;
  // A limb full of ones, a limb's highest bit, a power of two at a limb's edge, mixed signs.
  test.each([
    [1],
    [-1],
    [0.1],
    [-0.1],
    [Number.MAX_VALUE / 2 ** 30],
    [-(2 ** 31)],
    [2 ** 32 - 1],
    [5e-324],
    [1 - 2 ** -53],
    [-(1 - 2 ** -53)],
  ])("%d", (value: number) => {
    const sum = new ExactSum();
    for (let i = 0; i < times; i++) sum.add(value);
    expect(sum.round()).toBe(roundFraction(unitsOf(value) * BigInt(times), 1n << 1074n).value);
  });

  test("of both signs and many magnitudes", () => {
    const sum = new ExactSum();
    let exact = 0n;
    for (let i = 0; i < times; i++) {
      const value = (i % 3 === 0 ? -1 : 1) * (i % 1021) * 2 ** (i % 70);
      sum.add(value);
      exact += BigInt(value);
    }
    expect(sum.round()).toBe(Number(exact));
  });

  test("the largest double 2^20 times, and taken away again but for one", () => {
    const sum = new ExactSum();
    for (let i = 0; i < times; i++) sum.add(Number.MAX_VALUE);
    expect(sum.round()).toBe(Infinity);
    for (let i = 1; i < times; i++) sum.add(-Number.MAX_VALUE);
    expect(sum.round()).toBe(Number.MAX_VALUE);
  });
});

test("rounding keeps the exact value for later additions", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyDouble, { maxLength: 8 }), { maxLength: 8 }), (parts) => {
      const sum = new ExactSum();
      const seen: number[] = [];
      for (const part of parts) {
        seen.push(...part);
        expect(fastSum(part, sum)).toBe(slowSum(seen));
      }
    }),
    { numRuns: 500 },
  );
});

test("a reset accumulator is empty", () => {
  const sum = new ExactSum();
  fc.assert(
    fc.property(fc.array(anyDouble, { maxLength: 20 }), fc.boolean(), (values, rounded) => {
      sum.reset();
      expect(sum.round()).toBe(0);
      for (const value of values) sum.add(value);
      if (rounded) expect(sum.round()).toBe(slowSum(values));
    }),
    { numRuns: 1000 },
  );
});

test("any order of additions gives the same bits", () => {
  fc.assert(
    fc.property(fc.array(anyDouble, { maxLength: 30 }), fc.integer(), (values, seed) => {
      const other = values
        .map((value, i) => ({ value, place: Math.imul(i + 7, seed | 1) }))
        .sort((a, b) => a.place - b.place)
        .map(({ value }) => value);
      expect(fastSum(other)).toBe(fastSum(values));
    }),
    { numRuns: 500 },
  );
});
