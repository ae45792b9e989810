/** Conditions over vectors (law 9: SQL's three-valued logic, only true passes a filter). */
import type { Expression, Value } from "../specs.ts";
import { valueAt, type Batch } from "./batch.ts";
import { compareValues } from "./compare.ts";

/** The truth of a condition for one row; null is unknown. */
type TruthValue = true | false | null;

/**
 * Binds a condition to a batch. The filter returns true only where the condition is true, neither
 * false nor unknown.
 */
export function bindFilter(expression: Expression, batch: Batch): (row: number) => boolean {
  const truth = bindExpression(expression, batch);
  return (row) => truth(row) === true;
}

function bindExpression(expression: Expression, batch: Batch): (row: number) => TruthValue {
  switch (expression.kind) {
    case "compare": {
      const [read, type] = columnReader(batch, expression.column);
      const wanted = expression.value;
      const holds = comparison(expression.op);
      return (row) => {
        const value = read(row);
        return value === null || wanted === null ? null : holds(compareValues(type, value, wanted));
      };
    }
    case "in": {
      const [read, type] = columnReader(batch, expression.column);
      const unknown = expression.values.includes(null);
      const wanted = expression.values.filter((value) => value !== null);
      return (row) => {
        const value = read(row);
        if (value === null) return expression.values.length === 0 ? false : null;
        if (wanted.some((one) => compareValues(type, value, one) === 0)) return true;
        return unknown ? null : false;
      };
    }
    case "null": {
      const [read] = columnReader(batch, expression.column);
      return (row) => (read(row) === null) !== expression.not;
    }
    case "and":
    case "or": {
      const decides = expression.kind === "or";
      const terms = expression.terms.map((term) => bindExpression(term, batch));
      return (row) => {
        let result: TruthValue = !decides;
        for (const term of terms) {
          const truth = term(row);
          if (truth === decides) return decides;
          if (truth === null) result = null;
        }
        return result;
      };
    }
    case "not": {
      const term = bindExpression(expression.term, batch);
      return (row) => {
        const truth = term(row);
        return truth === null ? null : !truth;
      };
    }
  }
}

function columnReader(batch: Batch, name: string) {
  const index = batch.columns.findIndex((one) => one.name === name);
  if (index < 0) throw new TypeError(`the batch has no column ${name}`);
  const vector = batch.vectors[index]!;
  const read = (row: number): Value => valueAt(vector, row);
  return [read, batch.columns[index]!.type] as const;
}

function comparison(op: "=" | "<>" | "<" | "<=" | ">" | ">="): (order: number) => boolean {
  switch (op) {
    case "=":
      return (order) => order === 0;
    case "<>":
      return (order) => order !== 0;
    case "<":
      return (order) => order < 0;
    case "<=":
      return (order) => order <= 0;
    case ">":
      return (order) => order > 0;
    case ">=":
      return (order) => order >= 0;
  }
}
