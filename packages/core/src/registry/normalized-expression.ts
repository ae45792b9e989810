/** Makes the normalized form of an expression: equal for equal answers, as far as the tree says. */
import { scalarFunction } from "../expr/scalar-functions.ts";
import type { CallExpression, CallOptions, Expression } from "../specs.ts";
import { canonicalText, valueJson, type CanonicalJson } from "./canonical.ts";

type NamedColumn = (name: string) => CanonicalJson;

/** Makes the normalized form of an expression. `named` gives that of a column. */
export function normalizedExpression(expression: Expression, named: NamedColumn): CanonicalJson {
  switch (expression.op) {
    case "column":
      return { column: named(expression.name) };
    case "literal":
      return {
        literal: valueJson(expression.value),
        type: expression.type,
        scale: scale(expression),
      };
    case "call":
      return simpleCondition(expression, named) ?? normalizedCall(expression, named);
  }
}

/** The form of a feature's arguments. That of one column is as it was stored first. */
export function normalizedArguments(
  arguments_: readonly Expression[],
  named: NamedColumn,
): { readonly [name: string]: CanonicalJson } {
  const [first, second] = arguments_;
  if (first === undefined) return { column: null };
  if (first.op === "column" && second === undefined) return { column: named(first.name) };
  return { arguments: arguments_.map((one) => normalizedExpression(one, named)) };
}

function normalizedCall(call: CallExpression, named: NamedColumn): CanonicalJson {
  const terms = call.arguments.map((one) => normalizedExpression(one, named));
  if (call.function === "not") return { kind: "not", term: terms[0]! };
  if (scalarFunction(call.function).isSet === true)
    return { kind: call.function, terms: asSet(terms) };
  return {
    call: call.function,
    arguments: terms,
    ...(call.options === undefined ? {} : { options: withoutMode(call.options) }),
  };
}

/** The options of a call. The form in which users get its values is no part of its meaning. */
function withoutMode({ mode, ...options }: CallOptions): CanonicalJson {
  void mode;
  return options;
}

/**
 * The form of a condition on one column, as it was stored first; undefined for any other
 * call. Its values have the column's type.
 */
function simpleCondition(
  { function: name, arguments: [first, ...others] }: CallExpression,
  named: NamedColumn,
): CanonicalJson | undefined {
  if (first?.op !== "column") return undefined;
  const column = named(first.name);
  if (name === "isNull" || name === "isNotNull")
    return { kind: "null", column, not: name === "isNotNull" };
  const values: CanonicalJson[] = [];
  for (const other of others) {
    if (other.op !== "literal" || other.type !== first.type || scale(other) !== scale(first))
      return undefined;
    values.push(valueJson(other.value));
  }
  if (name === "inList") return { kind: "in", column, values: asSet(values) };
  const op = comparisons[name];
  return op === undefined ? undefined : { kind: "compare", op, column, value: values[0]! };
}

const comparisons: { readonly [name: string]: string | undefined } = {
  eq: "=",
  ne: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};

function scale(expression: Expression): number | null {
  return expression.type === "decimal" ? (expression.scale ?? 0) : null;
}

/** Sorts values and removes duplicates, because their order does not matter. */
function asSet(values: readonly CanonicalJson[]): CanonicalJson {
  return [
    ...new Map(
      values
        .map((value) => [canonicalText(value), value] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ).values(),
  ];
}
