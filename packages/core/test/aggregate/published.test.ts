/**
 * Examples that other systems publish. Each answer is within one unit in the last place of theirs:
 * ours is the exact value, rounded once.
 */
import { describe, expect, test } from "vitest";
import { bindKernel } from "../../src/aggregate/bind.ts";
import { batchOf } from "../../src/columns/batch.ts";
import type { Overflows } from "../../src/columns/overflows.ts";
import type { AggregateOptions, Value, ValueType } from "../../src/specs.ts";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { column } from "../support/any-value.ts";

function answer(
  name: string,
  values: readonly Value[],
  options: AggregateOptions = {},
  type: ValueType = "float64",
): Value {
  const kernel = bindKernel(
    { aggregate: name, arguments: [columnNode(column("x", type))], options },
    batchOf(
      [column("x", type)],
      values.map((value) => [value]),
    ),
    { count: 0 },
  );
  kernel.add(
    Int32Array.from(values, (_, row) => row),
    values.length,
  );
  return kernel.finish(0);
}

/** Answers an aggregation of two arguments over rows. */
function answerOfPairs(
  name: string,
  rows: readonly (readonly Value[])[],
  options: AggregateOptions = {},
  types: readonly ValueType[] = ["float64", "float64"],
): Value {
  const inputs = types.map((type, i) => column(`argument_${i}`, type));
  const kernel = bindKernel(
    { aggregate: name, arguments: inputs.map((one) => columnNode(one)), options },
    batchOf(inputs, rows),
    { count: 0 },
  );
  kernel.add(
    Int32Array.from(rows, (_, row) => row),
    rows.length,
  );
  return kernel.finish(0);
}
const pairs = (x: readonly Value[], y: readonly Value[]): (readonly Value[])[] =>
  x.map((one, i) => [one, y[i]!]);

const ulp = (value: number): number => 2 ** (Math.floor(Math.log2(Math.abs(value))) - 52);
function near(found: Value, published: number): void {
  expect(Math.abs((found as number) - published)).toBeLessThanOrEqual(ulp(published));
}

const large = [4, 7, 13, 16].map((x) => 1e9 + x);
const sample = { over: "sample" };
const population = { over: "population" };

// "Algorithms for calculating variance", Wikipedia: one-pass formulas give −170.67 and 29.33.
test("the variance of 1e9 + {4, 7, 13, 16} is 30", () => {
  expect(answer("variance", large, sample)).toBe(30);
  expect(answer("variance", large, population)).toBe(22.5);
  expect(answer("stddev", large, population)).toBe(4.743416490252569);
});

describe("NumPy's quantiles, method linear", () => {
  test.each([
    [[10, 7, 4, 3, 2, 1], 0.5, 3.5],
    [[1, 2, 3, 4], 0.25, 1.75],
    [[1, 2, 3, 4], 0.4, 2.2],
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.9, 8.1],
    [[15, 20, 35, 40, 50], 0.4, 29],
    [[0, 0.25, 0.5, 0.75, 1], 1, 1],
  ] as const)("np.quantile(%j, %d) = %d", (values, q, published) => {
    near(answer("quantile", [...values], { q }), published);
  });
  test("np.median([10, 7, 4, 3, 2, 1]) = 3.5", () => {
    expect(answer("median", [10n, 7n, 4n, 3n, 2n, 1n], {}, "int64")).toBe(3.5);
  });
});

describe("SciPy's skewness and kurtosis, bias=True", () => {
  test("scipy.stats.skew([2, 8, 0, 4, 1, 9, 9, 0]) = 0.2650554122698573", () => {
    near(answer("skewness", [2, 8, 0, 4, 1, 9, 9, 0]), 0.2650554122698573);
  });
  test("scipy.stats.skew([1, 2, 3, 4, 5]) = 0", () => {
    expect(answer("skewness", [1, 2, 3, 4, 5])).toBe(0);
  });
  test("scipy.stats.kurtosis of 0 to 9 is −1.2242424242424244", () => {
    near(answer("kurtosis", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), -1.2242424242424244);
  });
  test("scipy.stats.kurtosis([1, 2, 3, 4, 5]) = −1.3", () => {
    near(answer("kurtosis", [1, 2, 3, 4, 5]), -1.3);
  });
});

