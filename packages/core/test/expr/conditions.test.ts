import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { bindFilter } from "../../src/expr/bind.ts";
import type { Expression, ValueType, SourceSpec, Value } from "../../src/specs.ts";
import {
  columnNode,
  comparedColumn,
  comparisons,
  conditionNode,
} from "@tidemark/testkit/generate/expressions";
import { truth } from "@tidemark/testkit/oracle/condition";
import { anyValue, column, VALUE_TYPES } from "../support/any-value.ts";

const columns = [column("a", "boolean"), column("b", "boolean")];
const cases: readonly Value[] = [true, false, null];
const is = (name: string): Expression => comparedColumn("eq", column(name, "boolean"), true);

/**
 * The truth of a condition for a row.
 * A filter only separates true from the rest, so its negation is asked too.
 */
function truthOf(expression: Expression, row: readonly Value[], of = columns): boolean | null {
  const batch = batchOf(of, [row]);
  const [yes, no] = [
    bindFilter(expression, batch, { count: 0 })(0),
    bindFilter(conditionNode("not", expression), batch, { count: 0 })(0),
  ];
  expect(yes && no).toBe(false);
  return yes ? true : no ? false : null;
}

describe("SQL's three-valued logic", () => {
  test("not", () => {
    expect(cases.map((a) => truthOf(conditionNode("not", is("a")), [a, null]))).toEqual([
      false,
      true,
      null,
    ]);
  });

  test("and", () => {
    const table = cases.map((a) =>
      cases.map((b) => truthOf(conditionNode("and", is("a"), is("b")), [a, b])),
    );
    expect(table).toEqual([
      [true, false, null],
      [false, false, false],
      [null, false, null],
    ]);
  });

  test("or", () => {
    const table = cases.map((a) =>
      cases.map((b) => truthOf(conditionNode("or", is("a"), is("b")), [a, b])),
    );
    expect(table).toEqual([
      [true, true, true],
      [true, false, null],
      [true, null, null],
    ]);
  });

  test("no terms at all: and is true, or is false", () => {
    expect([
      truthOf(conditionNode("and"), [null, null]),
      truthOf(conditionNode("or"), [null, null]),
    ]).toEqual([true, false]);
  });

  test("is null is never unknown", () => {
    expect(
      cases.map((a) =>
        truthOf(conditionNode("isNull", columnNode(column("a", "boolean"))), [a, null]),
      ),
    ).toEqual([false, false, true]);
    expect(
      cases.map((a) =>
        truthOf(conditionNode("isNotNull", columnNode(column("a", "boolean"))), [a, null]),
      ),
    ).toEqual([true, true, false]);
  });

  test("a list with null is true for a value in it, else unknown", () => {
    const among = (values: readonly Value[]): Expression =>
      comparedColumn("inList", column("a", "boolean"), ...values);
    expect(cases.map((a) => truthOf(among([true, null]), [a, null]))).toEqual([true, null, null]);
    expect(cases.map((a) => truthOf(among([true]), [a, null]))).toEqual([true, false, null]);
    expect(cases.map((a) => truthOf(among([]), [a, null]))).toEqual([false, false, false]);
  });

  test("a comparison with null is unknown", () => {
    expect(
      cases.map((a) => truthOf(comparedColumn("ne", column("a", "boolean"), null), [a, null])),
    ).toEqual([null, null, null]);
  });
});

test("only true passes", () => {
  const batch = batchOf(
    columns,
    cases.map((a) => [a, null]),
  );
  const passes = bindFilter(is("a"), batch, { count: 0 });
  expect([0, 1, 2].map(passes)).toEqual([true, false, false]);
});

describe("values compare by the one order of values (law 3)", () => {
  test.each<[ValueType, Value, Value]>([
    ["float64", -0, 0],
    ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    ["int64", 2n ** 60n + 1n, 2n ** 60n + 1n],
  ])("%s %s equals %s", (kind: ValueType, a: Value, b: Value) => {
    expect(truthOf(comparedColumn("eq", column("x", kind), b), [a], [column("x", kind)])).toBe(
      true,
    );
    expect(truthOf(comparedColumn("inList", column("x", kind), b), [a], [column("x", kind)])).toBe(
      true,
    );
  });

  test.each<[ValueType, Value, Value]>([
    ["string", "\uFFFD", "😀"],
    ["string", "10", "9"],
    ["bytes", new Uint8Array([0]), new Uint8Array([0, 0])],
    ["boolean", false, true],
    ["int64", 2n ** 53n, 2n ** 53n + 1n],
  ])("%s %s is below %s", (kind: ValueType, a: Value, b: Value) => {
    for (const [op, expected] of [
      ["lt", true],
      ["lte", true],
      ["gt", false],
      ["gte", false],
      ["eq", false],
      ["ne", true],
    ] as const) {
      expect(truthOf(comparedColumn(op, column("x", kind), b), [a], [column("x", kind)])).toBe(
        expected,
      );
    }
  });
});

test("any condition equals a slow evaluator on any row", () => {
  const table = VALUE_TYPES.map((kind) => column(`${kind}_x`, kind));
  const source: SourceSpec = {
    name: "s",
    table: "s",
    columns: table,
    primaryKey: ["int64_x"],
    eventTime: { kind: "committed", since: null },
    createdAt: null,
  };
  const row = fc.tuple(...VALUE_TYPES.map((kind) => fc.option(anyValue(kind))));
  const leaf = fc
    .integer({ min: 0, max: VALUE_TYPES.length - 1 })
    .chain((c): fc.Arbitrary<Expression> => {
      const x = table[c]!;
      const value = fc.option(anyValue(x.type));
      return fc.oneof(
        fc
          .tuple(fc.constantFrom(...comparisons), value)
          .map(([name, other]) => comparedColumn(name, x, other)),
        fc.array(value, { maxLength: 4 }).map((values) => comparedColumn("inList", x, ...values)),
        fc.constantFrom("isNull", "isNotNull").map((name) => conditionNode(name, columnNode(x))),
      );
    });
  const { condition } = fc.letrec<{ condition: Expression }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc
        .tuple(fc.constantFrom("and", "or"), fc.array(tie("condition"), { maxLength: 3 }))
        .map(([name, terms]) => conditionNode(name, ...terms)),
      tie("condition").map((term) => conditionNode("not", term)),
    ),
  }));
  fc.assert(
    fc.property(condition, fc.array(row, { minLength: 1, maxLength: 5 }), (expression, rows) => {
      const passes = bindFilter(expression, batchOf(table, rows), { count: 0 });
      expect(rows.map((_, i) => passes(i))).toEqual(
        rows.map((values) => truth(expression, source, values) === true),
      );
    }),
    { numRuns: 2000 },
  );
});

test("a column that the batch lacks is named", () => {
  expect(() => bindFilter(is("c"), batchOf(columns, []), { count: 0 })).toThrow("no column c");
});
