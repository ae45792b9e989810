/**
 * Encodes the rows under one key of an entity log as cells. The log tail is one cell with the
 * newest rows; a quiet entity has no other. Older rows are in segments of bounded size. Nodes refer
 * to the segments, and to other nodes (`nodes/node-cells.ts`); the log tail refers to the root. A
 * segment and a node are written once, under their own ids. So a reader of a log tail finds each of
 * them unchanged, or finds it gone and reads again.
 */
import { decodeRows, encodeRows, readRows } from "../columns/batch-codec.ts";
import { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { REBUILD_STEP } from "../rebuild-step.ts";

/** A log tail that names its segments itself. Today only one without segments is written so. */
const WITHOUT_ROOT = 1;
const WITH_ROOT = 2;
/** A segment with more rows than this is cut into halves. */
export const SEGMENT_ROWS = 512;

export interface EntityLogFormat {
  readonly columns: readonly ColumnSpec[];
  /** The column whose value sorts the rows; it is never null. */
  readonly timeIndex: number;
  /**
   * The column of the log order, before that of the oldest image order. Omitted: rows of a
   * dimension, and quarantined rows, which have no partial states.
   */
  readonly orderIndex?: number | undefined;
}

export interface SegmentRef {
  readonly id: number;
  readonly count: number;
  /** Times of the segment's first and last row. */
  readonly first: number;
  readonly last: number;
}

/** The node that refers to all segments of an entity log, directly or through other nodes. */
export interface RootRef {
  readonly id: number;
  /** The number of rows in its segments, and of the segments. */
  readonly count: number;
  readonly segments: number;
  /** Times of the first and the last row. */
  readonly first: number;
  readonly last: number;
  /** The time of the last row below the root's first reference. */
  readonly oldest: number;
}

export type EntityLogRow = readonly Value[];

/** A log tail whose rows are not decoded. */
export interface OpenedTail {
  /** The id of the next segment or node. */
  readonly next: number;
  /**
   * The segments that the log tail names itself, oldest first. An older version of Tidemark wrote
   * them; there is no root then.
   */
  readonly segments: readonly SegmentRef[];
  readonly root: RootRef | null;
  /** Its position is before the rows. */
  readonly reader: ByteReader;
}

/** Every row of a log tail is at or after the last row of the last segment. */
export interface EntityLogTail extends Omit<OpenedTail, "reader"> {
  readonly rows: Batch;
}

export function encodeTail(
  format: EntityLogFormat,
  next: number,
  root: RootRef | null,
  rows: readonly EntityLogRow[],
): Uint8Array {
  const writer = new ByteWriter(256);
  writer.byte(root === null ? WITHOUT_ROOT : WITH_ROOT);
  writer.varint(next);
  if (root === null) writer.varint(0);
  else {
    writer.varint(root.id);
    writer.varint(root.count);
    writer.varint(root.segments);
    writer.float64(root.first);
    writer.float64(root.last);
    writer.float64(root.oldest);
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
  const { next, segments, root, reader } = openTail(bytes);
  return { next, segments, root, rows: readRows(format.columns, reader, wanted) };
}

/** Opens a log tail without decoding its rows: the reader is positioned before them. */
export function openTail(bytes: Uint8Array): OpenedTail {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== WITHOUT_ROOT && format !== WITH_ROOT) throw newerCell(format, WITH_ROOT);
  const next = reader.varint();
  if (format === WITH_ROOT)
    return {
      next,
      segments: [],
      root: {
        id: reader.varint(),
        count: reader.varint(),
        segments: reader.varint(),
        first: reader.float64(),
        last: reader.float64(),
        oldest: reader.float64(),
      },
      reader,
    };
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
  return { next, segments, root: null, reader };
}

/** The error of a cell that a newer version of Tidemark wrote. */
export function newerCell(found: number, known: number): TidemarkError {
  return new TidemarkError(
    "STATE_NEWER_FORMAT",
    `online store: a cell has format ${found}, this version reads up to ${known}: ` +
      "use the version of Tidemark that wrote it, " +
      `or ${REBUILD_STEP}`,
  );
}

/** The number of rows in a log tail and its segments. */
export function rowsOfLog(tail: OpenedTail): number {
  const { segments, root } = tail;
  return segments.reduce((sum, { count }) => sum + count, rowsOfTail(tail) + (root?.count ?? 0));
}

/** The number of rows in a log tail itself. */
export function rowsOfTail({ reader }: OpenedTail): number {
  const { position } = reader;
  const rows = reader.varint();
  reader.position = position;
  return rows;
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
