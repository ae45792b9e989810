/** Finds the columns that a feature reads. */
import type { Expression } from "../specs.ts";

/** Names of the columns that a feature reads, in its column and its condition. */
export function columnsOf(feature: {
  readonly column: string | null;
  readonly where: Expression | null;
}): readonly string[] {
  return [
    ...(feature.column === null ? [] : [feature.column]),
    ...(feature.where === null ? [] : columnsOfExpression(feature.where)),
  ];
}

function columnsOfExpression(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.terms.flatMap(columnsOfExpression);
    case "not":
      return columnsOfExpression(expression.term);
    default:
      return [expression.column];
  }
}
