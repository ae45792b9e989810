/** Prints expressions as SQL. */
import type { Expression, LiteralExpression } from "../specs.ts";
import type { SqlRank, SqlText } from "./scalar-function.ts";
import { scalarFunction } from "./scalar-functions.ts";

/** How names and values are written. */
export interface SqlDialect {
  /** The column, quoted, under its name in the table that is read. */
  column(name: string): string;
  literal(literal: LiteralExpression): string;
}

/** Prints an expression as SQL, with the dialect's names and literals. */
export function printSql(expression: Expression, dialect: SqlDialect): string {
  return sqlText(expression, dialect).text;
}

function sqlText(expression: Expression, dialect: SqlDialect): SqlText {
  switch (expression.op) {
    case "column":
      return { text: dialect.column(expression.name), rank: "atom" };
    case "literal":
      return { text: dialect.literal(expression), rank: "atom" };
    case "call":
      return scalarFunction(expression.function).sql(expression, (index, than) => {
        const { text, rank } = sqlText(expression.arguments[index]!, dialect);
        return than !== undefined && ranks.indexOf(rank) <= ranks.indexOf(than)
          ? `(${text})`
          : text;
      });
  }
}

const ranks: readonly SqlRank[] = ["logic", "comparison", "sum", "product", "atom"];
