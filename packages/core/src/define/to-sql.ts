/** Prints conditions as SQL. */
import { toHex } from "../columns/bytes-text.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Expression, Value } from "../specs.ts";
import { formatDate, formatTime } from "../time/parse-time.ts";
import { formatDecimal } from "./decimal-text.ts";
import { definitionOfKind, described } from "./definition.ts";
import type { Condition } from "./expressions.ts";

/**
 * Prints a condition as SQL, with the database's names, and literals of their columns' types.
 *
 * @throws VALUE_INVALID when the argument is no condition.
 *
 * @example
 * toSql(eq(transactions.vendor, "Hospital")); // "Vendor" = 'Hospital'
 */
export function toSql(condition: Condition<string>): string {
  const found = definitionOfKind(condition, "condition");
  if (found === undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `toSql: ${described(condition)} is no condition; ` +
        'give one such as eq(transactions.vendor, "Hospital")',
    );
  return printExpression(
    found.expression,
    (name) => found.columns.find((column) => column.name === name),
    false,
  );
}

type ColumnLookup = (name: string) => ColumnSpec | undefined;

function printExpression(expression: Expression, column: ColumnLookup, inner: boolean): string {
  switch (expression.kind) {
    case "compare":
      return (
        `${quotedName(expression.column, column)} ${expression.op} ` +
        `${literal(expression.value, column(expression.column))}`
      );
    case "in": {
      const values = expression.values.map((value) => literal(value, column(expression.column)));
      return `${quotedName(expression.column, column)} IN (${values.join(", ")})`;
    }
    case "null":
      return `${quotedName(expression.column, column)} IS ${expression.not ? "NOT " : ""}NULL`;
    case "not":
      return `NOT (${printExpression(expression.term, column, false)})`;
    default: {
      const text = expression.terms
        .map((term) => printExpression(term, column, true))
        .join(expression.kind === "and" ? " AND " : " OR ");
      return inner && expression.terms.length > 1 ? `(${text})` : text;
    }
  }
}

function quotedName(of: string, column: ColumnLookup): string {
  return `"${(column(of)?.database ?? of).replaceAll('"', '""')}"`;
}

function literal(value: Value, column: ColumnSpec | undefined): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (value instanceof Uint8Array) return `X'${toHex(value)}'`;
  switch (column?.type) {
    case "decimal":
      return formatDecimal(value as bigint, column.scale ?? 0);
    case "timestamp":
      return `TIMESTAMP WITH TIME ZONE '${formatTime(value as number)
        .replace("T", " ")
        .replace("Z", "+00:00")}'`;
    case "date":
      return `DATE '${formatDate(value as number)}'`;
    default:
      return String(value);
  }
}
