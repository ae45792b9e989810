/** A condition printed as SQL. */
import type { ColumnSpec, Expression, Value } from "../model.ts";
import { formatDate, formatTime } from "../time/parse-time.ts";
import { formatDecimal } from "./decimal-text.ts";

/** The condition as SQL text: names as in the database and literals of their types where the columns are given, else names as in TypeScript and plain literals. */
export function toSql(expression: Expression, columns: readonly ColumnSpec[] = []): string {
  return print(expression, (name) => columns.find((column) => column.name === name), false);
}

type Lookup = (name: string) => ColumnSpec | undefined;

function print(expression: Expression, column: Lookup, inner: boolean): string {
  switch (expression.is) {
    case "compare": return `${name(expression.column, column)} ${expression.op} ${literal(expression.value, column(expression.column))}`;
    case "in": return `${name(expression.column, column)} IN (${expression.values.map((value) => literal(value, column(expression.column))).join(", ")})`;
    case "null": return `${name(expression.column, column)} IS ${expression.not ? "NOT " : ""}NULL`;
    case "not": return `NOT (${print(expression.term, column, false)})`;
    default: {
      const text = expression.terms.map((term) => print(term, column, true)).join(expression.is === "and" ? " AND " : " OR ");
      return inner && expression.terms.length > 1 ? `(${text})` : text;
    }
  }
}

function name(of: string, column: Lookup): string {
  return `"${(column(of)?.database ?? of).replaceAll('"', '""')}"`;
}

function literal(value: Value, column: ColumnSpec | undefined): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex")}'`;
  switch (column?.kind) {
    case "decimal": return formatDecimal(value as bigint, column.scale ?? 0);
    case "timestamp": return `TIMESTAMP WITH TIME ZONE '${formatTime(value as number).replace("T", " ").replace("Z", "+00:00")}'`;
    case "date": return `DATE '${formatDate(value as number)}'`;
    default: return String(value);
  }
}
