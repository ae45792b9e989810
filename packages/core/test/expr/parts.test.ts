/** Functions of lists, maps and structs, compared with the oracle. */
import fc from "fast-check";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { sameBits } from "@tidemark/testkit/oracle/values";
import { expect, test } from "vitest";
import { bindExpression } from "../../src/expr/bind.ts";
import { batchOf } from "../../src/columns/batch.ts";
import { scalarFunction } from "../../src/expr/scalar-functions.ts";
import { callExpression, columnExpression } from "../../src/expr/tree.ts";
import type { CallOptions, ColumnSpec, TypeSpec, Value } from "../../src/specs.ts";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

const numbers = ["int32", "int64", "float64", "decimal"] as const;
const ordered = VALUE_TYPES.filter((type) => type !== "json");

const partOf = (type: (typeof VALUE_TYPES)[number], nullable: boolean): TypeSpec => ({
  type,
  nullable,
  ...(type === "decimal" ? { precision: 38, scale: 4 } : {}),
});

/** Evaluates a call by the kernel and by the oracle, and compares the two. */
function check(
  name: string,
  columns: readonly ColumnSpec[],
  row: readonly Value[],
  options: CallOptions = {},
): void {
  const named = columns.map((one, i) => ({ ...one, name: `c${i}` }));
  const call = callExpression(scalarFunction(name), named.map(columnExpression), options);
  const batch = batchOf(named, [row]);
  const answer = bindExpression(call, batch, { count: 0 })(0);
  const expected = evaluate(call, { columns: named }, row);
  if (!sameBits(answer, expected))
    throw new Error(`${name}: ${String(answer)}, the oracle says ${String(expected)}`);
  expect(answer !== null || call.nullable).toBe(true);
}

const element = (type: (typeof VALUE_TYPES)[number]): fc.Arbitrary<Value> =>
  fc.oneof(
    fc.option(anyValue(type)),
    fc.integer({ min: -2, max: 2 }).map((n): Value => {
      if (type === "int64" || type === "decimal") return BigInt(n);
      return type === "int32" || type === "float64" ? n : null;
    }),
  );
const list = (type: (typeof VALUE_TYPES)[number]): fc.Arbitrary<Value> =>
  fc.option(fc.array(element(type), { maxLength: 6 }), { freq: 9 });
const listColumn = (type: (typeof VALUE_TYPES)[number]): ColumnSpec =>
  column("list", "list", { element: partOf(type, true) });

test.each([
  ["sumOf", {}],
  ["avgOf", {}],
  ["slopeOf", {}],
  ["stddevOf", { over: "sample" }],
  ["stddevOf", { over: "population" }],
  ["quantileOf", { q: 0.3 }],
] as const)("%s %o of lists of numbers", (name, options) => {
  for (const type of numbers)
    fc.assert(
      fc.property(list(type), (value) => {
        check(name, [listColumn(type)], [value], options);
      }),
      { numRuns: 300 },
    );
});

test.each(["minOf", "maxOf"])("%s of lists of ordered values", (name) => {
  for (const type of ordered)
    fc.assert(
      fc.property(list(type), (value) => {
        check(name, [listColumn(type)], [value]);
      }),
      { numRuns: 100 },
    );
});

test("contains an element, and valueAt a key", () => {
  const pairs = fc
    .tuple(fc.constantFrom(...ordered), fc.constantFrom(...ordered))
    .map(([a, b]) =>
      numbers.includes(a as never) && numbers.includes(b as never) ? [a, b] : [a, a],
    )
    .chain(([a, b]) => fc.tuple(fc.constant([a!, b!] as const), list(a!), element(b!)));
  fc.assert(
    fc.property(pairs, ([[a, b], elements, sought]) => {
      check("contains", [listColumn(a), column("sought", b)], [elements, sought]);
      const there = ((elements ?? []) as readonly Value[]).filter((one) => one !== null);
      const map = column("map", "map", { keys: partOf(a, false), values: partOf("int32", true) });
      const entries = there.map((key, i): Value => [key, i % 3 === 0 ? null : i]);
      check("valueAt", [map, column("sought", b)], [entries.slice(0, 1), sought]);
    }),
    { numRuns: 1000 },
  );
});

test("elementOf takes an index from either end, and member a name", () => {
  fc.assert(
    fc.property(list("string"), fc.integer({ min: -7, max: 7 }), (value, index) => {
      check("elementOf", [listColumn("string")], [value], { index });
    }),
  );
  const fields = [
    { ...partOf("int64", true), name: "a" },
    { ...partOf("string", true), name: "b" },
  ];
  const struct = column("struct", "struct", { fields });
  check("member", [struct], [[5n, null]], { name: "a" });
  check("member", [struct], [[5n, null]], { name: "b" });
  check("member", [struct], [null], { name: "a" });
});

test("a list with nulls does not contain an absent value", () => {
  const columns = [listColumn("string"), column("sought", "string")];
  const call = callExpression(scalarFunction("contains"), columns.map(columnExpression));
  const read = bindExpression(call, batchOf(columns, [[["a", null], "b"]]), { count: 0 });
  expect(read(0)).toBe(false);
});

test("the sum of a list saturates, and is counted", () => {
  const call = callExpression(scalarFunction("sumOf"), [columnExpression(listColumn("int64"))]);
  const overflows = { count: 0 };
  const batch = batchOf([listColumn("int64")], [[[2n ** 63n - 1n, 1n]]]);
  expect(bindExpression(call, batch, overflows)(0)).toBe(2n ** 63n - 1n);
  expect(overflows.count).toBe(1);
});
