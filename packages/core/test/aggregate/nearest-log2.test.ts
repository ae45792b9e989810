/** The logarithm of `entropy` is the nearest double, which another series finds too. */
import { log2 } from "@tidemark/testkit/oracle/statistics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestLog2 } from "../../src/aggregate/nearest-log2.ts";

test("powers of two have whole logarithms", () => {
  for (let power = 0; power <= 53; power++) expect(nearestLog2(2 ** power)).toBe(power);
});

test("the logarithms of all small counts equal those of the series of atanh", () => {
  for (let count = 1; count < 5000; count++) expect(nearestLog2(count)).toBe(log2(count));
});

test("so do those of counts up to 2^53", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.integer({ min: 1, max: 2 ** 53 }),
        fc
          .tuple(fc.integer({ min: 2, max: 52 }), fc.constantFrom(-1, 1))
          .map(([power, by]) => 2 ** power + by),
      ),
      (count) => {
        expect(nearestLog2(count)).toBe(log2(count));
      },
    ),
    { numRuns: 500 },
  );
});
