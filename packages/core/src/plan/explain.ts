/** Prints the plan of a selection. */
import { HIDDEN } from "../define/definition.ts";
import { durationText } from "../define/duration.ts";
import { textOfWindow } from "../define/window-text.ts";
import { selectedFeatures, type AnySelection } from "../define/selection.ts";
import { categoriesText, expressionText, literalText } from "../expr/expression-text.ts";
import type { Expression } from "../specs.ts";
import { typeText } from "../types/type-text.ts";
import { compileQuery } from "./compile.ts";
import type {
  AggregateColumn,
  DerivedColumn,
  DeriveNode,
  FactColumn,
  LatestNode,
  LookupNode,
  NamedType,
  ProjectNode,
  Query,
  RowNode,
  ScanNode,
  TransformNode,
  WindowNode,
} from "./nodes.ts";

/**
 * Prints what a selection computes, as an indented tree: the answers, the keys that it needs, and
 * for each view the features, the aggregates below them, and the columns that are read. Equal
 * aggregates are listed once, because they are computed once.
 *
 * @throws SELECTION_INVALID when the argument is no feature, view, service or list of them.
 *
 * @example
 * console.log(explainPlan(weekly));
 */
export function explainPlan(selection: AnySelection | readonly AnySelection[]): string {
  return queryText(compileQuery(selectedFeatures(selection, "explainPlan")).query);
}

/** The text of a query, as `explainPlan` prints it. */
export function queryText({ plan, outputs, needs, derived = [], transforms = [] }: Query): string {
  const below =
    plan.node === "join"
      ? ["join", ...plan.inputs.flatMap(deriveLines).map(indented)]
      : deriveLines(plan);
  return [
    `answers ${outputs.map(typedText).join(", ")}`,
    `needs ${needs.map(typedText).join(", ")}`,
    ...(derived.length === 0
      ? below
      : [
          "derive",
          ...[...derived.map(derivedText), ...transforms.flatMap(transformLines), ...below].map(
            indented,
          ),
        ]),
  ].join("\n");
}

function deriveLines({ columns, input }: DeriveNode): readonly string[] {
  const below = input.node === "window" ? windowLines(input) : latestLines(input);
  return ["derive", ...[...columns.map(derivedText), ...below].map(indented)];
}

function transformLines({ name, version, inputs, outputs }: TransformNode): readonly string[] {
  return [
    `transform ${name}, version ${version}, gives ${outputs.map(typedText).join(", ")}`,
    ...inputs.map((input) => indented(derivedText(input))),
  ];
}

function windowLines({ entity, foundIn, aggregates, input }: WindowNode): readonly string[] {
  return [
    `window by ${keysText(entity.keys)}, found in ${foundIn.map(textOfWindow).join(", or ")}`,
    ...[...aggregates.map(aggregateText), ...rowLines(input)].map(indented),
  ];
}

function latestLines({ entity, ttl, facts, input }: LatestNode): readonly string[] {
  const maxAge = ttl === null ? "" : `, not older than ${durationText(ttl)}`;
  return [
    `latest by ${keysText(entity.keys)}${maxAge}`,
    ...[...facts.map(factText), ...rowLines(input)].map(indented),
  ];
}

function derivedText({ name, value, default: replaced }: DerivedColumn): string {
  const text = `${name} = ${expressionText(value)}`;
  return replaced === undefined ? text : `${text}; null is ${literalText(replaced, value)}`;
}

function aggregateText(column: AggregateColumn): string {
  return `${column.name} = ${aggregationText(column)}`;
}

/** An aggregation as text: `sum(amount) where paid over 7d`. */
export function aggregationText({
  aggregate,
  options = {},
  arguments: inputs,
  by,
  window,
  where,
}: Omit<AggregateColumn, "name">): string {
  const terms = [...inputs.map((one) => expressionText(one)), ...Object.values(options)];
  const rows = `${whereText(where)}${categoriesText(by)} over ${textOfWindow(window)}`;
  return `${aggregate}(${terms.join(", ")})${rows}`;
}

function factText({ name, value, where }: FactColumn): string {
  return `${name} = ${expressionText(value)}${whereText(where)}`;
}

function rowLines(rows: RowNode): readonly string[] {
  switch (rows.node) {
    case "scan":
      return [scanText(rows)];
    case "union":
      // An exploded source is a union of one part.
      if (rows.inputs[0]?.input.explode !== undefined) return projectLines(rows.inputs[0].input);
      return [
        `union ${rows.inputs.map(({ part }) => part).join(", ")}`,
        ...rows.inputs.flatMap(({ input }) => projectLines(input)).map(indented),
      ];
    case "lookup":
      return [lookupText(rows), ...rowLines(rows.input).map(indented)];
    case "filter":
      return [`filter ${expressionText(rows.condition)}`, ...rowLines(rows.input).map(indented)];
  }
}

/** A part of a union, with the columns that a user declared. */
function projectLines(node: ProjectNode): readonly string[] {
  const { columns, values, condition, explode, input } = node;
  const below = rowLines(condition === null ? input : { node: "filter", input, condition });
  const texts = columns.flatMap(({ name }, i) => {
    if (name.startsWith(HIDDEN)) return [];
    const text = expressionText(values[i]!);
    return [text === name ? name : `${name} = ${text}`];
  });
  return [
    texts.length === 0 ? "project" : `project ${texts.join(", ")}`,
    ...(explode === undefined
      ? below
      : [
          `explode ${expressionText(explode.list)} as ${explode.element.name}`,
          ...below.map(indented),
        ]
    ).map(indented),
  ];
}

function lookupText({ dimension, condition, on, columns }: LookupNode): string {
  const keys = on.map(({ key, value }) => `${key} = ${expressionText(value)}`);
  const read = columns.map(({ name, value }) => `${name} = ${expressionText(value)}`);
  return (
    `lookup ${dimension} as of the event time by ${keys.join(", ")}${whereText(condition)}: ` +
    read.join(", ")
  );
}

function scanText({ source, columns }: ScanNode): string {
  return columns.length === 0
    ? `scan ${source}`
    : `scan ${source}: ${columns.map(({ name }) => name).join(", ")}`;
}

/** A condition as text, with a space before it; empty if there is none. */
export function whereText(where: Expression | null): string {
  return where === null ? "" : ` where ${expressionText(where)}`;
}

function keysText(keys: DeriveNode["input"]["entity"]["keys"]): string {
  return keys
    .map(({ name, column }) => (name === column ? name : `${name} (${column})`))
    .join(", ");
}

function typedText(of: NamedType): string {
  return `${of.name} ${typeText(of)}${of.nullable ? " or null" : ""}`;
}

function indented(line: string): string {
  return `  ${line}`;
}
