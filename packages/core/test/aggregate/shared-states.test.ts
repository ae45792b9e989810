/** Aggregations that use one state answer as with a state of their own, over any moving window. */
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { kernelOf, kernelsOf, type KernelFeature } from "../../src/aggregate/bind.ts";
import type { Kernel } from "../../src/aggregate/aggregator.ts";
import { aggregatorNamed } from "../../src/aggregate/registry.ts";
import { batchOf, type Vector } from "../../src/columns/batch.ts";
import type { AggregateOptions, ColumnSpec, Value } from "../../src/specs.ts";
import { column } from "../support/any-value.ts";

const runs = seedsFromEnvironment({ runs: 40 });

const [x, y, k] = [column("x", "float64"), column("y", "float64"), column("k", "string")];
const b = column("b", "boolean");
const COLUMNS = [x, y, k, b];
const ROWS = 300;
/** Aggregations in an order in which a state of less detail comes first. */
const FEATURES: readonly (readonly [string, readonly ColumnSpec[], AggregateOptions])[] = [
  ["variance", [x], { over: "sample" }],
  ["stddev", [y], { over: "population" }],
  ["kurtosis", [x], {}],
  ["skewness", [x], {}],
  ["variance", [y], { over: "population" }],
  ["covariance", [x, y], { over: "sample" }],
  ["correlation", [x, y], {}],
  ["slope", [y, x], {}],
  ["sum", [x], {}],
  ["avg", [x], {}],
  ["decayedSum", [x], { halfLife: 3_000 }],
  ["decayedAvg", [x], { halfLife: 500 }],
  ["meanGap", [], { unit: "seconds" }],
  ["maxGap", [], { unit: "seconds" }],
  ["minGap", [], { unit: "hours" }],
  ["sessionCount", [], { gap: 400 }],
  ["maxSession", [], { gap: 400, unit: "seconds" }],
  ["sessionCount", [], { gap: 700 }],
  ["currentStreak", [b], {}],
  ["longestStreak", [b], {}],
  ["any", [b], {}],
  ["share", [b], {}],
  ["median", [x], {}],
  ["approxQuantile", [x], { q: 0.5, error: 0.05 }],
  ["approxQuantile", [x], { q: 0.9, error: 0.01 }],
  ["approxQuantile", [x], { q: 0.1, error: 0.01 }],
  ["quantile", [x], { q: 0.9 }],
  ["quantiles", [x], { q: [0.25, 0.5, 0.75] }],
  ["topK", [x], { k: 200, distinct: false }],
  ["countDistinct", [x], {}],
  ["mode", [k], {}],
  ["mostFrequent", [k], { k: 3 }],
  ["histogram", [k], {}],
  ["entropy", [k], {}],
  ["distinctValues", [k], {}],
];
const NASTY = [0, -0, 1e16, -1e16, 2 ** 100, -(2 ** 100), 2 ** -100, 5e-324, -(2 ** -1030)];

function anyNumber(random: Random): Value {
  if (random.chance(0.05)) return null;
  if (random.chance(0.05)) return random.pick(NASTY);
  if (random.chance(0.1)) return 1e9 + random.pick([4, 7, 13, 16]);
  return (random.int(200_000) - 100_000) / 100;
}

test(`shared states: the answers of own states (${runs.text})`, () => {
  let compared = 0;
  for (const seed of runs.seeds) {
    const random = new Random(seed);
    const members = FEATURES.map(([aggregate, inputs, options]): KernelFeature => ({
      aggregate: { aggregate, options },
      inputs,
    }));
    const overflows = { count: 0 };
    const use = { subtracts: true };
    const rows = Array.from({ length: ROWS }, () => [
      anyNumber(random),
      anyNumber(random),
      random.chance(0.1) ? null : random.pick(["a", "b", "ü", "\u{1f600}", "\ufffd", ""]),
      random.chance(0.1) ? null : random.chance(0.7),
    ]);
    const { vectors } = batchOf(COLUMNS, rows);
    let time = 0;
    const values = Float64Array.from({ length: ROWS }, () => (time += random.int(1_000)));
    const times: Vector = { kind: "float64", values, valid: null };
    const bind = (kernel: Kernel, { aggregate, inputs }: KernelFeature): void => {
      const own = inputs.map((input) => vectors[COLUMNS.indexOf(input as ColumnSpec)]!);
      const readsTimes = aggregatorNamed(aggregate.aggregate).times === true;
      kernel.bind(readsTimes ? [...own, times] : own);
    };
    const alone = members.map(({ aggregate, inputs }) =>
      kernelOf(aggregate, inputs, overflows, use),
    );
    const together = kernelsOf(members, overflows, use);
    members.forEach((member, i) => {
      bind(alone[i]!, member);
      bind(together[i]!, member);
    });
    let [first, last] = [0, 0];
    while (last < ROWS) {
      const to = Math.min(ROWS, last + random.pick([0, 1, 2, 20]));
      const from = Math.min(to, first + random.pick([0, 1, 2, 15]));
      const isAnew = from >= last || random.chance(0.05);
      for (const kernel of [...together, ...alone])
        if (isAnew || kernel.subtract === undefined) {
          kernel.reset();
          kernel.add(range(from, to), to - from);
        } else {
          kernel.add(range(last, to), to - last);
          kernel.subtract(range(first, from), from - first);
        }
      const expected = alone.map((kernel) => kernel.finish(time));
      expect(together.map((kernel) => kernel.finish(time))).toStrictEqual(expected);
      // Nothing of what left is in a state.
      if (random.chance(0.1))
        members.forEach((member, i) => {
          const kernel = kernelOf(member.aggregate, member.inputs, overflows, use);
          bind(kernel, member);
          kernel.add(range(from, to), to - from);
          expect(kernel.finish(time)).toStrictEqual(expected[i]);
          compared++;
        });
      [first, last] = [from, to];
    }
  }
  expect(compared).toBeGreaterThan(0);
});

function range(begin: number, end: number): Int32Array {
  return Int32Array.from({ length: end - begin }, (_, i) => begin + i);
}

test("one state serves equal inputs only, and is not made again", () => {
  const of = (aggregate: string, inputs: readonly ColumnSpec[]): KernelFeature => ({
    aggregate: { aggregate, options: { over: "population" } },
    inputs,
  });
  const twin = { ...x };
  const kernels = kernelsOf([of("variance", [x]), of("kurtosis", [x]), of("variance", [twin])], {
    count: 0,
  });
  const { vectors } = batchOf([x], [[1], [2], [4], [9]]);
  for (const kernel of kernels) kernel.bind(vectors);
  const [first, second, third] = kernels;
  first!.add(Int32Array.of(0, 1, 2, 3), 4);
  expect(second!.finish(0)).not.toBe(null);
  expect(third!.finish(0)).toBe(null);
});
