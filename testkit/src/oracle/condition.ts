/**
 * Evaluates expressions over a row, naively (law 9: SQL's three-valued logic, only true passes a
 * filter). null is "unknown". It shares only types with core.
 */
import type { Expression, Value } from "../../../packages/core/src/specs.ts";
import { answerOf } from "./functions.ts";

/** The columns of a row, by their indexes. */
interface NamedColumns {
  readonly columns: readonly { readonly name: string }[];
}

/** Evaluates a condition over a row. */
export function truth(
  expression: Expression,
  source: NamedColumns,
  values: readonly Value[],
): boolean | null {
  return evaluate(expression, source, values) as boolean | null;
}

/** Evaluates an expression over a row, or over answers at the time `t`. */
export function evaluate(
  expression: Expression,
  source: NamedColumns,
  values: readonly Value[],
  t: number | null = null,
): Value {
  if (expression.op === "literal") return expression.value;
  if (expression.op === "column")
    return values[source.columns.findIndex((c) => c.name === expression.name)] ?? null;
  if (expression.function === "asOf") return t;
  const terms = expression.arguments.map((term) => evaluate(term, source, values, t));
  return answerOf(expression, terms);
}
