/** Prints conditions as SQL. */
import { TidemarkError } from "../errors.ts";
import { printSql } from "../expr/print-sql.ts";
import type { LiteralExpression } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";
import { described } from "./definition.ts";
import { clockOfRows, conditionOf } from "./expression.ts";
import type { Condition } from "./functions/boolean.ts";

/**
 * Prints a condition as SQL, with the database's names, and literals of their columns' types.
 *
 * @throws VALUE_INVALID when the argument is no condition.
 *
 * @example
 * toSql(eq(transactions.vendor, "Hospital")); // "Vendor" = 'Hospital'
 */
export function toSql(condition: Condition<string>): string {
  const found = conditionOf(condition);
  if (found?.clock === true) throw clockOfRows("toSql()", found.text);
  if (found === undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `toSql: ${described(condition)} is no condition; ` +
        'give one such as eq(transactions.vendor, "Hospital")',
    );
  if (found.windows !== undefined || found.inputs !== undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `toSql: ${found.text} is about ${found.inputs === undefined ? "windows" : "features"}, ` +
        "and SQL conditions are about rows",
    );
  return printSql(found.expression, {
    column(name) {
      const { database } = found.columns.find((column) => column.name === name)!;
      return `"${database.replaceAll('"', '""')}"`;
    },
    literal,
  });
}

function literal(expression: LiteralExpression): string {
  const { value } = expression;
  return value === null ? "NULL" : typeOf(expression).sqlLiteral(value, expression);
}
