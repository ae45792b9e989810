/** Conditions over vectors, with SQL's three-valued logic (law 9): only true passes. */
import type { Expression, Value } from "../specs.ts";
import { valueAt, type Batch } from "./batch.ts";
import { compareValues } from "./compare.ts";

/** What a condition says of a row. */
type Truth = true | false | null;

/** True where the condition is true; not where it is false or unknown. */
export function bindFilter(expression: Expression, batch: Batch): (row: number) => boolean {
  const truth = bind(expression, batch);
  return (row) => truth(row) === true;
}

function bind(expression: Expression, batch: Batch): (row: number) => Truth {
  switch (expression.is) {
    case "compare": {
      const [read, kind] = column(batch, expression.column);
      const wanted = expression.value;
      const holds = comparison(expression.op);
      return (row) => {
        const value = read(row);
        return value === null || wanted === null ? null : holds(compareValues(kind, value, wanted));
      };
    }
    case "in": {
      const [read, kind] = column(batch, expression.column);
      const unknown = expression.values.includes(null);
      const wanted = expression.values.filter((value) => value !== null);
      return (row) => {
        const value = read(row);
        if (value === null) return expression.values.length === 0 ? false : null;
        if (wanted.some((one) => compareValues(kind, value, one) === 0)) return true;
        return unknown ? null : false;
      };
    }
    case "null": {
      const [read] = column(batch, expression.column);
      return (row) => (read(row) === null) !== expression.not;
    }
    case "and":
    case "or": {
      const decides = expression.is === "or";
      const terms = expression.terms.map((term) => bind(term, batch));
      return (row) => {
        let result: Truth = !decides;
        for (const term of terms) {
          const truth = term(row);
          if (truth === decides) return decides;
          if (truth === null) result = null;
        }
        return result;
      };
    }
    case "not": {
      const term = bind(expression.term, batch);
      return (row) => {
        const truth = term(row);
        return truth === null ? null : !truth;
      };
    }
  }
}

function column(batch: Batch, name: string) {
  const index = batch.columns.findIndex((one) => one.name === name);
  if (index < 0) throw new TypeError(`the batch has no column ${name}`);
  const vector = batch.vectors[index]!;
  const read = (row: number): Value => valueAt(vector, row);
  return [read, batch.columns[index]!.kind] as const;
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
