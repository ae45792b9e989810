import { expect, test } from "vitest";
import { truth } from "../../src/oracle/condition.ts";
import type { Expression, Value } from "../../../packages/core/src/specs.ts";
import { payments } from "./small-log.ts";

const holds = (expression: Expression, amount: Value, note: Value = "x"): boolean | null =>
  truth(expression, payments, [1n, "a", 0, amount, note, null]);
const is = (op: "=" | "<>" | "<" | "<=" | ">" | ">=", value: Value): Expression => ({
  kind: "compare",
  op,
  column: "amount",
  value,
});

test("a comparison with null is unknown", () => {
  expect([
    holds(is("=", 1), 1),
    holds(is("=", 1), 2),
    holds(is("=", 1), null),
    holds(is("<>", 1), null),
    holds(is("=", null), null),
  ]).toEqual([true, false, null, null, null]);
});

test("comparisons go by value", () => {
  expect([
    holds(is("=", -0), 0),
    holds(is("<", 2), 1),
    holds(is("<=", 1), 1),
    holds(is(">", 1), 1),
    holds(is(">=", 1), 1),
    holds(is("<>", 1), 2),
  ]).toEqual([true, true, true, false, true, true]);
  const after: Expression = { kind: "compare", op: ">", column: "note", value: "\uFFFD" };
  expect(holds(after, 1, "😀")).toBe(true);
});

test("in with a null in its list is true or unknown, never false", () => {
  const among = (...values: Value[]): Expression => ({ kind: "in", column: "amount", values });
  expect([
    holds(among(1, null), 1),
    holds(among(2, null), 1),
    holds(among(2), 1),
    holds(among(2), null),
  ]).toEqual([true, null, false, null]);
});

test("and, or and not are Kleene's", () => {
  const [yes, no, unknown] = [
    is("=", 1),
    is("=", 2),
    { kind: "compare", op: "=", column: "created", value: 0 },
  ] as const satisfies Expression[];
  const both = (...terms: Expression[]): boolean | null => holds({ kind: "and", terms }, 1);
  const either = (...terms: Expression[]): boolean | null => holds({ kind: "or", terms }, 1);
  expect([both(yes, unknown), both(no, unknown), both(yes, yes)]).toEqual([null, false, true]);
  expect([either(yes, unknown), either(no, unknown), either(no, no)]).toEqual([true, null, false]);
  expect([holds({ kind: "not", term: unknown }, 1), holds({ kind: "not", term: no }, 1)]).toEqual([
    null,
    true,
  ]);
});

test("is null is never unknown", () => {
  expect([
    holds({ kind: "null", column: "amount", not: false }, null),
    holds({ kind: "null", column: "amount", not: true }, null),
    holds({ kind: "null", column: "amount", not: true }, 1),
  ]).toEqual([true, false, true]);
});
