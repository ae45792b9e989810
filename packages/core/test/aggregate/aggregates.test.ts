import { expect, test } from "vitest";
import { bindKernel } from "../../src/aggregate/bind.ts";
import { batchOf } from "../../src/columns/batch.ts";
import type { AggregateName, ColumnSpec, FeatureSpec, Value } from "../../src/specs.ts";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { column } from "../support/any-value.ts";

const feature = (name: AggregateName, input: ColumnSpec | null): FeatureSpec => ({
  name,
  aggregate: name,
  arguments: input === null ? [] : [columnNode(input)],
  window: 1,
  where: null,
  default: undefined,
  result: column(name, "int64"),
});

function answer(
  name: AggregateName,
  input: ColumnSpec,
  values: readonly Value[],
): { readonly value: Value; readonly overflow: boolean } {
  const overflows = { count: 0 };
  const bound = bindKernel(
    feature(name, input),
    batchOf(
      [input],
      values.map((value) => [value]),
    ),
    overflows,
  );
  bound.reset();
  values.forEach((_, row) => {
    bound.add(Int32Array.of(row), 1);
  });
  return { value: bound.finish(0), overflow: overflows.count > 0 };
}

test("count() counts rows, count(column) those that have a value", () => {
  const rows = batchOf([column("x", "int32")], [[1], [null], [3]]);
  const all = bindKernel(feature("count", null), rows, { count: 0 });
  const there = bindKernel(feature("count", column("x", "int32")), rows, { count: 0 });
  for (const bound of [all, there]) for (const row of [0, 1, 2]) bound.add(Int32Array.of(row), 1);
  expect([all.finish(0), there.finish(0)]).toEqual([3n, 2n]);
});

test("over an empty window counts and sums are 0, the others null", () => {
  for (const values of [[], [null, null]]) {
    expect(
      ["count", "countDistinct", "sum", "avg", "min", "max"].map(
        (name) => answer(name as AggregateName, column("x", "float64"), values).value,
      ),
    ).toStrictEqual([0n, 0n, 0, null, null, null]);
    expect(answer("sum", column("x", "decimal"), values).value).toBe(0n);
  }
});

test("a sum outside its type is the largest value of the type, and counted", () => {
  const max = 2n ** 63n - 1n;
  expect(answer("sum", column("x", "int64"), [max, 1n])).toEqual({ value: max, overflow: true });
  expect(answer("sum", column("x", "int64"), [max, 1n, -1n])).toEqual({
    value: max,
    overflow: false,
  });
  expect(answer("sum", column("x", "int64"), [-max, -2n])).toEqual({
    value: -max - 1n,
    overflow: true,
  });
  expect(answer("sum", column("x", "decimal"), [10n ** 38n - 1n, 1n])).toEqual({
    value: 10n ** 38n - 1n,
    overflow: true,
  });
  expect(answer("sum", column("x", "float64"), [1e308, 1e308])).toEqual({
    value: Number.MAX_VALUE,
    overflow: true,
  });
  expect(answer("sum", column("x", "float64"), [-1e308, -1e308])).toEqual({
    value: -Number.MAX_VALUE,
    overflow: true,
  });
});

test("no answer is −0", () => {
  for (const name of ["sum", "avg", "min", "max"] as const) {
    expect(answer(name, column("x", "float64"), [-0]).value).toBe(0);
    expect(answer(name, column("x", "float64"), [-0, 0, -0]).value).toBe(0);
  }
  expect(answer("avg", column("x", "float64"), [-5e-324, -0, -0]).value).toBe(0);
});

test("the average divides the rounded sum once", () => {
  expect(answer("avg", column("x", "float64"), [0.1, 0.2, 0.3]).value).toBe(0.6 / 3);
  expect(answer("avg", column("x", "int64"), [9007199254740993n, 9007199254740993n]).value).toBe(
    18014398509481986 / 2,
  );
  expect(answer("avg", column("x", "decimal", { scale: 2 }), [1n, 2n]).value).toBe(0.03 / 2);
});

test("strings go by code point and bytes lexicographically", () => {
  expect(answer("max", column("x", "string"), ["\uFFFD", "😀"]).value).toBe("😀");
  expect(
    answer("min", column("x", "bytes"), [new Uint8Array([1]), new Uint8Array([0, 9])]).value,
  ).toEqual(new Uint8Array([0, 9]));
});

test("a bound aggregate may be reset and used again, and asked twice", () => {
  for (const [name, kind, values] of [
    ["sum", "float64", [1, 2]],
    ["avg", "int64", [1n, 2n]],
    ["min", "string", ["b", "a"]],
    ["countDistinct", "string", ["b", "b"]],
    ["countDistinct", "int32", [1, 1]],
    ["max", "timestamp", [5, 3]],
  ] as const) {
    const bound = bindKernel(
      feature(name, column("x", kind)),
      batchOf(
        [column("x", kind)],
        values.map((value) => [value]),
      ),
      { count: 0 },
    );
    for (const row of [0, 1]) bound.add(Int32Array.of(row), 1);
    const both = bound.finish(0);
    expect(bound.finish(0)).toBe(both);
    bound.reset();
    bound.add(Int32Array.of(1), 1);
    expect(bound.finish(0)).toBe(answer(name, column("x", kind), [values[1]]).value);
    bound.reset();
    for (const row of [1, 0]) bound.add(Int32Array.of(row), 1);
    expect(bound.finish(0)).toBe(both);
  }
});

test("latest is no aggregation over a window", () => {
  expect(() =>
    bindKernel(feature("latest", column("x", "int32")), batchOf([column("x", "int32")], []), {
      count: 0,
    }),
  ).toThrow("latest is no aggregation over a window");
});
