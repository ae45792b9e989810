/**
 * Encodes batches as bytes, for cells of the online store.
 * Columns are encoded one by one: numbers as varints, strings by dictionary, a constant column
 * once.
 * Only values are stored, because writer and reader both know the columns.
 * Every block starts with its encoding and its length, so a reader may skip it.
 */
import type { ColumnSpec, Value } from "../specs.ts";
import { newArrays, reusedArrays, type ArrayAllocator } from "../types/array-allocator.ts";
import { decodeColumn, encodeColumn, MAX_BATCH_ROWS } from "../types/column-codec.ts";
import { typeOf } from "../types/value-types.ts";
import type { Vector } from "../types/vector.ts";
import type { Batch } from "./batch.ts";
import { ByteReader, ByteWriter, damaged } from "../bytes/bytes.ts";

/** Encodes rows whose values come in the order of `columns`. */
export function encodeRows(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly Value[])[],
): Uint8Array {
  const writer = new ByteWriter(64 + rows.length * columns.length * 4);
  writer.varint(rows.length);
  const block = new ByteWriter(64 + rows.length * 8);
  for (let c = 0; c < columns.length; c++) {
    block.clear();
    encodeColumn(block, typeOf(columns[c]!), rows, c);
    writer.varint(block.length);
    writer.raw(block.view());
  }
  return writer.copy();
}

/**
 * Decodes a batch. `wanted` has the indexes of the columns to decode; all columns without it.
 *
 * @throws STATE_DAMAGED when the bytes are not those of such a batch.
 */
export function decodeRows(
  columns: readonly ColumnSpec[],
  bytes: Uint8Array,
  wanted?: readonly number[],
): Batch {
  return readRows(columns, new ByteReader(bytes), wanted);
}

/** Decodes a batch from the reader's position. See `decodeRows`. */
export function readRows(
  columns: readonly ColumnSpec[],
  reader: ByteReader,
  wanted?: readonly number[],
): Batch {
  return decode(columns, projectionOf(columns, wanted), reader, newArrays);
}

/**
 * Makes a decoder that decodes one batch after another into the same arrays.
 * The next batch makes the one before it void. Vectors may be longer than the batch.
 * The decoder starts at the reader's position.
 *
 * @throws STATE_DAMAGED when the bytes are not those of such batches.
 */
export function reusingDecoder(
  columns: readonly ColumnSpec[],
  wanted?: readonly number[],
): (reader: ByteReader) => Batch {
  const picked = projectionOf(columns, wanted);
  const arrays = reusedArrays();
  return (reader) => {
    arrays.reset();
    return decode(columns, picked, reader, arrays);
  };
}

interface Projection {
  /** Whether each column is decoded. */
  readonly included: readonly boolean[];
  readonly columns: readonly ColumnSpec[];
}

function projectionOf(
  columns: readonly ColumnSpec[],
  wanted: readonly number[] | undefined,
): Projection {
  const included = columns.map((_, c) => wanted === undefined || wanted.includes(c));
  return { included, columns: columns.filter((_, c) => included[c]) };
}

function decode(
  columns: readonly ColumnSpec[],
  { included, columns: read }: Projection,
  reader: ByteReader,
  arrays: ArrayAllocator,
): Batch {
  const length = reader.varint();
  if (length > MAX_BATCH_ROWS) throw damaged(`claims ${length} rows`);
  const vectors: Vector[] = [];
  for (let c = 0; c < columns.length; c++) {
    const size = reader.itemCount();
    const end = reader.position + size;
    if (included[c] === true) {
      vectors.push(decodeColumn(reader, typeOf(columns[c]!), length, arrays));
      if (reader.position > end)
        throw damaged(`has a column ${columns[c]!.name} longer than it says`);
    }
    reader.position = end;
  }
  return { length, columns: read, vectors };
}