describe("lists and maps", () => {
  const counted = (counts: Readonly<Record<string, number>>): string[] =>
    Object.entries(counts).flatMap(([value, rows]) => Array<string>(rows).fill(value));
  test("top-k with ties: of {a: 3, b: 3, c: 5}, k = 2 takes c, then the least of a and b", () => {
    const values = counted({ b: 3, a: 3, c: 5 });
    expect(answer("mostFrequent", values, { k: 2 }, "string")).toEqual(["c", "a"]);
    expect(answer("mostFrequent", values, { k: 1 }, "string")).toEqual(["c"]);
    expect(answer("mostFrequent", values, { k: 1000 }, "string")).toEqual(["c", "a", "b"]);
  });
  test('the strings "Aa" and "BB" are different, though Java hashes them alike', () => {
    const values = ["BB", "Aa", "BB"];
    expect(answer("histogram", values, {}, "string")).toEqual([
      ["Aa", 1n],
      ["BB", 2n],
    ]);
    expect(answer("distinctValues", values, { atMost: 9 }, "string")).toEqual(["Aa", "BB"]);
  });
  test("collections.Counter('gallahad').most_common(3), of equal counts the least", () => {
    expect(answer("mostFrequent", [..."gallahad"], { k: 3 }, "string")).toEqual(["a", "l", "d"]);
  });
  test("heapq: the 3 largest and the 3 smallest", () => {
    const values = [1, 8, 2, 23, 7, -4, 18, 23, 42, 37, 2];
    const every = { k: 3, distinct: false };
    expect(answer("topK", values, every)).toEqual([42, 37, 23]);
    expect(answer("bottomK", values, every)).toEqual([-4, 1, 2]);
    expect(answer("topK", values, { k: 4, distinct: false })).toEqual([42, 37, 23, 23]);
    expect(answer("topK", values, { k: 4, distinct: true })).toEqual([42, 37, 23, 18]);
    expect(answer("bottomK", values, { k: 4, distinct: false })).toEqual([-4, 1, 2, 2]);
  });
  test("np.quantile([1, 2, 3, 4], [0, 0.25, 0.4, 1]) = [1, 1.75, 2.2, 4]", () => {
    expect(answer("quantiles", [4, 3, 2, 1], { q: [0, 0.25, 0.4, 1] })).toEqual([1, 1.75, 2.2, 4]);
    expect(answer("quantiles", [4, 3], { q: [1, 0, 1] })).toEqual([4, 3, 4]);
  });
  // Chronon: "LAST_K … the last k values, ordered by event time, the newest first".
  test("the last 3 values come newest first, the first 3 oldest first", () => {
    const values = ["a", null, "b", "a", "c"];
    const every = { n: 3, distinct: false };
    expect(answer("lastN", values, every, "string")).toEqual(["c", "a", "b"]);
    expect(answer("firstN", values, every, "string")).toEqual(["a", "b", "a"]);
    const once = { n: 9, distinct: true };
    expect(answer("lastN", values, once, "string")).toEqual(["c", "a", "b"]);
    expect(answer("firstN", values, once, "string")).toEqual(["a", "b", "c"]);
    expect(answer("firstN", [-0, 0], once)).toStrictEqual([0]);
  });
  test("no answer holds −0", () => {
    expect(answer("topK", [-0], { k: 1, distinct: false })).toStrictEqual([0]);
    expect(answer("distinctValues", [-0, 0], { atMost: 2 })).toStrictEqual([0]);
  });
  test("what a bound cuts is counted", () => {
    const overflows: Overflows = { count: 0 };
    const many = Array.from({ length: 1001 }, (_, i) => BigInt(1000 - i));
    const cut = (name: string, values: readonly Value[], options: AggregateOptions): Value => {
      const kernel = bindKernel(
        { aggregate: name, arguments: [columnNode(column("x", "int64"))], options },
        batchOf(
          [column("x", "int64")],
          values.map((value) => [value]),
        ),
        overflows,
      );
      kernel.add(
        Int32Array.from(values, (_, row) => row),
        values.length,
      );
      return kernel.finish(0);
    };
    // The least of equally frequent values stay, and so does the most frequent one.
    const histogram = cut("histogram", [...many, 1000n], {}) as readonly Value[];
    expect(histogram).toHaveLength(1000);
    expect([histogram[0], histogram[998], histogram[999]]).toEqual([
      [0n, 1n],
      [998n, 1n],
      [1000n, 2n],
    ]);
    expect(cut("distinctValues", many, { atMost: 2 })).toEqual([0n, 1n]);
    expect(overflows).toEqual({ count: 0, truncated: 2 });
    cut("distinctValues", [1n, 2n], { atMost: 2 });
    cut("histogram", many.slice(1), {});
    cut("mostFrequent", many, { k: 2 });
    cut("topK", many, { k: 2, distinct: false });
    expect(overflows).toEqual({ count: 0, truncated: 2 });
  });
});

