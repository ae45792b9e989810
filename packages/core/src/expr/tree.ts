/** Makes the nodes of expressions, and walks through them. */
import type { ErrorCode } from "../error-codes.ts";
import { TidemarkError } from "../errors.ts";
import type {
  CallExpression,
  CallOptions,
  ColumnExpression,
  ColumnSpec,
  Expression,
  LiteralExpression,
  TypeSpec,
  Value,
} from "../specs.ts";
import type { ScalarFunction } from "./scalar-function.ts";

/** The expression of a column's value. */
export function columnExpression(column: ColumnSpec): ColumnExpression {
  return { op: "column", name: column.name, ...typeSpecOf(column) };
}

/** The type of a column or an expression, without all else. */
export function typeSpecOf(of: TypeSpec): TypeSpec {
  const { type, nullable, precision, scale, zone, zoneless, mode, encoding } = of;
  const { element, keys, values, fields } = of;
  return {
    type,
    nullable,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
    ...(zoneless === undefined ? {} : { zoneless }),
    ...(element === undefined ? {} : { element }),
    ...(keys === undefined ? {} : { keys }),
    ...(values === undefined ? {} : { values }),
    ...(fields === undefined ? {} : { fields }),
    ...(mode === undefined ? {} : { mode }),
    ...(encoding === undefined ? {} : { encoding }),
  };
}

/** The expression of a value of that type. */
export function literalExpression(
  value: Value,
  { type, precision, scale, mode }: TypeSpec,
): LiteralExpression {
  return {
    op: "literal",
    value,
    type,
    nullable: value === null,
    ...(type === "decimal" ? { precision, scale } : {}),
    ...(mode === undefined ? {} : { mode }),
  };
}

/**
 * Calls a function. `who` begins the message of an error.
 *
 * @throws TYPE_MISMATCH when the function does not take these types.
 */
export function callExpression(
  { name, typeRule }: ScalarFunction,
  arguments_: readonly Expression[],
  options: CallOptions = {},
  who: string = name,
): CallExpression {
  const type = typeRule({
    who,
    arguments: arguments_,
    options,
    refuse(code: ErrorCode, why: string): never {
      throw new TidemarkError(code, `${who}: ${why}`);
    },
  });
  return {
    op: "call",
    function: name,
    arguments: arguments_,
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...type,
  };
}

/** Returns the expression with each column replaced. */
export function withColumns(
  expression: Expression,
  replace: (column: ColumnExpression) => Expression,
): Expression {
  switch (expression.op) {
    case "column":
      return replace(expression);
    case "literal":
      return expression;
    case "call":
      return {
        ...expression,
        arguments: expression.arguments.map((one) => withColumns(one, replace)),
      };
  }
}

/** Says whether the expression calls a function that `is` chooses. */
export function callsFunction(expression: Expression, is: (name: string) => boolean): boolean {
  return (
    expression.op === "call" &&
    (is(expression.function) || expression.arguments.some((one) => callsFunction(one, is)))
  );
}

/** Names of the columns that an expression reads, in the order of the text. */
export function columnsOfExpression(expression: Expression): readonly string[] {
  switch (expression.op) {
    case "column":
      return [expression.name];
    case "literal":
      return [];
    case "call":
      return expression.arguments.flatMap(columnsOfExpression);
  }
}
