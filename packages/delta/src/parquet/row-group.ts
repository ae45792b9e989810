/**
 * Encodes a row group's columns as bytes, in any thread. This module imports nothing else of
 * Tidemark, so that the worker starts quickly.
 */
import type { ColumnChunk } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import type { ColumnSpec, Vector } from "@tidemark/core/spi";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import { type ChunkPages, makePages, writeChunk } from "./column-chunk.ts";
import { elementOf, type TimestampForm } from "./elements.ts";
import { type ColumnRange, rangeOf } from "./statistics.ts";

/** The rows of a group, column by column. */
export interface RowGroupRows {
  readonly columns: readonly ColumnSpec[];
  readonly timestamps: TimestampForm;
  readonly rows: number;
  readonly vectors: readonly Vector[];
}

export interface EncodedGroup {
  readonly rows: number;
  /** The pages of the group. Offsets in `chunks` count from their beginning. */
  readonly bytes: Uint8Array;
  readonly chunks: readonly ColumnChunk[];
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
}: RowGroupRows): Promise<EncodedGroup | EncodingRefusal> {
  const elements = columns.map((column) => elementOf(column, timestamps));
  const ranges: ColumnRange[] = [];
  const pages: ChunkPages[] = [];
  for (const [c, column] of columns.entries()) {
    const range = rangeOf(column, vectors[c]!, rows);
    const refused = outOfRange(column, range, rows);
    if (refused !== null) return { refused };
    ranges.push(range);
    pages.push(makePages(elements[c]!, vectors[c]!, rows, range));
    await yieldToEventLoop();
  }
  const writer = new ByteWriter(1 << 16);
  const chunks: ColumnChunk[] = [];
  for (const [c, column] of pages.entries())
    chunks.push(await writeChunk(writer, elements[c]!, column));
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
