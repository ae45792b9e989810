/** Evaluates expressions over the vectors of a batch. */
import { valueAt, vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import type { Overflows } from "../columns/overflows.ts";
import type { Expression } from "../specs.ts";
import type { BoundArgument, Reader } from "./scalar-function.ts";
import { scalarFunction } from "./scalar-functions.ts";

/**
 * Binds a condition to a batch. The filter returns true only where the condition is true, neither
 * false nor unknown (law 9: only true passes a filter).
 */
export function bindFilter(
  condition: Expression,
  batch: Batch,
  overflows: Overflows,
): (row: number) => boolean {
  const truth = bindExpression(condition, batch, overflows);
  return (row) => truth(row) === true;
}

/** Binds two conditions that a row must both meet. null: there is none. */
export function bindFilters(
  first: Expression | null,
  second: Expression | null,
  batch: Batch,
  overflows: Overflows,
): ((row: number) => boolean) | null {
  const one = first === null ? null : bindFilter(first, batch, overflows);
  if (second === null) return one;
  const other = bindFilter(second, batch, overflows);
  return one === null ? other : (row) => one(row) && other(row);
}

/** Binds an expression to a batch. The reader returns its value at a row. */
export function bindExpression(expression: Expression, batch: Batch, overflows: Overflows): Reader {
  return boundExpression(expression, (name) => columnReader(name, batch), overflows);
}

function columnReader(column: string, batch: Batch): Reader {
  const index = batch.columns.findIndex(({ name }) => name === column);
  if (index < 0) throw new TypeError(`the batch has no column ${column}`);
  const vector = batch.vectors[index]!;
  if (vector.kind !== "float64") return (row) => valueAt(vector, row);
  return (row) => {
    const value = valueAt(vector, row);
    // No answer is −0 (law 3).
    return value === 0 ? 0 : value;
  };
}

/**
 * Binds an expression whose columns have these readers. `timeOf` gives the time that a row is
 * answered at, µs; null for expressions of rows, which do not know the time.
 */
export function boundExpression(
  expression: Expression,
  columnNamed: (name: string) => Reader,
  overflows: Overflows,
  timeOf: ((row: number) => number) | null = null,
): Reader {
  switch (expression.op) {
    case "column":
      return columnNamed(expression.name);
    case "literal": {
      const { value } = expression;
      return () => value;
    }
    case "call":
      return scalarFunction(expression.function).kernel(
        expression.arguments.map((argument): BoundArgument => ({
          spec: argument,
          read: boundExpression(argument, columnNamed, overflows, timeOf),
          constant: argument.op === "literal" ? argument.value : undefined,
        })),
        { call: expression, overflows, timeOf },
      );
  }
}

/**
 * The values of an expression at all rows of a batch. Those of a column are the batch's own vector.
 */
export function expressionVector(
  expression: Expression,
  batch: Batch,
  overflows: Overflows,
): Vector {
  if (expression.op === "column") {
    const index = batch.columns.findIndex(({ name }) => name === expression.name);
    if (index < 0) throw new TypeError(`the batch has no column ${expression.name}`);
    return batch.vectors[index]!;
  }
  const read = bindExpression(expression, batch, overflows);
  const builder = vectorBuilder({ ...expression, name: "", database: "" }, batch.length);
  for (let row = 0; row < batch.length; row++) builder.push(read(row));
  return builder.finish();
}
