import { scalarFunction } from "../../src/expr/scalar-functions.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callNode, columnNode, conditionNode } from "@tidemark/testkit/generate/expressions";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { batchOf } from "../../src/columns/batch.ts";
import { bindExpression, expressionVector } from "../../src/expr/bind.ts";
import { scalarFunctions } from "../../src/expr/scalar-functions.ts";
import { callExpression, columnExpression, typeSpecOf } from "../../src/expr/tree.ts";
import type { ColumnSpec, Expression, SourceSpec, Value } from "../../src/specs.ts";
import { anyValue, column } from "../support/any-value.ts";
import { runExample } from "./support/run-example.ts";

const numbers: readonly ColumnSpec[] = [
  column("int32", "int32"),
  column("int64", "int64"),
  column("bigint", "int64", { mode: "number" }),
  column("float64", "float64"),
  column("cents", "decimal", { precision: 38, scale: 2 }),
  column("exact", "decimal", { precision: 38, scale: 12 }),
  column("whole", "decimal", { precision: 38, scale: 0 }),
];
const anyNumber = fc.constantFrom(...numbers);
/** A value of the column; small ones are as likely as all others. */
const valueOf = ({ type }: ColumnSpec): fc.Arbitrary<Value> =>
  fc.oneof(
    fc.option(anyValue(type)),
    fc.integer({ min: -300, max: 300 }).map((n): Value => {
      if (type === "float64") return n / 8;
      return type === "int32" ? n : BigInt(n);
    }),
  );

function source(columns: readonly ColumnSpec[]): SourceSpec {
  return {
    name: "s",
    table: "s",
    columns,
    primaryKey: [],
    eventTime: { kind: "committed", since: null },
    createdAt: null,
  };
}

/** Says whether two values have the same bits. */
function sameBits(a: Value, b: Value): boolean {
  return Object.is(a, b);
}

/** Evaluates a call over a row, by the kernel and by the oracle, and compares the two. */
function checkRow(
  name: string,
  columns: readonly ColumnSpec[],
  row: readonly Value[],
  make: (terms: readonly Expression[]) => Expression,
): void {
  const named = columns.map((one, i) => ({ ...one, name: `c${i}` }));
  const call = callExpression(
    scalarFunction(name),
    named.map((one) => columnExpression(one)),
  );
  const node = make(named.map((one) => columnNode(one)));
  expect(typeSpecOf(call)).toEqual(typeSpecOf(node));
  const batch = batchOf(named, [row]);
  const answer = bindExpression(call, batch, { count: 0 })(0);
  const expected = evaluate(node, source(named), row);
  if (!sameBits(answer, expected))
    throw new Error(
      `${name} of ${columns.map(({ type, scale }) => `${type} ${scale ?? ""}`).join(", ")} ` +
        `at ${row.map(String).join(", ")}: ${String(answer)}, the oracle says ${String(expected)}`,
    );
  const { nullable, type, scale } = call;
  if (answer === null) expect(nullable || row.includes(null)).toBe(true);
  else expectHeld(answer, { type, scale });
}

/** A value is held as its type says: finite, in range, and not −0. */
function expectHeld(value: Value, { type }: Pick<ColumnSpec, "type" | "scale">): void {
  switch (type) {
    case "float64":
      expect(Number.isFinite(value) && !Object.is(value, -0)).toBe(true);
      break;
    case "int32":
      expect(value).toBe((value as number) | 0);
      break;
    case "int64":
      expect(value).toBe(BigInt.asIntN(64, value as bigint));
      break;
    case "decimal":
      expect((value as bigint) < 10n ** 38n && (value as bigint) > -(10n ** 38n)).toBe(true);
      break;
    default:
  }
}

const rowOf = (columns: readonly ColumnSpec[]): fc.Arbitrary<Value[]> =>
  fc.tuple(...columns.map(valueOf));

describe("kernels answer what the oracle answers, bit for bit", () => {
  test.each(["add", "sub", "mul", "div", "mod"])("%s of all pairs of numbers", (name) => {
    const two = fc
      .tuple(anyNumber, anyNumber)
      .chain((columns) => rowOf(columns).map((row) => [columns, row] as const));
    fc.assert(
      fc.property(two, ([columns, row]) => {
        checkRow(name, columns, row, (terms) => callNode(name, ...terms));
      }),
      { numRuns: 3000 },
    );
  });

  test.each(["eq", "ne", "lt", "lte", "gt", "gte", "inList"])(
    "%s of numbers of different types",
    (name) => {
      const two = fc
        .tuple(anyNumber, anyNumber)
        .chain((columns) => rowOf(columns).map((row) => [columns, row] as const));
      fc.assert(
        fc.property(two, ([columns, row]) => {
          checkRow(name, columns, row, (terms) => conditionNode(name, ...terms));
        }),
        { numRuns: 1000 },
      );
    },
  );

  test.each([
    ["coalesce", 2],
    ["least", 2],
    ["greatest", 2],
    ["nullIf", 2],
    ["clamp", 3],
  ] as const)("%s", (name, count) => {
    const holds = (first: ColumnSpec, other: ColumnSpec): boolean =>
      name === "nullIf" ||
      first.type === other.type ||
      first.type === "float64" ||
      (first.type === "int64" && other.type === "int32") ||
      (first.type === "decimal" && other.type !== "float64");
    const some = fc
      .array(anyNumber, { minLength: count, maxLength: count })
      .filter(([first, ...others]) => others.every((other) => holds(first!, other)))
      .chain((columns) => rowOf(columns).map((row) => [columns, row] as const));
    fc.assert(
      fc.property(some, ([columns, row]) => {
        checkRow(name, columns, row, (terms) => callNode(name, ...terms));
      }),
      { numRuns: 2000 },
    );
  });

  test("caseWhen", () => {
    const flag = column("flag", "boolean");
    const some = fc
      .tuple(fc.boolean(), fc.array(anyNumber, { minLength: 1, maxLength: 3 }))
      .map(([otherwise, values]) => {
        const pairs = values.flatMap((value) => [flag, value]);
        return otherwise ? [...pairs, values[0]!] : pairs;
      })
      .chain((columns) =>
        fc
          .tuple(
            ...columns.map((one) =>
              one === flag ? fc.constantFrom<Value>(true, false, null) : valueOf(one),
            ),
          )
          .map((row) => [columns, row] as const),
      );
    fc.assert(
      fc.property(some, ([columns, row]) => {
        checkRow("caseWhen", columns, row, (terms) => callNode("caseWhen", ...terms));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("examples of the functions", () => {
  test.each(scalarFunctions.map((one) => one.example))("%s = %s", (call, answer) => {
    expect(runExample(call)).toBe(answer);
  });
});

test("an overflow saturates and is counted", () => {
  const [a, b] = [column("a", "int64"), column("b", "int64")];
  const sum = callExpression(scalarFunction("add"), [columnExpression(a), columnExpression(b)]);
  const overflows = { count: 0 };
  const batch = batchOf(
    [a, b],
    [
      [2n ** 63n - 1n, 1n],
      [1n, 1n],
    ],
  );
  const vector = expressionVector(sum, batch, overflows);
  expect([vector.kind, ...(vector.kind === "int64" ? vector.values : [])]).toEqual([
    "int64",
    2n ** 63n - 1n,
    2n,
  ]);
  expect(overflows.count).toBe(1);
});
