/**
 * Materialized rows in cells of the online store.
 * A segment holds the rows of some thirty entities, chosen by hash, column by column.
 * So a day of half a million rows is sixteen thousand cells, made by copying arrays.
 * A read takes one segment, finds its row by the hash, and decodes one value of each column.
 */
import { valueAt, type Vector } from "../columns/batch.ts";
import { ByteReader, ByteWriter, damaged } from "../columns/bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";

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
  const arrays = vectors.map(fixedWidthBytes);
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
      else
        for (let row = start; row < end; row++)
          writeText(writer, columns[c]!, valueAt(vector, row));
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
    const width = WIDTHS[column.type];
    if (width !== undefined) {
      const value = fixedValue(column, dataView(reader.raw(rows * width)), found * width);
      return missing ? null : value;
    }
    let value: Value = null;
    for (let row = 0; row < rows; row++) {
      if (row === found && !missing) value = readText(reader, column);
      else reader.skipText();
    }
    return value;
  });
}

const ALL_PRESENT = 0;
const SOME_MISSING = 1;

/** Bytes of a value, for types whose values all have one length. */
const WIDTHS: { readonly [kind in ColumnSpec["type"]]?: number } = {
  float64: 8,
  timestamp: 8,
  int64: 8,
  int32: 4,
  date: 4,
  boolean: 1,
};

/**
 * The array behind a vector whose values all have one length. Node runs on little-endian machines
 * only.
 */
function fixedWidthBytes(
  vector: Vector,
): { readonly bytes: Uint8Array; readonly width: number } | null {
  if (vector.kind === "string" || vector.kind === "big" || vector.kind === "bytes") return null;
  const { values } = vector;
  return {
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    width: values.BYTES_PER_ELEMENT,
  };
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fixedValue(column: ColumnSpec, view: DataView, at: number): Value {
  switch (column.type) {
    case "int64":
      return view.getBigInt64(at, true);
    case "int32":
    case "date":
      return view.getInt32(at, true);
    case "boolean":
      return view.getUint8(at) === 1;
    default:
      return view.getFloat64(at, true);
  }
}

/** Writes a value of any length, with its length before it. A missing value has length 0. */
function writeText(writer: ByteWriter, column: ColumnSpec, value: Value): void {
  if (value === null) return writer.varint(0);
  if (column.type !== "bytes") return writer.text(String(value));
  writer.varint((value as Uint8Array).length);
  writer.raw(value as Uint8Array);
}

function readText(reader: ByteReader, column: ColumnSpec): Value {
  if (column.type === "bytes") return reader.raw(reader.itemCount()).slice();
  const text = reader.text();
  if (column.type !== "decimal") return text;
  if (!/^-?\d{1,39}$/.test(text)) throw damaged("has a decimal without digits");
  return BigInt(text);
}
