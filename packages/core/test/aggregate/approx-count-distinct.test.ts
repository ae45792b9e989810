/** The estimate of a sketch is that of the whole list of values, however many there are. */
import { estimated } from "@tidemark/testkit/oracle/sketches";
import { log2 } from "@tidemark/testkit/oracle/statistics";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { Random } from "@tidemark/testkit/generate/random";
import { expect, test } from "vitest";
import { kernelOf } from "../../src/aggregate/bind.ts";
import { approxCountDistinctAggregator } from "../../src/aggregate/approx-count-distinct.ts";
import { batchOf } from "../../src/columns/batch.ts";
import { column } from "../support/any-value.ts";

const runs = seedsFromEnvironment({ runs: 20 });
const form = column("x", "int32");
const BITS = { 0.01: 14, 0.02: 12, 0.05: 9 };

test(`one window after another: the oracle's estimates (${runs.text})`, () => {
  for (const seed of runs.seeds) {
    const random = new Random(seed);
    const error = random.pick([0.05, 0.05, 0.02]);
    const options = { error, sketch: "hyperloglog-md5" };
    const kernel = kernelOf({ aggregate: "approxCountDistinct", options }, [form], { count: 0 });
    // Values come again, and more than are remembered.
    const values = Array.from({ length: 6000 }, () => random.int(5000));
    kernel.bind(
      batchOf(
        [form],
        values.map((value) => [value]),
      ).vectors,
    );
    for (let window = 0; window < 6; window++) {
      const length = random.pick([0, 1, 20, 300, 1200, 1500, 6000]);
      const start = random.int(6001 - length);
      kernel.reset();
      kernel.add(
        Int32Array.from({ length }, (_, i) => start + i),
        length,
      );
      const window_ = values.slice(start, start + length);
      expect(kernel.finish(0)).toBe(estimated("approxCountDistinct", form, window_, options));
    }
  }
});

/** α·m² ÷ Σ2^−rank in whole numbers, or m·ln(m ÷ empty). */
function slowEstimate(registers: Uint8Array, bits: number): bigint {
  let sum = 0n;
  for (const rank of registers) sum += 1n << BigInt(65 - rank);
  const m = BigInt(registers.length);
  const top = (7213n * m ** 3n) << 65n;
  const bottom = (10_000n * m + 10_790n) * sum;
  const empty = registers.filter((rank) => rank === 0).length;
  if (empty > 0 && 2n * top <= 5n * m * bottom)
    return BigInt(Math.round(2 ** bits * ((bits - log2(empty)) * Math.LN2)));
  return (2n * top + bottom) / (2n * bottom);
}

test(`any registers: the estimate in whole numbers (${runs.text})`, () => {
  for (const seed of runs.seeds) {
    const random = new Random(seed);
    for (const [error, bits] of Object.entries(BITS)) {
      const accumulator = approxCountDistinctAggregator.accumulator!([form], {
        error: Number(error),
      });
      const most = random.int(66 - bits);
      const filled = random.fraction();
      const registers = Uint8Array.from({ length: 2 ** bits }, () =>
        random.chance(filled)
          ? Math.min(most, Math.floor(-Math.log2(1 - random.fraction())) + 1)
          : 0,
      );
      const state = accumulator.decode(registers);
      expect(accumulator.finish(state, { count: 0 }, 0)).toBe(slowEstimate(registers, bits));
      expect(accumulator.encode(state)).toEqual(registers);
    }
  }
});
