/** Compares the weights of decay with the oracle's, which come from roots of 320 bits. */
import { decayWeight } from "@tidemark/testkit/oracle/decay";
import fc from "fast-check";
import { expect, test } from "vitest";
import { weightOf } from "../../src/aggregate/half-life.ts";

const HOUR = 3_600_000_000;
/** The longest window, µs. */
const LONGEST = 100_000 * 24 * HOUR;

const nearest = (age: number, halfLife: number): number =>
  decayWeight(BigInt(age), BigInt(halfLife));

test("whole half-lives halve, down to the smallest double", () => {
  for (const halfLife of [1, 7, HOUR])
    expect([0, 1, 2, 1074, 1075, 1076].map((k) => weightOf(k * halfLife, halfLife))).toEqual([
      1, 0.5, 0.25, 5e-324, 0, 0,
    ]);
  expect(weightOf(LONGEST, 1)).toBe(0);
});

test("a weight is the double nearest to the power of the exact quotient", () => {
  const halfLife = fc.oneof(
    fc.constantFrom(1, 2, 3, 1e6, 60e6, HOUR, 24 * HOUR, LONGEST),
    fc.integer({ min: 1, max: 1000 }),
    fc.integer({ min: 1, max: LONGEST }),
  );
  const pair = halfLife.chain((h) =>
    fc.tuple(
      fc.oneof(
        fc.integer({ min: 0, max: LONGEST }),
        fc.integer({ min: 0, max: Math.min(LONGEST, h * 1100) }),
        fc.integer({ min: Math.min(LONGEST, h * 1019), max: Math.min(LONGEST, h * 1076) }),
        fc.integer({ min: 0, max: Math.min(LONGEST, 3 * h) }),
        fc.integer({ min: 0, max: 3 }),
        fc
          .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -2, max: 2 }))
          .map(([k, near]) => Math.min(LONGEST, Math.max(0, k * h + near))),
      ),
      fc.constant(h),
    ),
  );
  fc.assert(
    fc.property(pair, ([age, h]) => {
      expect(weightOf(age, h)).toBe(nearest(age, h));
    }),
    { numRuns: 10_000 },
  );
});

test("weights of all quotients of small numbers", () => {
  for (let h = 1; h < 100; h++)
    for (let r = 0; r < h; r++) expect(weightOf(r, h)).toBe(nearest(r, h));
});
