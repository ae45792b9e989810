/** The expectations that quarantine rows, as JSON beside stored rows: they were judged by these. */
import { fromBase64, toBase64 } from "../bytes/bytes-text.ts";
import type { Expression, RowExpectationSpec, SourceSpec, Value } from "../specs.ts";
import { quarantiningExpectations } from "./row-expectations.ts";

type StoredValue =
  | string
  | number
  | boolean
  | null
  | { readonly integer: string }
  | { readonly base64: string }
  | readonly StoredValue[];

/** An expectation as JSON. A value of a literal keeps its type. */
export interface StoredExpectation {
  readonly name: string;
  readonly condition: StoredExpression;
}
type StoredExpression = { readonly op: Expression["op"] } & { readonly [member: string]: unknown };

/** Expectations as JSON. undefined: no expectation of the source quarantines rows. */
export function storedExpectations(source: SourceSpec): readonly StoredExpectation[] | undefined {
  const list = quarantiningExpectations(source);
  if (list.length === 0) return undefined;
  return list.map(({ name, condition }) => ({ name, condition: storedExpression(condition) }));
}

/** The expectations that were stored. undefined: there were none. */
export function expectationsStored(
  stored: readonly StoredExpectation[] | undefined,
): readonly RowExpectationSpec[] | undefined {
  return stored?.map(({ name, condition }) => ({
    name,
    condition: expressionStored(condition),
    onViolation: "quarantine",
  }));
}

function storedExpression(expression: Expression): StoredExpression {
  switch (expression.op) {
    case "column":
      return { ...expression };
    case "literal":
      return { ...expression, value: storedValue(expression.value) };
    case "call":
      return { ...expression, arguments: expression.arguments.map(storedExpression) };
  }
}

function expressionStored(stored: StoredExpression): Expression {
  switch (stored.op) {
    case "column":
      return stored as unknown as Expression;
    case "literal":
      return {
        ...(stored as unknown as Extract<Expression, { op: "literal" }>),
        value: valueStored(stored["value"] as StoredValue),
      };
    case "call":
      return {
        ...(stored as unknown as Extract<Expression, { op: "call" }>),
        arguments: (stored["arguments"] as readonly StoredExpression[]).map(expressionStored),
      };
  }
}

function storedValue(value: Value): StoredValue {
  if (typeof value === "bigint") return { integer: String(value) };
  if (value instanceof Uint8Array) return { base64: toBase64(value) };
  return typeof value === "object" && value !== null ? value.map(storedValue) : value;
}

function valueStored(stored: StoredValue): Value {
  if (typeof stored !== "object" || stored === null) return stored;
  if ("integer" in stored) return BigInt(stored.integer);
  if ("base64" in stored) return fromBase64(stored.base64)!;
  return stored.map(valueStored);
}
