import { scalarFunction } from "../../src/expr/scalar-functions.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { batchOf } from "../../src/columns/batch.ts";
import { bindExpression } from "../../src/expr/bind.ts";
import { exp, log, log10, log1p, log2, pow } from "../../src/expr/fdlibm.ts";
import { edgesText } from "../../src/expr/functions/math.ts";
import { callExpression, columnExpression } from "../../src/expr/tree.ts";
import type { CallOptions, ColumnSpec, SourceSpec, Value } from "../../src/specs.ts";
import { anyValue, column } from "../support/any-value.ts";
import { strictMath } from "./support/strict-math.ts";

const numbers: readonly ColumnSpec[] = [
  column("x", "int32"),
  column("x", "int64"),
  column("x", "float64"),
  column("x", "decimal", { precision: 38, scale: 2 }),
  column("x", "decimal", { precision: 38, scale: 12 }),
];

function valueOf({ type }: ColumnSpec): fc.Arbitrary<Value> {
  return fc.oneof(
    fc.option(anyValue(type)),
    fc.integer({ min: -30_000, max: 30_000 }).map((n): Value => {
      if (type === "float64") return n / 1000;
      return type === "int32" ? n : BigInt(n);
    }),
  );
}

/** Compares the kernel with the oracle over values of all types of numbers. */
function check(name: string, options: fc.Arbitrary<CallOptions>): void {
  const some = fc
    .constantFrom(...numbers)
    .chain((x) => fc.tuple(fc.constant(x), valueOf(x), options));
  fc.assert(
    fc.property(some, ([x, value, given]) => {
      const call = callExpression(scalarFunction(name), [columnExpression(x)], given);
      const node = { ...call, arguments: [columnNode(x)] };
      const source = { columns: [x] } as unknown as SourceSpec;
      const answer = bindExpression(call, batchOf([x], [[value]]), { count: 0 })(0);
      expect(Object.is(answer, evaluate(node, source, [value]))).toBe(true);
    }),
    { numRuns: 2000 },
  );
}

describe("kernels of one number answer what the oracle answers, bit for bit", () => {
  test.each(["neg", "abs", "sign", "floor", "ceil", "sqrt"])("%s", (name) => {
    check(name, fc.constant({}));
  });
  test("round", () => {
    check(
      "round",
      fc.integer({ min: 0, max: 18 }).map((digits) => ({ digits })),
    );
  });
  test("binOf", () => {
    check(
      "binOf",
      fc
        .uniqueArray(fc.integer({ min: -3000, max: 3000 }), { minLength: 1, maxLength: 5 })
        .map((edges) => ({ edges: edgesText(edges.map((n) => n / 100).sort((a, b) => a - b)) })),
    );
  });
});

/** The vectors are of Java's StrictMath, which is fdlibm 5.3. */
test("logarithms, powers and the exponential function have the bits of fdlibm", () => {
  const same = (a: number, b: number): boolean =>
    Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b));
  const wrong = strictMath.filter(([x, y, ofExp, ofLog, ofLog10, ofLog1p, ofPow]) => {
    const positive = Math.abs(x);
    return !(
      same(exp(x), ofExp) &&
      (positive === 0 || (same(log(positive), ofLog) && same(log10(positive), ofLog10))) &&
      (x <= -1 || same(log1p(x), ofLog1p)) &&
      same(pow(x, y), ofPow)
    );
  });
  expect(wrong).toEqual([]);
  // V8 takes log2 from the same family.
  for (const [x] of strictMath) if (x !== 0) expect(log2(Math.abs(x))).toBe(Math.log2(Math.abs(x)));
  expect(exp(1)).toBe(2.7182818284590455);
});
