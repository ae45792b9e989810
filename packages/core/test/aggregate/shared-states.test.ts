/** Aggregations that use one state answer as with a state of their own, over any moving window. */
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { kernelOf, kernelsOf, type KernelFeature } from "../../src/aggregate/bind.ts";
import { batchOf, type Vector } from "../../src/columns/batch.ts";
import type { AggregateOptions, ColumnSpec, Value } from "../../src/specs.ts";
import { column } from "../support/any-value.ts";

const runs = seedsFromEnvironment({ runs: 40 });

const [x, y, k] = [column("x", "float64"), column("y", "float64"), column("k", "string")];
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
    const together = kernelsOf(members, overflows, { subtracts: true });
    const alone = members.map(({ aggregate, inputs }) =>
      kernelOf(aggregate, inputs, overflows, { subtracts: true }),
    );
    const rows = Array.from({ length: ROWS }, () => [
      anyNumber(random),
      anyNumber(random),
      random.chance(0.1) ? null : random.pick(["a", "b", "ü", "\u{1f600}", "\ufffd", ""]),
    ]);
    const { vectors } = batchOf([x, y, k], rows);
    members.forEach(({ inputs }, i) => {
      const own = inputs.map((input): Vector => vectors[[x, y, k].indexOf(input as ColumnSpec)]!);
      together[i]!.bind(own);
      alone[i]!.bind(own);
    });
    let [first, last] = [0, 0];
    while (last < ROWS) {
      const to = Math.min(ROWS, last + random.pick([0, 1, 2, 20]));
      const from = Math.min(to, first + random.pick([0, 1, 2, 15]));
      const range = (begin: number, end: number): Int32Array =>
        Int32Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i);
      const isAnew = from >= last || random.chance(0.05);
      const [entering, leaving] = isAnew
        ? [range(from, to), range(0, 0)]
        : [range(last, to), range(first, from)];
      for (const kernels of [together, alone])
        for (const kernel of kernels) {
          if (isAnew) kernel.reset();
          kernel.add(entering, entering.length);
          kernel.subtract!(leaving, leaving.length);
        }
      const expected = alone.map((kernel) => kernel.finish(0));
      expect(together.map((kernel) => kernel.finish(0))).toStrictEqual(expected);
      // An own state over the window anew: nothing of what left is in it.
      const anew = members.map(({ aggregate, inputs }) =>
        kernelOf(aggregate, inputs, overflows, { subtracts: true }),
      );
      if (random.chance(0.1))
        anew.forEach((kernel, i) => {
          const own = members[i]!.inputs.map(
            (input): Vector => vectors[[x, y, k].indexOf(input as ColumnSpec)]!,
          );
          kernel.bind(own);
          kernel.add(range(from, to), to - from);
          expect(kernel.finish(0)).toStrictEqual(expected[i]);
          compared++;
        });
      [first, last] = [from, to];
    }
  }
  expect(compared).toBeGreaterThan(0);
});

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
