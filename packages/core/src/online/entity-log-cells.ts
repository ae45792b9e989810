/**
 * Encodes the rows under one key of an entity log as cells. The log tail is one cell with the
 * newest rows; a quiet entity has no other. Older rows are in segments of bounded size. A segment
 * is written once, under its own id. So a reader of a log tail finds each segment unchanged, or
 * finds it gone and reads again.
 */
import { decodeRows, encodeRows, readRows } from "../columns/batch-codec.ts";
import { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { REBUILD_STEP } from "../rebuild-step.ts";

const FORMAT = 1;
/** A segment with more rows than this is cut into halves. */
export const SEGMENT_ROWS = 512;

export interface EntityLogFormat {
  readonly columns: readonly ColumnSpec[];
  /** The column whose value sorts the rows; it is never null. */
  readonly timeIndex: number;
}

export interface SegmentRef {
  readonly id: number;
  readonly count: number;
  /** Times of the segment's first and last row. */
  readonly first: number;
  readonly last: number;
}

export type EntityLogRow = readonly Value[];

export interface EntityLogTail {
  /** The id of the next segment. */
  readonly next: number;
  /** Oldest first. Every row of the log tail is at or after the last row of the last segment. */
  readonly segments: readonly SegmentRef[];
  readonly rows: Batch;
}

export function encodeTail(
  format: EntityLogFormat,
  next: number,
  segments: readonly SegmentRef[],
  rows: readonly EntityLogRow[],
): Uint8Array {
  const writer = new ByteWriter(256);
  writer.byte(FORMAT);
  writer.varint(next);
  writer.varint(segments.length);
  for (const segment of segments) {
    writer.varint(segment.id);
    writer.varint(segment.count);
    writer.float64(segment.first);
    writer.float64(segment.last);
  }
  writer.raw(encodeRows(format.columns, rows));
  return writer.copy();
}

/** Decodes a log tail. `wanted`: indexes of the columns to decode; all by default. */
export function decodeTail(
  format: EntityLogFormat,
  bytes: Uint8Array,
  wanted?: readonly number[],
): EntityLogTail {
  const { next, segments, reader } = openTail(bytes);
  return { next, segments, rows: readRows(format.columns, reader, wanted) };
}

/** Opens a log tail without decoding its rows: the reader is positioned before them. */
export function openTail(bytes: Uint8Array): {
  readonly next: number;
  readonly segments: readonly SegmentRef[];
  readonly reader: ByteReader;
} {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== FORMAT)
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `online store: a cell has format ${version}, this version reads ${FORMAT}: ` +
        "use the version of Tidemark that wrote it, " +
        `or ${REBUILD_STEP}`,
    );
  const next = reader.varint();
  const count = reader.itemCount();
  const segments =
    count === 0
      ? []
      : Array.from({ length: count }, () => ({
          id: reader.varint(),
          count: reader.varint(),
          first: reader.float64(),
          last: reader.float64(),
        }));
  return { next, segments, reader };
}

export function encodeSegment(format: EntityLogFormat, rows: readonly EntityLogRow[]): Uint8Array {
  return encodeRows(format.columns, rows);
}

export function decodeSegment(
  format: EntityLogFormat,
  bytes: Uint8Array,
  wanted?: readonly number[],
): Batch {
  return decodeRows(format.columns, bytes, wanted);
}

/** Turns a batch into rows that can be edited. */
export function rowsFromBatch({ length, vectors }: Batch): EntityLogRow[] {
  const rows = Array.from({ length }, () => new Array<Value>(vectors.length));
  vectors.forEach((vector, c) => {
    for (let i = 0; i < length; i++) rows[i]![c] = valueAt(vector, i);
  });
  return rows;
}
