/**
 * Materialized rows in cells of the online store.
 * A segment holds the rows of some thirty entities, chosen by hash, column by column.
 * So a day of half a million rows is sixteen thousand cells, made by copying arrays.
 * A read takes one segment, finds its row by the hash, and decodes one value of each column.
 */
import { valueAt, type Vector } from "../columns/batch.ts";
import { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";

const FORMAT = 1;
/** The most rows in a segment, on average. The average is more than half of it. */
const ROWS_PER_SEGMENT = 48;

/**
 * The number of segments for so many rows.
 * It is a power of two, so that the low bits of a row's hash give its segment.
 */
export function segmentsFor(rows: number): number {
  let segments = 1;
  while (segments * ROWS_PER_SEGMENT < rows) segments *= 2;
  return segments;
}

/** The rows of a day, in the order of their segments. */
export interface SegmentRows {
  /** `hashText` of each key's text. */
  readonly hashes: Uint32Array;
  readonly text: (row: number) => string;
  /** The columns and their vectors, by feature. */
  readonly columns: readonly ColumnSpec[];
  readonly vectors: readonly Vector[];
}

/**
 * Encodes rows [start, end) as a segment: format, count, hashes, keys and columns.
 * Each column begins with a byte that says whether values are missing, then which, then the values.
 */
export function segmentEncoder({
  hashes,
  text,
  columns,
  vectors,
}: SegmentRows): (start: number, end: number) => Uint8Array {
  const writer = new ByteWriter(16_384);
  const arrays = vectors.map((vector, c) => fixedWidthBytes(columns[c]!, vector));
  const raw = new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  return (start, end) => {
    writer.clear();
    writer.byte(FORMAT);
    writer.varint(end - start);
    writer.raw(raw.subarray(start * 4, end * 4));
    for (let row = start; row < end; row++) writer.text(text(row));
    for (let c = 0; c < columns.length; c++) {
      const vector = vectors[c]!;
      const missing = vector.valid !== null && vector.valid.subarray(start, end).includes(0);
      writer.byte(missing ? SOME_MISSING : ALL_PRESENT);
      if (missing) writer.raw(vector.valid!.subarray(start, end));
      const array = arrays[c]!;
      if (array !== null) writer.raw(array.bytes.subarray(start * array.width, end * array.width));
      else writeElements(writer, columns[c]!, vector, start, end);
    }
    return writer.copy();
  };
}

/**
 * The values of the row under this key. null: the segment has no such row.
 *
 * @throws STATE_DAMAGED when the bytes are no segment.
 * @throws STATE_NEWER_FORMAT when another version of Tidemark wrote the segment.
 */
export function rowOfSegment(
  columns: readonly ColumnSpec[],
  bytes: Uint8Array,
  hash: number,
  key: string,
): readonly Value[] | null {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== FORMAT)
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `online store: a page of materialized rows has format ${format}, ` +
        `this version reads ${FORMAT}: use the version of Tidemark that wrote it, ` +
        "or materialize the view again",
    );
  const rows = reader.itemCount();
  const hashes = dataView(reader.raw(rows * 4));
  let found = -1;
  for (let row = 0; row < rows; row++) {
    if (found < 0 && hashes.getUint32(row * 4, true) === hash) {
      if (reader.text() === key) found = row;
    } else reader.skipText();
  }
  if (found < 0) return null;
  return columns.map((column) => {
    const missing = reader.byte() === SOME_MISSING && reader.raw(rows)[found] === 0;
    const { element } = typeOf(column).layout;
    if (element.width !== null) {
      const values = dataView(reader.raw(rows * element.width));
      return missing ? null : element.read(values, found * element.width);
    }
    let value: Value = null;
    for (let row = 0; row < rows; row++) {
      if (row === found && !missing) value = element.read(reader);
      else reader.skipText();
    }
    return value;
  });
}

/** The texts of the keys in a segment. */
export function keysOfSegment(bytes: Uint8Array): readonly string[] {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== FORMAT) return [];
  const rows = reader.itemCount();
  reader.raw(rows * 4);
  return Array.from({ length: rows }, () => reader.text());
}

/** The segment without the row under this key. null: the segment has no such row. */
export function segmentWithout(
  columns: readonly ColumnSpec[],
  bytes: Uint8Array,
  hash: number,
  key: string,
): Uint8Array | null {
  if (rowOfSegment(columns, bytes, hash, key) === null) return null;
  const reader = new ByteReader(bytes);
  const writer = new ByteWriter(bytes.length);
  writer.byte(reader.byte());
  const rows = reader.itemCount();
  writer.varint(rows - 1);
  const raw = reader.raw(rows * 4);
  const hashes = dataView(raw);
  const texts = Array.from({ length: rows }, () => reader.text());
  const out = texts.findIndex(
    (text, row) => text === key && hashes.getUint32(row * 4, true) === hash,
  );
  const without = (all: Uint8Array, width: number): void => {
    writer.raw(all.subarray(0, out * width));
    writer.raw(all.subarray((out + 1) * width));
  };
  without(raw, 4);
  texts.forEach((text, row) => {
    if (row !== out) writer.text(text);
  });
  for (const column of columns) {
    const missing = reader.byte();
    writer.byte(missing);
    if (missing === SOME_MISSING) without(reader.raw(rows), 1);
    const { width } = typeOf(column).layout.element;
    if (width !== null) {
      without(reader.raw(rows * width), width);
      continue;
    }
    for (let row = 0; row < rows; row++) {
      const value = reader.raw(reader.itemCount());
      if (row === out) continue;
      writer.varint(value.length);
      writer.raw(value);
    }
  }
  return writer.copy();
}

const ALL_PRESENT = 0;
const SOME_MISSING = 1;

/** Writes values of any length, each with its length before it. A missing value has length 0. */
function writeElements(
  writer: ByteWriter,
  column: ColumnSpec,
  vector: Vector,
  start: number,
  end: number,
): void {
  const { element } = typeOf(column).layout;
  if (element.width !== null) return;
  for (let row = start; row < end; row++) {
    const value = valueAt(vector, row);
    if (value === null) writer.varint(0);
    else element.write(writer, value);
  }
}

/**
 * The array behind a vector whose values all have one length. Node runs on little-endian machines
 * only.
 */
function fixedWidthBytes(
  column: ColumnSpec,
  vector: Vector,
): { readonly bytes: Uint8Array; readonly width: number } | null {
  const { width } = typeOf(column).layout.element;
  if (width === null || !("values" in vector)) return null;
  const { buffer, byteOffset, byteLength } = vector.values as Float64Array;
  return { bytes: new Uint8Array(buffer, byteOffset, byteLength), width };
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
