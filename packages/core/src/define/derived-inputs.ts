/** What derived views and transforms are given: functions of features and request data. */
import { TidemarkError } from "../errors.ts";
import { typeSpecOf } from "../expr/tree.ts";
import type { ColumnSpec, DerivedFeatureSpec } from "../specs.ts";
import {
  definitionOf,
  described,
  type ExpressionState,
  type FunctionState,
  type InputTerm,
} from "./definition.ts";
import { expressionOf } from "./expression.ts";

/**
 * Returns the function of features, or of request data, that a user gave. `title` begins the
 * message of an error.
 *
 * @throws DEFINITION_INVALID when it is none.
 */
export function functionOfFeatures(title: string, member: unknown): FunctionState {
  const found = definitionOf(member);
  if (found?.kind === "function" && found.of.inputs !== undefined) return found;
  const of =
    found?.kind === "aggregation" || found?.kind === "function" ? undefined : expressionOf(member);
  if (of?.inputs !== undefined) return { of, default: undefined, renamedFrom: [] };
  throw new TidemarkError(
    "DEFINITION_INVALID",
    `${title} must be a function of features or of request data, got ${described(member)}` +
      (found?.kind === "aggregation" || found?.kind === "column" || of !== undefined
        ? "; make it a feature of a featureView, and compute with that"
        : ", as in div(weekly.amount, monthly.amount)"),
  );
}

/** What an expression of these terms reads. */
export function readByTerms(
  terms: readonly InputTerm[],
): Pick<DerivedFeatureSpec, "inputs" | "request" | "transforms"> {
  const transforms = terms.flatMap((one) => (one.kind === "transform" ? [one.transform] : []));
  return {
    inputs: terms.flatMap((one) =>
      one.kind === "feature" ? [{ view: one.view, feature: one.feature }] : [],
    ),
    request: terms.flatMap((one) => (one.kind === "request" ? [one.column] : [])),
    ...(transforms.length === 0 ? {} : { transforms }),
  };
}

/** The type of the values. A column that is an input as it is keeps the whole type of that. */
export function resultOfFunction({ expression, inputs = [] }: ExpressionState): ColumnSpec {
  const column = { name: "", database: "" };
  if (expression.op !== "column") return { ...typeSpecOf(expression), ...column };
  const input = inputs.find(({ name }) => name === expression.name);
  switch (input?.kind) {
    case "feature":
      return { ...input.feature.result, ...column };
    case "request":
      return { ...input.column, ...column };
    default:
      return { ...typeSpecOf(expression), ...column };
  }
}
