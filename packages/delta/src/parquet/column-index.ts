/** Makes the column index of a column chunk: the least and the greatest value of each page. */
import type { SchemaElement } from "hyparquet";
import type { ColumnIndex } from "hyparquet/src/types.js";
import type { ParquetWriter } from "hyparquet-writer";
import { unconvertMinMax } from "hyparquet-writer/src/unconvert.js";
import type { Value } from "@tidemark/core/spi";
import { type ColumnRange, compareBounds } from "./statistics.ts";

/** A column chunk. One of more than one page has the index of its pages. */
export type IndexedChunk = ParquetWriter["pendingIndexes"][number];

/** The rows of a page, and their range. */
interface PageRange {
  readonly rows: number;
  readonly range: ColumnRange | null;
}

/** The column index of these pages. null: a page has values and no range. */
export function columnIndexOf(
  element: SchemaElement,
  pages: readonly PageRange[],
): ColumnIndex | null {
  const index = {
    null_pages: [] as boolean[],
    min_values: [] as Uint8Array[],
    max_values: [] as Uint8Array[],
    boundary_order: boundaryOrder(pages),
    null_counts: [] as bigint[],
  } satisfies ColumnIndex;
  for (const { rows, range } of pages) {
    if (range === null) return null;
    const { nulls, min, max } = range;
    const isNull = nulls === rows;
    const least = isNull ? undefined : boundBytes(element, min, -0);
    const greatest = isNull ? undefined : boundBytes(element, max, 0);
    if (!isNull && (least === undefined || greatest === undefined)) return null;
    index.null_pages.push(isNull);
    index.min_values.push(least ?? new Uint8Array(0));
    index.max_values.push(greatest ?? new Uint8Array(0));
    index.null_counts.push(BigInt(nulls));
  }
  return index;
}

function boundBytes(element: SchemaElement, value: Value, zero: number): Uint8Array | undefined {
  return value === null
    ? undefined
    : unconvertMinMax(boundOf(element, value, zero), element, Object.is(zero, 0));
}

type Bound = string | number | bigint;

/**
 * Returns a bound. Parquet wants −0 for a lower bound of zero and +0 for an upper one, since the
 * two compare equal.
 */
export function boundOf(element: SchemaElement, value: unknown, zero: number): Bound {
  if (element.type === "DOUBLE" && value === 0) return zero;
  if (element.type === "INT64" && typeof value === "number") return BigInt(value);
  return value as Bound;
}

/** Whether the least and the greatest values of the pages with values ascend or descend. */
function boundaryOrder(pages: readonly PageRange[]): ColumnIndex["boundary_order"] {
  let [ascends, descends] = [true, true];
  let before: ColumnRange | null = null;
  for (const { range } of pages) {
    if (range === null || range.min === null) continue;
    if (before !== null)
      for (const order of [
        compareBounds(before.min, range.min),
        compareBounds(before.max, range.max),
      ]) {
        ascends &&= order <= 0;
        descends &&= order >= 0;
      }
    before = range;
  }
  return ascends ? "ASCENDING" : descends ? "DESCENDING" : "UNORDERED";
}
