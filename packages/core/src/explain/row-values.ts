/** Values of expressions over rows, one row after the other. */
import { boundExpression } from "../expr/bind.ts";
import { columnIndex } from "../rows/row-change.ts";
import type { Expression, SourceSpec, Value } from "../specs.ts";

/** A row by the index of its source's columns. */
export interface ValuesRow {
  readonly values: readonly Value[];
}

/** The rows for which the condition is true; without one, all. */
export function passing<Row extends ValuesRow>(
  source: SourceSpec,
  condition: Expression | null,
  rows: readonly Row[],
): readonly Row[] {
  if (condition === null) return rows;
  const truth = valuesOf(source, condition, rows);
  return rows.filter((_, i) => truth[i] === true);
}

/** The values of an expression, one for each row. */
export function valuesOf(
  source: SourceSpec,
  expression: Expression,
  rows: readonly ValuesRow[],
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
