/**
 * Encodes a row group's columns as bytes, in any thread. This module imports nothing else of
 * Tidemark, so that the worker starts quickly.
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import type { ScalarVector } from "@tidemark/core/internal";
import type { ColumnSpec, Vector } from "@tidemark/core/spi";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import {
  type ChunkPages,
  isSmallColumn,
  makeLeafPages,
  makePages,
  pageCuts,
  writeChunk,
} from "./column-chunk.ts";
import type { IndexedChunk } from "./column-index.ts";
import { planOf } from "./column-plan.ts";
import { withUsedTexts } from "./used-texts.ts";
import { leafValues } from "./levels.ts";
import { elementsOf } from "./nested-elements.ts";
import type { TimestampForm } from "./parquet-types.ts";
import { treesOf } from "./schema-tree.ts";
import { type ColumnRange, rangeOf, rangesOf } from "./statistics.ts";

/** The rows of a group, column by column. */
export interface RowGroupRows {
  readonly columns: readonly ColumnSpec[];
  readonly timestamps: TimestampForm;
  readonly rows: number;
  readonly vectors: readonly Vector[];
  /** The rows of a page. Default: each column has one page. */
  readonly pageRows?: number | undefined;
}

export interface EncodedGroup {
  readonly rows: number;
  /** The pages of the group. Offsets in `chunks` count from their beginning. */
  readonly bytes: Uint8Array;
  /** One chunk for each leaf, in the order of the schema, with the index of its pages. */
  readonly chunks: readonly IndexedChunk[];
  /** One range for each column, in the order of the columns. */
  readonly ranges: readonly ColumnRange[];
}

/** A value that the file's types cannot hold: the code and the error's message without the file. */
export interface EncodingRefusal {
  readonly refused: { readonly kind: "decimal" | "time"; readonly message: string };
}

export async function encodeGroup({
  columns,
  timestamps,
  rows,
  vectors,
  pageRows,
}: RowGroupRows): Promise<EncodedGroup | EncodingRefusal> {
  const ranges: ColumnRange[] = [];
  const leaves: { readonly element: SchemaElement; readonly pages: ChunkPages }[] = [];
  const pagesOfRows = pageCuts(rows, pageRows);
  for (const [c, column] of columns.entries()) {
    const vector = withUsedTexts(vectors[c]!);
    const [tree] = treesOf(elementsOf(column, timestamps));
    const { element } = tree!;
    const isOnePage =
      pagesOfRows.length > 1 &&
      element.num_children === undefined &&
      isSmallColumn(element, vector as ScalarVector, rows, pagesOfRows.length);
    const cuts = isOnePage ? pageCuts(rows) : pagesOfRows;
    const { range, pages } = rangesOf(column, vector, cuts);
    ranges.push(range);
    if (element.num_children === undefined) {
      const refused = outOfRange(column, range, rows);
      if (refused !== null) return { refused };
      leaves.push({
        element,
        pages: makePages(element, vector as ScalarVector, cuts, range, pages),
      });
    } else
      for (const part of leafValues(planOf(column, tree!)!, vector, rows)) {
        const { leaf, values, count } = part;
        const refused = outOfRange(leaf.column, rangeOf(leaf.column, values, count), count);
        if (refused !== null) return { refused };
        leaves.push({ element: leaf.node.element, pages: makeLeafPages(part, cuts) });
      }
    await yieldToEventLoop();
  }
  const writer = new ByteWriter(1 << 16);
  const chunks: IndexedChunk[] = [];
  for (const { element, pages } of leaves) chunks.push(await writeChunk(writer, element, pages));
  return { rows, bytes: writer.getBytes(), chunks, ranges };
}

/** Finds a value that the file's types cannot hold, before a byte of the group is written. */
function outOfRange(
  column: ColumnSpec,
  { nulls, min, max }: ColumnRange,
  rows: number,
): EncodingRefusal["refused"] | null {
  if (column.type === "decimal" && min !== null && max !== null) {
    const limit = 10n ** BigInt(column.precision ?? 38);
    if ((min as bigint) <= -limit || (max as bigint) >= limit) {
      return {
        kind: "decimal",
        message:
          `a value of column "${column.name}" has more than ${column.precision ?? 38} digits; ` +
          "declare a larger precision",
      };
    }
  }
  if (
    column.type === "timestamp" &&
    nulls < rows &&
    typeof min !== "bigint" &&
    !(Number.isSafeInteger(min) && Number.isSafeInteger(max))
  ) {
    return {
      kind: "time",
      message:
        `a value of column "${column.name}" is no whole number of microseconds below 2^53; ` +
        "make it null",
    };
  }
  return null;
}