test("Python's statistics: stdev, pstdev and multimode", () => {
  near(answer("stddev", [1.5, 2.5, 2.5, 2.75, 3.25, 4.75], sample), 1.0810874155219827);
  near(answer("stddev", [1.5, 2.5, 2.5, 2.75, 3.25, 4.75], population), 0.986893273527251);
  near(answer("variance", [2.75, 1.75, 1.25, 0.25, 0.5, 1.25, 3.5], sample), 1.3720238095238095);
  near(answer("variance", [0, 0.25, 0.25, 1.25, 1.5, 1.75, 2.75, 3.25], population), 1.25);
  expect(answer("mode", ["red", "blue", "blue", "red", "green", "red", "red"], {}, "string")).toBe(
    "red",
  );
});

describe("no double is in the way of the exact value", () => {
  test("squares beyond double range do not matter where the answer is within it", () => {
    expect(answer("stddev", [1e200, -1e200], population)).toBe(1e200);
    expect(answer("variance", [1e200, -1e200], population)).toBeNull();
    expect(answer("stddev", [5e-324, 0], population)).toBe(0);
    expect(answer("stddev", [5e-324, -5e-324], population)).toBe(5e-324);
  });
  test("equal values have no spread, whatever their digits", () => {
    expect(answer("variance", [0.1, 0.1, 0.1], sample)).toBe(0);
    expect(answer("skewness", [0.1, 0.1, 0.1])).toBeNull();
    expect(answer("kurtosis", [0.1])).toBeNull();
  });
  test("a quantile between two integers beyond 2^53 is rounded once", () => {
    const values = [9007199254740993n, 9007199254740995n];
    expect(answer("median", values, {}, "int64")).toBe(9007199254740994);
  });
  test("q means its decimal digits", () => {
    // (n − 1)·0.1 is 1 exactly, where 10 · 0.1 in doubles may not be.
    const values = Array.from({ length: 11 }, (_, i) => 2 ** i);
    for (let i = 0; i <= 10; i++) expect(answer("quantile", values, { q: i / 10 })).toBe(2 ** i);
  });
});

test("a sample of one has no variance, a population of one has none left over", () => {
  expect(answer("variance", [7], sample)).toBeNull();
  expect(answer("stddev", [7], sample)).toBeNull();
  expect(answer("variance", [7], population)).toBe(0);
});

test("of equally frequent values the mode is the least, and 1.0 equals −0 + 1", () => {
  expect(answer("mode", ["b", "a", "b", "a"], {}, "string")).toBe("a");
  expect(answer("mode", [0, -0, 5, 5, -0])).toBe(0);
  // Java's hash codes of these two are equal.
  expect(answer("countDistinct", ["Aa", "BB"], {}, "string")).toBe(2n);
  expect(answer("entropy", ["Aa", "BB"], {}, "string")).toBe(1);
  expect(answer("mode", ["BB", "Aa", "BB"], {}, "string")).toBe("BB");
});

