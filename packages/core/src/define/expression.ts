/** Makes expressions out of columns and literals, as the functions of definitions do. */
import { dataText } from "./data-text.ts";
import { div } from "../expr/functions/arithmetic.ts";
import { and } from "../expr/functions/boolean.ts";
import { coalesce } from "../expr/functions/conditional.ts";
import { optionTexts } from "../expr/expression-text.ts";
import type { ScalarFunction } from "../expr/scalar-function.ts";
import {
  callExpression,
  callsFunction,
  columnExpression,
  literalExpression,
  typeSpecOf,
} from "../expr/tree.ts";
import { TidemarkError } from "../errors.ts";
import type {
  CallOptions,
  ColumnExpression,
  DerivedFeatureSpec,
  LiteralExpression,
  NeededColumn,
  SelectedFeature,
  TypeSpec,
} from "../specs.ts";
import { typeOf } from "../types/value-types.ts";
import {
  aggregationTitle,
  definitionOf,
  described,
  makeDefinition,
  type AggregationState,
  type ExpressionState,
  type InputTerm,
  type WindowTerm,
} from "./definition.ts";
import { inputName, isDerived } from "./base-features.ts";
import { anyLiteral, literalOf, numberLiteral } from "./literals.ts";

/**
 * Returns the expression of a user: of rows, or of windows. undefined: the value is none.
 *
 * @throws DEFINITION_INVALID when it is an aggregation without one window.
 */
export function expressionOf(value: unknown): ExpressionState | undefined {
  const found = definitionOf(value);
  if (found?.kind === "expression") return found;
  if (found?.kind === "aggregation") return windowExpression(found);
  if (found?.kind === "feature") return featureExpression(found.selected);
  if (found?.kind === "request column") return requestExpression(found.request, found.spec);
  if (found?.kind !== "column") return undefined;
  return {
    source: found.source,
    columns: [found.spec],
    expression: columnExpression(found.spec),
    size: 1,
    text: `${found.source}.${found.spec.name}`,
  };
}

/**
 * Returns the expression of a user, if it is of rows; undefined if the value is none. `who` begins
 * the message of an error.
 *
 * @throws DEFINITION_INVALID when it is about windows or features.
 */
