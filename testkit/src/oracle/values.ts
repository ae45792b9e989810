/**
 * How the oracle orders, equates and prints values (law 3). Written apart from the kernels, on
 * purpose.
 */
import type { ValueType, Value } from "../../../packages/core/src/specs.ts";

/** By code point, so that "\uFFFD" comes before "😀"; a UTF-16 comparison says otherwise. */
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
 * The order of two values of one kind, neither null: strings by code point, bytes one by one, false
 * before true, numbers by value.
 */
export function compare(kind: ValueType, a: Value, b: Value): number {
  if (kind === "string" || kind === "json") return compareText(a as string, b as string);
  if (kind === "bytes") return compareLists([...(a as Uint8Array)], [...(b as Uint8Array)]);
  if (kind === "boolean") return Number(a) - Number(b);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

/** Text that is equal for equal values, and for those only; −0 is 0. */
export function textOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${[...value].join(",")}`;
  return `${typeof value} ${String(value)}`;
}

export function textOfAll(values: readonly Value[]): string {
  return values.map(textOf).join(" | ");
}

/** The same bits: what a comparison of paths asks. −0 is not 0 here, for no answer is −0. */
export function sameBits(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && textOf(a) === textOf(b);
  return Object.is(a, b);
}