describe("NumPy's cov and corrcoef", () => {
  const [x, y] = [
    [-2.1, -1, 4.3],
    [3, 1.1, 0.12],
  ];
  test("np.cov([0, 1, 2], [2, 1, 0]) has −1 beside the diagonal", () => {
    expect(answerOfPairs("covariance", pairs([0, 1, 2], [2, 1, 0]), sample)).toBe(-1);
  });
  test("np.cov of its documentation is 11.71, −4.286 and 2.144133…", () => {
    near(answerOfPairs("covariance", pairs(x!, y!), sample), -4.286);
    near(answerOfPairs("covariance", pairs(x!, x!), sample), 11.71);
    near(answerOfPairs("covariance", pairs(y!, y!), sample), 2.1441333333333334);
  });
  test("np.corrcoef of the same is −0.8553578095227946", () => {
    near(answerOfPairs("correlation", pairs(x!, y!)), -0.8553578095227946);
  });
});

test("scipy.stats.pearsonr([1, 2, 3, 4, 5], [10, 9, 2.5, 6, 4]) = −0.7426106572325057", () => {
  const published = [1, 2, 3, 4, 5, 6, 7];
  near(
    answerOfPairs("correlation", pairs(published.slice(0, 5), [10, 9, 2.5, 6, 4])),
    -0.7426106572325057,
  );
  near(
    answerOfPairs("correlation", pairs(published, [10, 9, 2.5, 6, 4, 3, 2])),
    -0.828503883588428,
  );
});

test("Python's statistics: covariance, and the correlation of Kepler's third law", () => {
  const x = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(answerOfPairs("covariance", pairs(x, [1, 2, 3, 1, 2, 3, 1, 2, 3]), sample)).toBe(0.75);
  expect(answerOfPairs("covariance", pairs(x, x.toReversed()), sample)).toBe(-7.5);
  const period = [88, 225, 365, 687, 4331, 10_756, 30_687, 60_190];
  const distance = [58, 108, 150, 228, 778, 1400, 2900, 4500];
  expect(answerOfPairs("correlation", pairs(period, distance))).toBeCloseTo(0.9882, 4);
});

// ClickHouse's documentation of argMax and argMin.
test("the user with the greatest salary is the director, with the least the worker", () => {
  const rows = [
    ["director", 5000n],
    ["manager", 3000n],
    ["worker", 1000n],
    ["nobody", null],
    [null, 9000n],
  ];
  const types = ["string", "int64"] as const;
  expect(answerOfPairs("maxBy", rows, {}, types)).toBe("director");
  expect(answerOfPairs("minBy", rows, {}, types)).toBe("worker");
  const turned = [rows[2]!, rows[0]!, ["chair", 5000n], ["intern", 1000n]];
  expect(answerOfPairs("maxBy", turned, {}, types)).toBe("chair");
  expect(answerOfPairs("minBy", turned, {}, types)).toBe("intern");
});

test("topKBy and bottomKBy list whole ranks; of equals the newest comes first", () => {
  const ranks = [
    ["worker", 1000n],
    ["director", 5000n],
    ["manager", 3000n],
    ["chair", 5000n],
    ["guest", null],
    [null, 9000n],
  ];
  const types = ["string", "int64"] as const;
  expect(answerOfPairs("topKBy", ranks, { k: 3 }, types)).toEqual(["chair", "director", "manager"]);
  expect(answerOfPairs("topKBy", ranks, { k: 1 }, types)).toEqual(["chair"]);
  expect(answerOfPairs("bottomKBy", ranks, { k: 9 }, types)).toEqual([
    "worker",
    "manager",
    "chair",
    "director",
  ]);
  expect(answerOfPairs("topKBy", [], { k: 3 }, types)).toEqual([]);
});

// prettier-ignore
const norris = [
  [0.1, 0.2], [338.8, 337.4], [118.1, 118.2], [888, 884.6], [9.2, 10.1], [228.1, 226.5],
  [668.5, 666.3], [998.5, 996.3], [449.1, 448.6], [778.9, 777], [559.2, 558.2], [0.3, 0.4],
  [0.1, 0.6], [778.1, 775.5], [668.8, 666.9], [339.3, 338], [448.9, 447.5], [10.8, 11.6],
  [557.7, 556], [228.3, 228.1], [998, 995.8], [888.8, 887.6], [119.6, 120.2], [0.3, 0.3],
  [0.6, 0.3], [557.6, 556.8], [339.3, 339.1], [888, 887.2], [998.5, 999], [778.9, 779],
  [10.2, 11.1], [117.6, 118.3], [228.9, 229.2], [668.4, 669.1], [449.2, 448.9], [0.2, 0.5],
] as const;
test("the slope of NIST's Norris data is certified as 1.00211681802045", () => {
  expect((answerOfPairs("slope", norris) as number).toPrecision(15)).toBe("1.00211681802045");
});

