/** The types of numbers, and which of them wins. */
import type { TypeSpec, ValueType } from "../specs.ts";
import { typeText } from "../types/type-text.ts";
import { typeOf } from "../types/value-types.ts";
import { typeSpecOf } from "./tree.ts";

/** Says whether values of the type are numbers. */
export function isNumber({ type }: { readonly type: ValueType }): boolean {
  return typeOf({ type }).isNumber;
}

/** The digits after the point of a number's exact value; null for a float64. */
export function scaleOf({ type, scale }: TypeSpec): number | null {
  return type === "float64" ? null : type === "decimal" ? (scale ?? 0) : 0;
}

/**
 * The type of arithmetic with these numbers. Integers compute as int64, decimal wins over integers,
 * and float64 over decimal. A decimal has the most fraction digits of them.
 */
export function arithmeticType(numbers: readonly TypeSpec[]): TypeSpec {
  const nullable = numbers.some((one) => one.nullable);
  if (numbers.some(({ type }) => type === "float64")) return { type: "float64", nullable };
  if (numbers.some(({ type }) => type === "decimal"))
    return { type: "decimal", nullable, precision: 38, scale: mostDigits(numbers) };
  // Users get a bigint, unless they get each integer in it as a number.
  const asNumber = numbers.every(({ type, mode }) => type === "int32" || mode === "number");
  return { type: "int64", nullable, ...(asNumber ? { mode: "number" } : {}) };
}

function mostDigits(numbers: readonly TypeSpec[]): number {
  return Math.max(...numbers.map((one) => scaleOf(one) ?? 0));
}

/**
 * The type of values that are all of the first one's type: texts, times, numbers that it can
 * hold, or lists of one type. undefined: it cannot hold one of them.
 */
export function typeOfFirst(values: readonly TypeSpec[]): TypeSpec | undefined {
  const [first, ...others] = values;
  if (!others.every((other) => holds(first!, other))) return undefined;
  const { type, mode } = first!;
  const nullable = values.some((one) => one.nullable);
  if (hasParts(first!)) return { ...typeSpecOf(first!), nullable };
  return {
    type,
    nullable,
    ...(mode === undefined ? {} : { mode }),
    ...(type === "decimal" ? { precision: 38, scale: mostDigits(values) } : {}),
  };
}

function hasParts({ type }: TypeSpec): boolean {
  return type === "list" || type === "map" || type === "struct";
}

function holds(first: TypeSpec, other: TypeSpec): boolean {
  if (first.type === other.type) return typeText(first) === typeText(other) || !hasParts(first);
  switch (first.type) {
    case "int64":
      return other.type === "int32";
    case "decimal":
      return other.type === "int32" || other.type === "int64";
    case "float64":
      return isNumber(other);
    default:
      return false;
  }
}
