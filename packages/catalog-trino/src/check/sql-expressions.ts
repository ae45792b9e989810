/**
 * Writes expressions of rows as Trino's SQL. Only what gives the same bits is written: another
 * function is a reason why a feature is not checked.
 */
import type { CallExpression, Expression, TypeSpec } from "@tidemark/core/spi";
import { scalarFunction } from "@tidemark/core/internal";
import { NotInSql } from "./not-in-sql.ts";
import { sqlTypeOf, sqlValuesOf } from "./sql-values.ts";

/** The expression of a column, by its name in the definitions. */
export type ColumnSql = (name: string) => string;

/**
 * Writes the expression as SQL. `columnSql` gives its columns.
 *
 * @throws NotInSql when SQL may answer other bits.
 */
export function sqlOf(expression: Expression, columnSql: ColumnSql): string {
  switch (expression.op) {
    case "column":
      // it throws if the type has no form in SQL
      sqlValuesOf(expression);
      return columnSql(expression.name);
    case "literal": {
      const { value } = expression;
      return value === null
        ? `CAST(NULL AS ${sqlTypeOf(expression)})`
        : sqlValuesOf(expression).literal(value, expression);
    }
    case "call": {
      const print = (index: number): string => sqlOf(expression.arguments[index]!, columnSql);
      return `(${callSql(expression, print)})`;
    }
  }
}

/** Writes a call. `print` writes an argument. */
type PrintCall = (call: CallExpression, print: (index: number) => string) => string;

/** Calls whose own SQL has the same bits, if their arguments allow it. */
const plain = (allows: (types: readonly TypeSpec[]) => boolean): PrintCall =>
  function printPlain(call, print) {
    if (!allows(call.arguments))
      throw new NotInSql(
        `${call.function} of ${call.arguments.map(({ type }) => type).join(" and ")} is not ` +
          "the same in SQL",
      );
    const { text } = scalarFunction(call.function).sql(call, print);
    return text;
  };

const isInteger = ({ type }: TypeSpec): boolean => type === "int32" || type === "int64";
/** Whether these are values of one type, for SQL too. */
const areAlike = ([first, ...others]: readonly TypeSpec[]): boolean =>
  others.every((other) =>
    first!.type === "decimal"
      ? other.type === "decimal" && other.scale === first!.scale
      : other.type === first!.type || (isInteger(first!) && isInteger(other)),
  );
/** Whether SQL compares these values exactly. */
const areComparable = ([first, ...others]: readonly TypeSpec[]): boolean =>
  others.every((other) => areAlike([first!, other]) || isExactPair(first!, other));

/** The digits before and after the point. null: it has no such digits. */
function digitsOf(of: TypeSpec): { readonly whole: number; readonly fraction: number } | null {
  const { type, precision = 38, scale = 0 } = of;
  if (type === "decimal") return { whole: precision - scale, fraction: scale };
  return isInteger(of) ? { whole: type === "int32" ? 10 : 19, fraction: 0 } : null;
}

/** SQL compares two such numbers as decimals, which have 38 digits, or an int32 as a double. */
function isExactPair(a: TypeSpec, b: TypeSpec): boolean {
  if (a.type === "float64" || b.type === "float64") return a.type === "int32" || b.type === "int32";
  const [left, right] = [digitsOf(a), digitsOf(b)];
  return (
    left !== null &&
    right !== null &&
    Math.max(left.whole, right.whole) + Math.max(left.fraction, right.fraction) <= 38
  );
}

const always = (): boolean => true;

const LARGEST = "1.7976931348623157E308";

/** Integers are computed with 38 digits and doubles by one operation, and both saturate. */
function arithmetic(operator: string): PrintCall {
  return (call, print) => {
    if (call.type === "float64") {
      const [a, b] = [0, 1].map((i) => asDouble(call.arguments[i]!, print(i)));
      return `greatest(least(${a} ${operator} ${b}, ${LARGEST}), -${LARGEST})`;
    }
    if (call.type !== "int64" || !call.arguments.every(isInteger))
      throw new NotInSql(`${call.function} of decimals is not the same in SQL`);
    const [a, b] = [0, 1].map((i) => `CAST(${print(i)} AS decimal(19, 0))`);
    return (
      `CAST(greatest(least(${a} ${operator} ${b}, 9223372036854775807), ` +
      "-9223372036854775808) AS bigint)"
    );
  };
}

function asDouble({ type }: TypeSpec, sql: string): string {
  if (type === "decimal") throw new NotInSql("a decimal as a double is not the same in SQL");
  return type === "float64" ? sql : `CAST(${sql} AS double)`;
}

const calls: Readonly<Record<string, PrintCall>> = {
  eq: plain(areComparable),
  ne: plain(areComparable),
  lt: plain(areComparable),
  lte: plain(areComparable),
  gt: plain(areComparable),
  gte: plain(areComparable),
  inList: plain((types) => types.length > 1 && areComparable(types)),
  and: plain(always),
  or: plain(always),
  not: plain(always),
  isNull: plain(always),
  isNotNull: plain(always),
  coalesce: plain(areAlike),
  nullIf: plain(areAlike),
  least: plain(areAlike),
  greatest: plain(areAlike),
  clamp: plain(areAlike),
  caseWhen: plain((types) =>
    areAlike(types.filter((_, i) => i % 2 === 1 || (i === types.length - 1 && i % 2 === 0))),
  ),
  add: arithmetic("+"),
  sub: arithmetic("-"),
  mul: arithmetic("*"),
  div(call, print) {
    const [a, b] = [0, 1].map((i) => asDouble(call.arguments[i]!, print(i)));
    const quotient = `${a} / nullif(${b}, 0e0)`;
    return `if(is_finite(${quotient}), ${quotient})`;
  },
  mod(call, print) {
    if (call.type === "decimal") throw new NotInSql("mod of decimals is not the same in SQL");
    const ofDoubles = call.type === "float64";
    const [a, b] = [0, 1].map((i) => {
      const argument = call.arguments[i]!;
      return ofDoubles ? asDouble(argument, print(i)) : `CAST(${print(i)} AS bigint)`;
    });
    return `mod(${a}, nullif(${b}, ${ofDoubles ? "0e0" : "0"}))`;
  },
  length: plain(always),
  concat: plain(always),
  startsWith: plain(always),
  endsWith: plain(always),
  like: plain(always),
  matches: plain(always),
  hashBucket: plain(([x]) => x!.type === "string" || x!.type === "boolean" || isInteger(x!)),
};

function callSql(call: CallExpression, print: (index: number) => string): string {
  const found = calls[call.function];
  if (found === undefined)
    throw new NotInSql(`the function ${call.function} is not written in SQL`);
  return found(call, print);
}

/** The names of the functions that are written in SQL. */
export const functionsInSql: readonly string[] = Object.keys(calls);
