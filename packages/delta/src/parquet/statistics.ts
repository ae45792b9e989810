/**
 * Computes the least and the greatest value of a column, which let a reader skip a file or a row
 * group.
 */
import { layoutOf } from "@tidemark/core/internal/columns";
import type { ColumnSpec, Value, Vector } from "@tidemark/core/spi";

export interface ColumnRange {
  readonly nulls: number;
  /** The least value; null if the type has no useful order, or no value can be compared. */
  readonly min: Value;
  readonly max: Value;
}

/** Rows [from, to). */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** The range of all rows, and of those of each page. The pages follow each other. */
export function rangesOf(
  column: ColumnSpec,
  vector: Vector,
  pages: readonly RowRange[],
): { readonly range: ColumnRange; readonly pages: readonly ColumnRange[] } {
  if (pages.length === 1) {
    const range = rangeOf(column, vector, pages[0]!.to);
    return { range, pages: [range] };
  }
  const isDistinct = vector.kind === "string" && vector.distinct === true;
  const ofPages = pages.map(({ from, to }): ColumnRange => {
    const slice = layoutOf(vector).slice(vector, from, to);
    const range = rangeOf(column, slice, to - from);
    return isDistinct ? { ...range, ...withoutBounds() } : range;
  });
  let [range, rows] = [ofPages[0]!, pages[0]!.to];
  for (const [p, { from, to }] of pages.entries()) {
    if (p === 0) continue;
    range = mergeRanges(range, rows, ofPages[p]!, to - from);
    rows = to;
  }
  return { range, pages: ofPages };
}

export function rangeOf(column: ColumnSpec, vector: Vector, length: number): ColumnRange {
  const { valid } = vector;
  let nulls = 0;
  if (valid !== null) for (let i = 0; i < length; i++) if (valid[i] === 0) nulls++;
  if (nulls === length) return { nulls, min: null, max: null };
  if (column.type === "json") return { nulls, min: null, max: null };
  return { nulls, ...ranges[vector.kind](vector as never, length) };
}

interface Bounds {
  readonly min: Value;
  readonly max: Value;
}

const withoutBounds = (): Bounds => ({ min: null, max: null });

const ranges: {
  readonly [K in Vector["kind"]]: (vector: Extract<Vector, { kind: K }>, length: number) => Bounds;
} = {
  string: textRange,
  int64: ({ values, valid }, length) => int64Range(values, valid, length),
  int32: ({ values, valid }, length) => numericRange(values, valid, length),
  float64: ({ values, valid }, length) => numericRange(values, valid, length),
  big: ({ values, valid }, length) => numericRange(values, valid, length),
  boolean: withoutBounds,
  bytes: withoutBounds,
  list: withoutBounds,
  map: withoutBounds,
  struct: withoutBounds,
};

function textRange(vector: Extract<Vector, { kind: "string" }>, length: number): Bounds {
  if (vector.distinct === true) return withoutBounds();
  const { valid, codes, dictionary } = vector;
  if (dictionary.length > length) return textRangeOfRows(vector, length);
  const seen = new Uint8Array(dictionary.length);
  for (let i = 0; i < length; i++) if (valid === null || valid[i] === 1) seen[codes[i]!] = 1;
  let min: string | null = null;
  let max: string | null = null;
  for (let code = 0; code < seen.length; code++) {
    if (seen[code] === 0) continue;
    const text = dictionary[code]!;
    if (min === null || compareCodePoints(text, min) < 0) min = text;
    if (max === null || compareCodePoints(text, max) > 0) max = text;
  }
  return { min, max };
}

/** The same for fewer rows than texts. Neighbours are often equal. */
function textRangeOfRows(
  { valid, codes, dictionary }: Extract<Vector, { kind: "string" }>,
  length: number,
): Bounds {
  let min: string | null = null;
  let max: string | null = null;
  let last = -1;
  for (let i = 0; i < length; i++) {
    const code = codes[i]!;
    if (code === last || (valid !== null && valid[i] === 0)) continue;
    last = code;
    const text = dictionary[code]!;
    if (min === null || compareCodePoints(text, min) < 0) min = text;
    if (max === null || compareCodePoints(text, max) > 0) max = text;
  }
  return { min, max };
}

/**
 * Compares int64 values by halves, because a bigint for each value costs more than the comparison.
 */
function int64Range(
  values: BigInt64Array,
  valid: Uint8Array | null,
  length: number,
): { min: bigint | null; max: bigint | null } {
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  let [min, max] = [-1, -1];
  const isLess = (a: number, b: number): boolean => {
    const left = halves[2 * a + 1]!;
    const right = halves[2 * b + 1]!;
    return left === right ? halves[2 * a]! >>> 0 < halves[2 * b]! >>> 0 : left < right;
  };
  for (let i = 0; i < length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    if (min < 0 || isLess(i, min)) min = i;
    if (max < 0 || isLess(max, i)) max = i;
  }
  return { min: min < 0 ? null : values[min]!, max: max < 0 ? null : values[max]! };
}

function numericRange<T extends number | bigint>(
  values: ArrayLike<T>,
  valid: Uint8Array | null,
  length: number,
): { min: T | null; max: T | null } {
  let min: T | null = null;
  let max: T | null = null;
  for (let i = 0; i < length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const value = values[i]!;
    if (value !== value) return { min: null, max: null }; // NaN has no place in an order
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
  }
  return { min, max };
}

export function mergeRanges(
  a: ColumnRange,
  aRows: number,
  b: ColumnRange,
  bRows: number,
): ColumnRange {
  const nulls = a.nulls + b.nulls;
  // If a row group with values has no range, the file has none either.
  if ((a.min === null && a.nulls < aRows) || (b.min === null && b.nulls < bRows))
    return { nulls, min: null, max: null };
  return { nulls, min: extremeOf(a.min, b.min, -1), max: extremeOf(a.max, b.max, 1) };
}

function extremeOf(a: Value, b: Value, sign: -1 | 1): Value {
  if (a === null) return b;
  if (b === null) return a;
  return compareBounds(a, b) * sign >= 0 ? a : b;
}

/** Compares values that have an order: texts by code point, and others by value. */
export function compareBounds(a: Value, b: Value): number {
  if (typeof a === "string") return compareCodePoints(a, b as string);
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

/**
 * Compares strings by code point (law 3: strings order by code point). UTF-16 agrees unless exactly
 * one side is a surrogate.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xs = x >= 0xd800 && x <= 0xdfff;
    const ys = y >= 0xd800 && y <= 0xdfff;
    return xs !== ys ? (xs ? 1 : -1) : x - y;
  }
  return a.length - b.length;
}
