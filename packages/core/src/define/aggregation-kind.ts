/** What definitions know of an aggregation: its arguments and the form of its values. */
import type { AggregateOptions, Expression, TypeSpec, ValueType } from "../specs.ts";
import { typeText } from "../types/type-text.ts";
import { scalarTypeOf } from "../types/value-types.ts";

/** The part of an aggregator's record that definitions read. */
export interface AggregationKind {
  /** The name of the function that defines it. */
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** The arguments that are no columns, by name. Omitted if there are none. */
  readonly options?: { readonly [name: string]: AllowedOption } | undefined;
  /**
   * Returns the form of the values for arguments of these forms. It is nullable if the answer may
   * be null (law 7: over an empty window).
   */
  readonly result: (arguments_: readonly TypeSpec[], options: AggregateOptions) => TypeSpec;
  /** True for a value of the newest row, which has no window. Omitted: it is over a window. */
  readonly isFact?: true | undefined;
}

/** The most elements of an answer, and the most categories. */
export const MAX_ELEMENTS = 1000;

/** An argument of an aggregation. */
export interface Parameter {
  readonly name: string;
  readonly accepts: Accepts;
  /** True if an object of expressions is a struct here. */
  readonly takesStruct?: true | undefined;
  /** True if it may be left out. */
  readonly optional?: true | undefined;
}

/**
 * What an option may be: one of these texts or numbers, a number from `from` to `to`, a list of at
 * most `length` such numbers, true or false, or a length of time in µs, which users write as a
 * duration.
 */
export type AllowedOption =
  | readonly (string | number)[]
  | NumberOption
  | { readonly length: number; readonly each: NumberOption }
  | { readonly isDuration: true }
  | "boolean";

/** Numbers from `from` to `to`. `whole`: only whole ones. */
export interface NumberOption {
  readonly from: number;
  readonly to: number;
  readonly whole?: true | undefined;
}

/**
 * The types that an argument may have. "ordered": all but json. "key": what can be a key.
 * "numbers": lists of numbers.
 */
export type Accepts = "any" | "ordered" | "key" | "number" | "boolean" | "numbers";

/** Says whether an argument may have the type. `element` is that of a list's elements. */
export function accepts(wanted: Accepts, type: ValueType, element?: TypeSpec): boolean {
  if (wanted === "any") return true;
  if (wanted === "numbers")
    return type === "list" && element !== undefined && accepts("number", element.type);
  if (type === "list" || type === "map" || type === "struct") return false;
  const { isNumber, isOrdered, isKey } = scalarTypeOf(type);
  switch (wanted) {
    case "ordered":
      return isOrdered;
    case "key":
      return isKey;
    case "number":
      return isNumber;
    case "boolean":
      return type === "boolean";
  }
}

/** Why an expression is refused as an argument. */
export function refusal(wanted: Accepts, argument: Expression): string {
  const { type } = argument;
  const what = argument.op === "column" ? `${argument.name} is a ${type} column` : `it is ${type}`;
  if (wanted === "numbers") {
    const given = type === "list" ? `it is ${typeText(argument)}` : what;
    return `${given}; this aggregation takes a list of numbers`;
  }
  if (wanted === "ordered") return `${what}, and its values have no order`;
  if (wanted === "key")
    return type === "float64"
      ? `${what}, and counts need exact values; put it into ranges with binOf(...)`
      : `${what}, and its values are no keys of a map`;
  const taken = wanted === "boolean" ? "a boolean column" : "int32, int64, float64 or decimal";
  return `${what}; this aggregation takes ${taken}`;
}

/** Says what an option must be; null: this value is right. */
export function optionFault(allowed: AllowedOption, value: unknown): string | null {
  if (allowed === "boolean") return typeof value === "boolean" ? null : "true or false";
  if ("from" in allowed) return isInside(allowed, value) ? null : `a ${numberText(allowed)}`;
  if ("each" in allowed) {
    const { each, length } = allowed;
    const isList = Array.isArray(value) && value.length > 0 && value.length <= length;
    if (isList && value.every((one) => isInside(each, one))) return null;
    return `a list of 1 to ${length.toLocaleString("en")} numbers, each a ${numberText(each)}`;
  }
  if ("isDuration" in allowed)
    return typeof value === "number" && value > 0 ? null : 'a duration such as "30m"';
  if (allowed.includes(value as string)) return null;
  return allowed.map((one) => JSON.stringify(one)).join(" or ");
}

function isInside({ from, to, whole }: NumberOption, value: unknown): boolean {
  if (typeof value !== "number" || !(value >= from && value <= to)) return false;
  return whole !== true || Number.isInteger(value);
}

function numberText({ from, to, whole }: NumberOption): string {
  return `${whole === true ? "whole " : ""}number from ${from} to ${to.toLocaleString("en")}`;
}
