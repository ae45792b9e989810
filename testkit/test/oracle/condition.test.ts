import { expect, test } from "vitest";
import { truth } from "../../src/oracle/condition.ts";
import { columnNode, comparedColumn, conditionNode } from "../../src/generate/expressions.ts";
import type { ColumnSpec, Expression, Value } from "../../../packages/core/src/specs.ts";
import { payments } from "./small-log.ts";

const holds = (expression: Expression, amount: Value, note: Value = "x"): boolean | null =>
  truth(expression, payments, [1n, "a", 0, amount, note, null]);
const named = (name: string): ColumnSpec => payments.columns.find((one) => one.name === name)!;
const amount = named("amount");
const is = (name: string, value: Value): Expression => comparedColumn(name, amount, value);

test("a comparison with null is unknown", () => {
  expect([
    holds(is("eq", 1), 1),
    holds(is("eq", 1), 2),
    holds(is("eq", 1), null),
    holds(is("ne", 1), null),
    holds(is("eq", null), null),
  ]).toEqual([true, false, null, null, null]);
});

test("comparisons go by value", () => {
  expect([
    holds(is("eq", -0), 0),
    holds(is("lt", 2), 1),
    holds(is("lte", 1), 1),
    holds(is("gt", 1), 1),
    holds(is("gte", 1), 1),
    holds(is("ne", 1), 2),
  ]).toEqual([true, true, true, false, true, true]);
  const after: Expression = comparedColumn("gt", named("note"), "\uFFFD");
  expect(holds(after, 1, "😀")).toBe(true);
});

test("in with a null in its list is true or unknown, never false", () => {
  const among = (...values: Value[]): Expression => comparedColumn("inList", amount, ...values);
  expect([
    holds(among(1, null), 1),
    holds(among(2, null), 1),
    holds(among(2), 1),
    holds(among(2), null),
  ]).toEqual([true, null, false, null]);
});

test("and, or and not are Kleene's", () => {
  const [yes, no, unknown] = [
    is("eq", 1),
    is("eq", 2),
    comparedColumn("eq", named("created"), 0),
  ] as const satisfies Expression[];
  const both = (...terms: Expression[]): boolean | null => holds(conditionNode("and", ...terms), 1);
  const either = (...terms: Expression[]): boolean | null =>
    holds(conditionNode("or", ...terms), 1);
  expect([both(yes, unknown), both(no, unknown), both(yes, yes)]).toEqual([null, false, true]);
  expect([either(yes, unknown), either(no, unknown), either(no, no)]).toEqual([true, null, false]);
  expect([holds(conditionNode("not", unknown), 1), holds(conditionNode("not", no), 1)]).toEqual([
    null,
    true,
  ]);
});

test("is null is never unknown", () => {
  expect([
    holds(conditionNode("isNull", columnNode(amount)), null),
    holds(conditionNode("isNotNull", columnNode(amount)), null),
    holds(conditionNode("isNotNull", columnNode(amount)), 1),
  ]).toEqual([true, false, true]);
});
