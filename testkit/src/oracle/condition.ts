/**
 * Evaluates conditions in SQL's three-valued logic (law 9: only true passes a filter). null is
 * "unknown".
 */
import type { Expression, SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import { compare } from "./values.ts";

/** Evaluates a condition over a row. */
export function truth(
  expression: Expression,
  source: SourceSpec,
  values: readonly Value[],
): boolean | null {
  switch (expression.kind) {
    case "and":
    case "or": {
      const decisive = expression.kind === "or";
      const terms = expression.terms.map((term) => truth(term, source, values));
      return terms.includes(decisive) ? decisive : terms.includes(null) ? null : !decisive;
    }
    case "not": {
      const term = truth(expression.term, source, values);
      return term === null ? null : !term;
    }
    case "null":
      return (cell(expression.column, source, values) === null) !== expression.not;
    case "compare":
      return comparison(expression.op, expression.column, expression.value, source, values);
    case "in": {
      const terms = expression.values.map((value) =>
        comparison("=", expression.column, value, source, values),
      );
      return terms.includes(true) ? true : terms.includes(null) ? null : false;
    }
  }
}

function comparison(
  op: string,
  column: string,
  value: Value,
  source: SourceSpec,
  values: readonly Value[],
): boolean | null {
  const left = cell(column, source, values);
  if (left === null || value === null) return null;
  const order = compare(source.columns.find((c) => c.name === column)!.type, left, value);
  switch (op) {
    case "=":
      return order === 0;
    case "<>":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}

function cell(column: string, source: SourceSpec, values: readonly Value[]): Value {
  return values[source.columns.findIndex((c) => c.name === column)] ?? null;
}
