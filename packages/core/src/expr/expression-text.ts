/** Prints expressions in words, for readers who do not see the TypeScript of the definitions. */
import type { CallExpression, CategorySpec, Expression, TypeSpec, Value } from "../specs.ts";
import { typeText } from "../types/type-text.ts";
import { typeOf } from "../types/value-types.ts";

/**
 * Prints an expression, such as `amount > 100 and vendor is not null`. `columnText` prints its
 * columns; without it they are their names.
 */
export function expressionText(
  expression: Expression,
  columnText: (name: string) => string = (name) => name,
): string {
  return termText(expression, false, columnText);
}

/** The options of a call as texts. Those that name a type with parts are one text. */
export function optionTexts(call: CallExpression): readonly string[] {
  const { options = {} } = call;
  if (options["parts"] === undefined) return Object.values(options).map(String);
  return [String(options["path"]), typeText(call)];
}

/** Prints a value of that type. */
export function literalText(value: Value, type: TypeSpec): string {
  if (value === null) return "null";
  const text = typeOf(type).jsonText(type)(value);
  const isJson = type.type === "string" || type.type === "json";
  return isJson || !text.startsWith('"') ? text : text.slice(1, -1);
}

/** Prints the categories of an aggregation: ` by vendor`, or ` by vendor in ("a", "b")`. */
export function categoriesText(by: CategorySpec | undefined): string {
  if (by === undefined) return "";
  const { key, each, default: replaced } = by;
  const members =
    each === undefined ? "" : ` in (${each.map((one) => JSON.stringify(one)).join(", ")})`;
  const filled = replaced === undefined ? "" : `, null is ${expressionText(replaced)},`;
  return ` by ${expressionText(key)}${members}${filled}`;
}

function termText(
  expression: Expression,
  inner: boolean,
  columnText: (name: string) => string,
): string {
  if (expression.op === "column") return columnText(expression.name);
  if (expression.op === "literal") return literalText(expression.value, expression);
  const { function: name, arguments: terms } = expression;
  const options = optionTexts(expression);
  const [first, ...others] = terms.map((term) => termText(term, true, columnText));
  const operator = operators[name];
  if (operator !== undefined) return `${first} ${operator} ${others[0]}`;
  switch (name) {
    case "inList":
      return `${first} in (${others.join(", ")})`;
    case "isNull":
      return `${first} is null`;
    case "isNotNull":
      return `${first} is not null`;
    case "struct": {
      const names = options[0]!.split(",");
      return `{ ${[first, ...others].map((text, i) => `${names[i]}: ${text}`).join(", ")} }`;
    }
    case "not":
      return `not (${termText(terms[0]!, false, columnText)})`;
    case "and":
    case "or": {
      const text = [first, ...others].join(` ${name} `);
      return inner && terms.length > 1 ? `(${text})` : text;
    }
    default:
      return `${name}(${[first, ...others, ...options].join(", ")})`;
  }
}

const operators: { readonly [name: string]: string | undefined } = {
  eq: "=",
  ne: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
};