export function rowExpressionOf(who: string, value: unknown): ExpressionState | undefined {
  const found = definitionOf(value);
  if (found?.kind === "aggregation" || found?.kind === "function") return undefined;
  const state = expressionOf(value);
  if (state?.inputs !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it takes columns of a source, and ${state.text} is no column of one; ` +
        "compute with features and request data in a derivedView",
    );
  if (state?.clock === true) throw clockOfRows(who, state.text);
  if (state?.windows === undefined) return state;
  throw new TidemarkError(
    "DEFINITION_INVALID",
    `${who}: it takes columns of a source, and ${state.text} is about windows; ` +
      "a window is over rows, so compute with windows in a feature of the view",
  );
}

/** The error of rows that would read the time of the answer. */
export function clockOfRows(who: string, text: string): TidemarkError {
  return new TidemarkError(
    "DEFINITION_INVALID",
    `${who}: it is about rows, and ${text} reads the time of the answer, which no row knows; ` +
      'compare with it after the aggregation, as in elapsed("hours", last(x).over("7d"), asOf())',
  );
}

/** Returns the condition of a user; undefined if the value is none. */
export function conditionOf(value: unknown): ExpressionState | undefined {
  const found = expressionOf(value);
  return found?.expression.type === "boolean" ? found : undefined;
}

/** The aggregation over its window as an expression, whose column stands for the aggregation. */
export function windowExpression(state: AggregationState): ExpressionState {
  const who = aggregationTitle(state);
  const refuse = (why: string): never => {
    throw new TidemarkError("DEFINITION_INVALID", `${who}: ${why}`);
  };
  if (state.isFact)
    refuse("a function takes windows, and this is the latest value; take a function of the column");
  if (state.windows.length === 0)
    refuse('this aggregation has no window yet; say over which, as in .over("7d")');
  if (state.windows.length > 1 || state.windows[0]!.suffix !== "")
    refuse('overEach makes several features; give one window here, as in .over("7d")');
  if (state.renamedFrom.length > 0)
    refuse("renamedFrom names the whole feature; write feature(...).renamedFrom(...)");
  const { expression, size, windows } =
    state.ratio === undefined ? windowColumn(state) : quotient(state, state.ratio);
  const { default: replaced } = state;
  return {
    source: state.source,
    columns: state.columns,
    expression:
      replaced === undefined
        ? expression
        : callExpression(coalesce, [expression, literalExpression(replaced, expression)], {}, who),
    size: replaced === undefined ? size : size + 1,
    text: `${who}.over(${state.windows[0]!.text})`,
    windows,
  };
}

/** A feature as an expression. A derived feature is the function that it is. */
function featureExpression(selected: SelectedFeature): ExpressionState {
  const { name, result, default: replaced } = selected.feature;
  const text = `${selected.view.name}.${name}`;
  if (!isDerived(selected)) {
    const { view, feature } = selected;
    const input: InputTerm = { kind: "feature", name: inputName(selected), view, feature };
    return {
      source: null,
      columns: [],
      expression: { op: "column", name: input.name, ...typeSpecOf(result) },
      size: 1,
      text,
      inputs: [input],
    };
  }
  const { value, size } = selected.feature;
  return {
    source: null,
    columns: [],
    expression:
      replaced === undefined
        ? value
        : callExpression(coalesce, [value, literalExpression(replaced, value)], {}, text),
    size: replaced === undefined ? size : size + 1,
    ...(callsFunction(value, (name) => name === "asOf") ? { clock: true } : {}),
    text,
    inputs: inputTerms(selected.feature),
  };
}

function inputTerms({
  inputs,
  request,
  transforms = [],
}: DerivedFeatureSpec): readonly InputTerm[] {
  return [
    ...inputs.map((one): InputTerm => ({ kind: "feature", name: inputName(one), ...one })),
    ...request.map((column): InputTerm => ({ kind: "request", name: column.name, column })),
    // no column has this name, whatever the transform is called
    ...transforms.map((transform): InputTerm => ({
      kind: "transform",
      name: `transform ${transform.name}`,
      transform,
    })),
  ];
}

/** A column of request data as an expression. */
function requestExpression(request: string, column: NeededColumn): ExpressionState {
  return {
    source: null,
    columns: [],
    expression: { op: "column", name: column.name, ...typeSpecOf(column) },
    size: 1,
    text: `${request}.${column.name}`,
    inputs: [{ kind: "request", name: column.name, column }],
  };
}

type WindowValue = Pick<ExpressionState, "expression" | "size" | "windows">;

/** The column that stands for an aggregation over its window. */
function windowColumn(state: AggregationState): WindowValue {
  const plain = { ...state, default: undefined };
  const name = textOfAggregate(plain);
  const expression: ColumnExpression = { op: "column", name, ...typeSpecOf(state.result) };
  return { expression, size: 1, windows: [{ name, state: plain }] };
}

/** A ratio over its window: both aggregations have its window and its condition. */
function quotient(
  { windows, where, text }: AggregationState,
  parts: readonly AggregationState[],
): WindowValue {
  const terms = parts.map((part) =>
    windowExpression({
      ...part,
      windows,
      where:
        where === null || part.where === null
          ? (where ?? part.where)
          : callExpression(and, [part.where, where], {}, text),
    }),
  );
  return {
    expression: callExpression(
      div,
      terms.map(({ expression }) => expression),
      {},
      text,
    ),
    size: terms.reduce((sum, { size }) => sum + size, 1),
    windows: windowsOf(text, terms),
  };
}

/** A text that is equal for equal aggregations over equal windows. */
function textOfAggregate(state: AggregationState): string {
  const { aggregate, options, arguments: arguments_, by = null, where, windows } = state;
  return dataText([aggregate, options, arguments_, by, where, windows[0]!.spec]);
}

/** Returns the expression of a user, which a function takes. */
export function argumentOf(name: string, value: unknown): ExpressionState {
  const found = expressionOf(value);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${name}(): it takes a column of a source, as in ${name}(transactions.vendor), or a ` +
        `function of columns, got ${described(value)}`,
    );
  return found;
}

/** What a function is called with: an expression of a user, or a literal beside them. */
export type Argument = ExpressionState | LiteralExpression;

/** The most columns and calls of an expression. */
const MAX_EXPRESSION_SIZE = 10_000;

