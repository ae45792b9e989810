/**
 * The rows under one key of a lane, as cells: the newest rows in the head, which is one cell and
 * all there is of a quiet entity; older ones in chunks bounded by count. A chunk is written once
 * under its own number, so a reader that holds a head either finds a chunk as the head means it or
 * finds it gone and reads the head again.
 */
import { decodeRows, encodeRows, readRows } from "../columns/batch-codec.ts";
import { ByteReader, ByteWriter } from "../columns/bytes.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";

const FORMAT = 1;
/** A chunk that grows beyond this is cut into halves. */
export const CHUNK_ROWS = 512;

export interface LaneFormat {
  readonly columns: readonly ColumnSpec[];
  /** The column whose value sorts the rows; never null. */
  readonly time: number;
}

export interface ChunkRef {
  readonly id: number;
  readonly count: number;
  /** Times of its first and last row. */
  readonly first: number;
  readonly last: number;
}

export type LaneRow = readonly Value[];

export interface LaneHead {
  /** The number of the next chunk. */
  readonly next: number;
  /** Oldest first; every row of the head is at or after the last row of the last chunk. */
  readonly chunks: readonly ChunkRef[];
  readonly rows: Batch;
}

export function encodeHead(
  format: LaneFormat,
  next: number,
  chunks: readonly ChunkRef[],
  rows: readonly LaneRow[],
): Uint8Array {
  const writer = new ByteWriter(256);
  writer.byte(FORMAT);
  writer.count(next);
  writer.count(chunks.length);
  for (const chunk of chunks) {
    writer.count(chunk.id);
    writer.count(chunk.count);
    writer.float64(chunk.first);
    writer.float64(chunk.last);
  }
  writer.raw(encodeRows(format.columns, rows));
  return writer.copy();
}

/** `wanted`: indexes of the columns to decode; all without it. */
export function decodeHead(
  format: LaneFormat,
  bytes: Uint8Array,
  wanted?: readonly number[],
): LaneHead {
  const { next, chunks, reader } = openHead(bytes);
  return { next, chunks, rows: readRows(format.columns, reader, wanted) };
}

/** A head whose rows are not decoded yet: the reader stands before them. */
export function openHead(bytes: Uint8Array): {
  readonly next: number;
  readonly chunks: readonly ChunkRef[];
  readonly reader: ByteReader;
} {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== FORMAT)
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `online store: a cell has format ${version}, this version reads ${FORMAT}: use the ` +
        "version of Tidemark that wrote it, or empty the online store and run the log again",
    );
  const next = reader.count();
  const count = reader.items();
  const chunks =
    count === 0
      ? []
      : Array.from({ length: count }, () => ({
          id: reader.count(),
          count: reader.count(),
          first: reader.float64(),
          last: reader.float64(),
        }));
  return { next, chunks, reader };
}

export function encodeChunk(format: LaneFormat, rows: readonly LaneRow[]): Uint8Array {
  return encodeRows(format.columns, rows);
}

export function decodeChunk(
  format: LaneFormat,
  bytes: Uint8Array,
  wanted?: readonly number[],
): Batch {
  return decodeRows(format.columns, bytes, wanted);
}

/** A batch as rows, for editing. */
export function rowsOf({ length, vectors }: Batch): LaneRow[] {
  const rows = Array.from({ length }, () => new Array<Value>(vectors.length));
  vectors.forEach((vector, c) => {
    for (let i = 0; i < length; i++) rows[i]![c] = valueAt(vector, i);
  });
  return rows;
}