test("Anscombe's first set has correlation 0.81642051634484 and slope 0.50009…", () => {
  const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
  const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
  expect(answerOfPairs("correlation", pairs(x, y))).toBeCloseTo(0.81642051634484, 14);
  expect(answerOfPairs("slope", pairs(y, x))).toBeCloseTo(0.5000909090909091, 14);
});

describe("scipy.stats.entropy, base 2, of counts", () => {
  const values = (...counts: readonly number[]): string[] =>
    counts.flatMap((count, i) => Array<string>(count).fill(`value ${i}`));
  test("two equally frequent values have 1 bit", () => {
    expect(answer("entropy", values(1, 1), {}, "string")).toBe(1);
    expect(answer("entropy", values(1000, 1000), {}, "string")).toBe(1);
  });
  test("entropy([9/10, 1/10]) = 0.46899559358928117", () => {
    expect(answer("entropy", values(9, 1), {}, "string")).toBeCloseTo(0.46899559358928117, 15);
  });
  test("one value has no entropy, and none have null", () => {
    expect(answer("entropy", values(7), {}, "string")).toBe(0);
    expect(answer("entropy", [null, null], {}, "string")).toBeNull();
  });
});

describe("pairs", () => {
  test("a row counts only if both are there", () => {
    const rows = [
      [1, 10],
      [null, 1000],
      [2, 20],
      [1000, null],
      [3, 30],
      [null, null],
    ];
    expect(answerOfPairs("slope", rows)).toBe(0.1);
    expect(answerOfPairs("covariance", rows, population)).toBe(
      answerOfPairs("covariance", pairs([1, 2, 3], [10, 20, 30]), population),
    );
    expect(answerOfPairs("correlation", rows)).toBe(1);
  });
  test("no spread: covariance 0, correlation and slope null", () => {
    const flat = pairs([0.1, 0.1, 0.1], [1, 2, 3]);
    expect(answerOfPairs("covariance", flat, sample)).toBe(0);
    expect(answerOfPairs("correlation", flat)).toBeNull();
    expect(answerOfPairs("slope", flat)).toBe(0);
    expect(answerOfPairs("slope", pairs([1, 2, 3], [0.1, 0.1, 0.1]))).toBeNull();
  });
  test("a sample of one has no covariance, a population of one has 0", () => {
    expect(answerOfPairs("covariance", [[7, 8]], sample)).toBeNull();
    expect(answerOfPairs("covariance", [[7, 8]], population)).toBe(0);
  });
  test("values of a line correlate by 1 or −1 exactly, whatever their size", () => {
    for (const factor of [1, -1, 3e-300, -7e300]) {
      const rows = [1, 2, 4, 8].map((x) => [x, x * factor]);
      expect(answerOfPairs("correlation", rows)).toBe(Math.sign(factor));
      expect(
        answerOfPairs(
          "slope",
          rows.map((row) => row.toReversed()),
        ),
      ).toBe(factor);
    }
  });
  test("decimals count by value, beside integers and doubles", () => {
    const rows = pairs([10000n, 20000n, 40000n], [3n, 5n, 9n]);
    // argument_0 is a decimal with four fraction digits: 1, 2 and 4.
    expect(answerOfPairs("slope", rows, {}, ["decimal", "int64"])).toBe(0.5);
    expect(answerOfPairs("covariance", rows, population, ["decimal", "int64"])).toBe(28 / 9);
    const turned = rows.map((row) => row.toReversed());
    expect(answerOfPairs("slope", turned, {}, ["int64", "decimal"])).toBe(2);
  });
});