/** Calls a function of the registry. `who` begins the message of an error. */
export function defineCall<T>(
  of: ScalarFunction,
  arguments_: readonly Argument[],
  options: CallOptions = {},
  who: string = whoCalls(of.name, arguments_),
): T {
  const { name } = of;
  const source = oneSource(who, arguments_);
  const windows = windowsOf(who, arguments_);
  const inputs = inputsOf(who, arguments_);
  const clock = of.clock ?? clockOf(who, arguments_);
  const size = arguments_.reduce((sum, one) => sum + ("op" in one ? 0 : one.size), 1);
  if (size > MAX_EXPRESSION_SIZE)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${name}(): the expression has more than ${MAX_EXPRESSION_SIZE} columns and calls; ` +
        "make it smaller, or compute a part of it in the database",
    );
  const trees = arguments_.map((one) => ("op" in one ? one : one.expression));
  const expression = callExpression(of, trees, options, who);
  return makeExpression({
    source,
    columns: arguments_.flatMap((one) => ("op" in one ? [] : one.columns)),
    expression,
    size,
    text: `${name}(${[...arguments_.map(textOf), ...optionTexts(expression)].join(", ")})`,
    ...(windows.length === 0 ? {} : { windows }),
    ...(inputs.length === 0 ? {} : { inputs }),
    ...(clock === undefined ? {} : { clock }),
  });
}

/** Whether an argument reads the time of the answer. Then none is about rows. */
function clockOf(who: string, arguments_: readonly Argument[]): true | undefined {
  const states = arguments_.flatMap((one) => ("op" in one ? [] : [one]));
  const clock = states.find((one) => one.clock === true);
  if (clock === undefined) return undefined;
  const isOfRows = states.some(
    (one) => one.windows === undefined && one.inputs === undefined && one.columns.length > 0,
  );
  if (isOfRows) throw clockOfRows(who, clock.text);
  return true;
}

/** What all arguments read of a request. Features do not mix with rows and windows. */
export function inputsOf(who: string, arguments_: readonly Argument[]): readonly InputTerm[] {
  const terms = new Map<string, InputTerm>();
  for (const one of arguments_)
    if (!("op" in one))
      for (const term of one.inputs ?? []) {
        const other = terms.get(term.name);
        if (other !== undefined && !isSameInput(other, term))
          throw new TidemarkError(
            "NAME_TAKEN",
            `${who}: two arguments read different inputs ` +
              `called "${term.name}"; give one another name`,
          );
        terms.set(term.name, term);
      }
  if (terms.size === 0) return [];
  const other = arguments_.find(
    (one) =>
      !("op" in one) &&
      one.inputs === undefined &&
      (one.windows !== undefined || one.columns.length > 0),
  );
  if (other !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: one argument is about features, and ${textOf(other)} about ` +
        `${"windows" in other && other.windows !== undefined ? "windows" : "rows"}; ` +
        "make it a feature of a view, and compute with that",
    );
  return [...terms.values()];
}

/** Whether two inputs of one name are one input. Views of one name are compared when collected. */
function isSameInput(a: InputTerm, b: InputTerm): boolean {
  if (a.kind === "request" && b.kind === "request")
    return JSON.stringify(a.column) === JSON.stringify(b.column);
  return a.kind === b.kind;
}

/** The windows of all arguments. Windows do not mix with rows. */
function windowsOf(who: string, arguments_: readonly Argument[]): readonly WindowTerm[] {
  const terms = new Map<string, WindowTerm>();
  for (const one of arguments_)
    if (!("op" in one)) for (const term of one.windows ?? []) terms.set(term.name, term);
  const rows = arguments_.find(
    (one) => !("op" in one) && one.windows === undefined && one.columns.length > 0,
  );
  if (terms.size > 0 && rows !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: one argument is about windows, and ${textOf(rows)} about rows; ` +
        'aggregate the rows, as in last(x).over("7d")',
    );
  return [...terms.values()];
}

/** Makes the definition of an expression. */
function makeExpression<T>(state: ExpressionState): T {
  return makeDefinition({ kind: "expression", ...state }, state.text);
}

/** Names a call for messages by its first argument: `eq(transactions.vendor)`. */
export function whoCalls(name: string, [first]: readonly Argument[]): string {
  return `${name}(${first === undefined || "op" in first ? "" : first.text})`;
}

function textOf(argument: Argument): string {
  if (!("op" in argument)) return argument.text;
  const { value } = argument;
  return value === null ? "null" : typeOf(argument).jsonText(argument)(value);
}

/** The source of all arguments; null if they are literals. */
function oneSource(who: string, arguments_: readonly Argument[]): string | null {
  let source: string | null = null;
  for (const argument of arguments_) {
    if ("op" in argument || argument.source === null) continue;
    source ??= argument.source;
    if (argument.source !== source) {
      const what = argument.expression.type === "boolean" ? "condition" : "argument";
      throw new TidemarkError(
        "COLUMN_OF_ANOTHER_SOURCE",
        `${who}: one ${what} is about source "${source}", another about ` +
          `"${argument.source}"; an expression reads one source`,
      );
    }
  }
  return source;
}

/** Reads the arguments of arithmetic: numbers, and literals whose type follows the expression. */
export function numberArguments(name: string, values: readonly unknown[]): readonly Argument[] {
  const found = values.map(expressionOf);
  const beside = found.flatMap((one): TypeSpec[] => (one === undefined ? [] : [one.expression]));
  return found.map((one, i) => one ?? numberLiteral(`${name}()`, values[i], beside));
}

/** Reads a second argument: an expression, or a literal of the first one's type. */
export function operandOf(who: string, value: unknown, first: TypeSpec): Argument {
  return expressionOf(value) ?? literalOf(who, value, first);
}

/**
 * Reads values that a function answers by turns: expressions, and literals whose type follows them.
 * Numbers are literals of arithmetic. Text is text.
 */
export function termsOfOneType(who: string, values: readonly unknown[]): readonly Argument[] {
  const found = values.map(expressionOf);
  const beside = found.flatMap((one): TypeSpec[] => (one === undefined ? [] : [one.expression]));
  return found.map((one, i) => one ?? anyLiteral(who, values[i], beside));
}
