/** Values of expressions over the rows of a mock store. */
import { boundExpression } from "../../expr/bind.ts";
import { columnIndex } from "../../rows/row-change.ts";
import type { Expression, SourceSpec, Value } from "../../specs.ts";
import type { KnownRow } from "./known-rows.ts";

/** The rows for which the condition is true; without one, all. */
export function passing(
  source: SourceSpec,
  condition: Expression | null,
  rows: readonly KnownRow[],
): readonly KnownRow[] {
  if (condition === null) return rows;
  const truth = valuesOf(source, condition, rows);
  return rows.filter((_, i) => truth[i] === true);
}

/** The values of an expression, one for each row. */
export function valuesOf(
  source: SourceSpec,
  expression: Expression,
  rows: readonly KnownRow[],
): readonly Value[] {
  const read = boundExpression(
    expression,
    (name) => {
      const index = columnIndex(source, name);
      return (row) => {
        const value = rows[row]!.values[index]!;
        // no answer is −0 (law 3)
        return value === 0 ? 0 : value;
      };
    },
    { count: 0 },
  );
  return rows.map((_, i) => read(i));
}
