/**
 * Orders, equates and prints values for the oracle (law 3: strings by code point, numbers by
 * value). The code is independent of the kernels on purpose.
 */
import type { ValueType, Value } from "../../../packages/core/src/specs.ts";

/** Compares by code point: "\uFFFD" comes before "😀", which a UTF-16 comparison reverses. */
function compareText(a: string, b: string): number {
  const left = [...a].map((c) => c.codePointAt(0)!);
  const right = [...b].map((c) => c.codePointAt(0)!);
  return compareLists(left, right);
}

function compareLists(left: readonly number[], right: readonly number[]): number {
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i]! !== right[i]!) return left[i]! < right[i]! ? -1 : 1;
  }
  return Math.sign(left.length - right.length);
}

/**
 * Compares two values of one type, neither of them null: strings by code point, bytes one by one,
 * false before true, numbers by value.
 */
export function compare(kind: ValueType, a: Value, b: Value): number {
  if (kind === "string" || kind === "json") return compareText(a as string, b as string);
  if (kind === "bytes") return compareLists([...(a as Uint8Array)], [...(b as Uint8Array)]);
  if (kind === "boolean") return Number(a) - Number(b);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

/** Returns a text that is equal exactly for equal values. −0 is 0. */
export function textOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${[...value].join(",")}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(textOf).join(", ")}]`;
  return `${typeof value} ${String(value)}`;
}

/** Returns a text that is equal exactly for equal lists of values. */
export function textOfAll(values: readonly Value[]): string {
  return values.map(textOf).join(" | ");
}

/** Compares bits, as a comparison of paths does. Here −0 is not 0, because no answer is −0. */
export function sameBits(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && textOf(a) === textOf(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a as readonly Value[], b as readonly Value[]];
    return left.length === right.length && left.every((part, i) => sameBits(part, right[i]!));
  }
  return Object.is(a, b);
}
