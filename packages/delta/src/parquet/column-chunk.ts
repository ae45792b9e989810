/**
 * Encodes one column of one row group as pages. hyparquet-writer encodes the format; this module
 * keeps values in typed arrays until then.
 */
import type { ColumnChunk, Encoding, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import { type ScalarVector, wellFormedText } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";
import { zstdAsync } from "./codecs.ts";
import type { LeafValues } from "./levels.ts";
import { pathOf } from "./schema-tree.ts";
import type { ColumnRange } from "./statistics.ts";

/** The size (bytes) below which compressing a page costs more than it saves. */
const MIN_COMPRESSED_BYTES = 256;

/** The pages of a column while they are being compressed. */
export interface ChunkPages {
  readonly path: readonly string[];
  readonly rows: number;
  /** The number of values and nulls. */
  readonly slots: number;
  /** The statistics; null: the column has none. */
  readonly range: ColumnRange | null;
  readonly nulls: number;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  /** The number of entries of the dictionary and its page; null without a dictionary. */
  readonly dictionary: { readonly size: number; readonly page: EncodedPage } | null;
  readonly values: EncodedPage;
}

interface EncodedPage {
  readonly length: number;
  readonly isCompressed: boolean;
  readonly bytes: Promise<Uint8Array>;
}

/** Makes the pages of a column without parts. */
export function makePages(
  element: SchemaElement,
  vector: ScalarVector,
  length: number,
  range: ColumnRange,
): ChunkPages {
  return {
    path: [element.name],
    rows: length,
    slots: length,
    range,
    nulls: range.nulls,
    repetition: new Uint8Array(0),
    definition:
      element.repetition_type === "OPTIONAL"
        ? levelBytes(vector.valid ?? new Uint8Array(length).fill(1), 1)
        : new Uint8Array(0),
    ...valuePages(element, vector, length - range.nulls),
  };
}

/** Makes the pages of one leaf of a column with parts. It has no statistics. */
export function makeLeafPages(
  { leaf: { node }, values, count, definition, repetition }: LeafValues,
  rows: number,
): ChunkPages {
  return {
    path: pathOf(node),
    rows,
    slots: definition.length,
    range: null,
    nulls: definition.length - count,
    repetition: levelBytes(repetition, node.repetition),
    definition: levelBytes(definition, node.definition),
    ...valuePages(node.element, values, count),
  };
}

/** Makes a dictionary page for strings, then one data page. */
function valuePages(
  element: SchemaElement,
  vector: ScalarVector,
  count: number,
): Pick<ChunkPages, "dictionary" | "values"> {
  const isDistinct = vector.kind === "string" && vector.distinct === true;
  const dictionary =
    vector.kind === "string" && !isDistinct
      ? textBytes(vector.dictionary.map(wellFormedText))
      : null;
  const values =
    vector.kind === "string"
      ? isDistinct
        ? textBytes(vector.dictionary)
        : codeBytes(presentValues(vector.codes, vector.valid, count), vector.dictionary.length)
      : plainBytes(element, vector, count);
  const isCompressed = (dictionary?.length ?? 0) + values.length >= MIN_COMPRESSED_BYTES;
  const page = (bytes: Uint8Array): EncodedPage => {
    const compressed = isCompressed ? zstdAsync(bytes) : Promise.resolve(bytes);
    // another column may be refused before this one is waited for
    compressed.catch(() => undefined);
    return { length: bytes.length, isCompressed, bytes: compressed };
  };
  return {
    dictionary:
      dictionary === null
        ? null
        : {
            size: (vector as Vector & { kind: "string" }).dictionary.length,
            page: page(dictionary),
          },
    values: page(values),
  };
}

/** Appends the pages of a column to `writer`. */
export async function writeChunk(
  writer: ByteWriter,
  element: SchemaElement,
  { path, rows, slots, range, nulls, repetition, definition, dictionary, values }: ChunkPages,
): Promise<ColumnChunk> {
  const pages = { dictionary: await dictionary?.page.bytes, values: await values.bytes };
  const start = writer.offset;
  const compress = values.isCompressed;
  let uncompressed = 0;

  let dictionaryOffset: bigint | undefined;
  if (dictionary !== null) {
    const page = pages.dictionary!;
    dictionaryOffset = BigInt(writer.offset);
    writePageHeader(writer, {
      type: "DICTIONARY_PAGE",
      uncompressed_page_size: dictionary.page.length,
      compressed_page_size: page.length,
      dictionary_page_header: { num_values: dictionary.size, encoding: "PLAIN" },
    });
    uncompressed += writer.offset - start + dictionary.page.length;
    writer.appendBytes(page);
  }

  const dataOffset = writer.offset;
  const page = pages.values;
  const levels = repetition.length + definition.length;
  const encoding: Encoding = dictionary === null ? "PLAIN" : "RLE_DICTIONARY";
  writePageHeader(writer, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levels + values.length,
    compressed_page_size: levels + page.length,
    data_page_header_v2: {
      num_values: slots,
      num_nulls: nulls,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: definition.length,
      repetition_levels_byte_length: repetition.length,
      is_compressed: compress,
    },
  });
  uncompressed += writer.offset - dataOffset + levels + values.length;
  writer.appendBytes(repetition);
  writer.appendBytes(definition);
  writer.appendBytes(page);

  return {
    file_offset: BigInt(start),
    meta_data: {
      type: element.type!,
      path_in_schema: [...path],
      codec: compress ? "ZSTD" : "UNCOMPRESSED",
      num_values: BigInt(slots),
      encodings: dictionary === null ? ["PLAIN", "RLE"] : ["PLAIN", "RLE", "RLE_DICTIONARY"],
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(dataOffset),
      ...(dictionaryOffset === undefined ? {} : { dictionary_page_offset: dictionaryOffset }),
      ...(range === null ? {} : { statistics: statisticsOf(element, range) }),
    },
  };
}

function statisticsOf(
  element: SchemaElement,
  { nulls, min, max }: ColumnRange,
): NonNullable<NonNullable<ColumnChunk["meta_data"]>["statistics"]> {
  const bounds =
    min === null || max === null
      ? {}
      : { min_value: bound(element, min, -0), max_value: bound(element, max, 0) };
  return { null_count: BigInt(nulls), ...bounds };
}

type Bound = string | number | bigint;

/**
 * Returns a bound. Parquet wants −0 for a lower bound of zero and +0 for an upper one, since the
 * two compare equal.
 */
function bound(element: SchemaElement, value: unknown, zero: number): Bound {
  if (element.type === "DOUBLE" && value === 0) return zero;
  if (element.type === "INT64" && typeof value === "number") return BigInt(value);
  return value as Bound;
}

/** Returns the values of the rows that have one. */
function presentValues<T extends Int32Array | Float64Array | BigInt64Array | Uint8Array>(
  values: T,
  valid: Uint8Array | null,
  count: number,
): T {
  if (valid === null) return values;
  const packed = new (values.constructor as new (length: number) => T)(count);
  let at = 0;
  for (let i = 0; i < valid.length; i++) if (valid[i] === 1) packed[at++] = values[i]!;
  return packed;
}

/** Encodes levels from 0 to `max`; where `max` is 0 there are none. */
function levelBytes(levels: Uint8Array, max: number): Uint8Array {
  const writer = new ByteWriter(64);
  if (max > 0) writeRleBitPackedHybrid(writer, levels, 32 - Math.clz32(max));
  return writer.getBytes();
}

function codeBytes(codes: Int32Array, size: number): Uint8Array {
  const width = size <= 1 ? 0 : 32 - Math.clz32(size - 1);
  const writer = new ByteWriter(codes.length + 64);
  writer.appendUint8(width);
  // A width of 0 means that every value is entry 0, in one run.
  writeRleBitPackedHybrid(writer, codes, width);
  return writer.getBytes();
}

/** Writes texts as Parquet's plain byte arrays. */
function textBytes(texts: readonly string[]): Uint8Array {
  let room = 0;
  for (const text of texts) room += 4 + text.length;
  let bytes: Buffer = Buffer.allocUnsafeSlow(room);
  let at = 0;
  for (const text of texts) {
    // most texts are ASCII, of one byte for each character
    if (at + 4 + text.length * 3 > bytes.length) {
      const needed = at + 4 + Buffer.byteLength(text);
      if (needed > bytes.length) bytes = withRoom(bytes, at, needed);
    }
    const written = bytes.write(text, at + 4, "utf8");
    bytes.writeUInt32LE(written, at);
    at += 4 + written;
  }
  return bytes.subarray(0, at);
}

/** The first bytes in a larger buffer, with room for half of it more. */
function withRoom(bytes: Buffer, length: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(needed + (needed >>> 1));
  larger.set(bytes.subarray(0, length));
  return larger;
}

type ValuesVector = Exclude<ScalarVector, { kind: "string" }>;

function plainBytes(element: SchemaElement, vector: ValuesVector, count: number): Uint8Array {
  return plainEncoders[vector.kind](vector as never, count, element);
}

/** Encode the present values of a vector as Parquet's PLAIN. */
const plainEncoders: {
  readonly [K in ValuesVector["kind"]]: (
    vector: Extract<ValuesVector, { kind: K }>,
    count: number,
    element: SchemaElement,
  ) => Uint8Array;
} = {
  boolean(vector, count) {
    const values = presentValues(vector.values, vector.valid, count);
    const bytes = new Uint8Array((count + 7) >> 3);
    for (let i = 0; i < count; i++) if (values[i] === 1) bytes[i >> 3]! |= 1 << (i & 7);
    return bytes;
  },
  int32: ({ values, valid }, count) => rawBytes(presentValues(values, valid, count)),
  int64: ({ values, valid }, count) => rawBytes(presentValues(values, valid, count)),
  float64(vector, count, element) {
    const values = presentValues(vector.values, vector.valid, count);
    return rawBytes(element.type === "INT64" ? microseconds(values) : values);
  },
  big: ({ values, valid }, count, element) => decimalBytesOf(element, values, valid, count),
  bytes({ values, valid }) {
    let room = 0;
    for (let i = 0; i < values.length; i++)
      if (valid === null || valid[i] === 1) room += 4 + values[i]!.length;
    const bytes = new Uint8Array(room);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (let i = 0; i < values.length; i++) {
      if (valid !== null && valid[i] === 0) continue;
      const value = values[i]!;
      view.setUint32(at, value.length, true);
      bytes.set(value, at + 4);
      at += 4 + value.length;
    }
    return bytes;
  },
};

function rawBytes(values: Int32Array | BigInt64Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Converts times to int64 by halves, without a bigint for each. Times are safe integers in doubles
 * (law 10: an exact integer of microseconds).
 */
function microseconds(values: Float64Array): BigInt64Array {
  const out = new BigInt64Array(values.length);
  const halves = new Int32Array(out.buffer);
  for (let i = 0; i < values.length; i++) {
    const high = Math.floor(values[i]! / 0x1_0000_0000);
    halves[2 * i] = values[i]! - high * 0x1_0000_0000;
    halves[2 * i + 1] = high;
  }
  return out;
}

function decimalBytesOf(
  element: SchemaElement,
  values: readonly bigint[],
  valid: Uint8Array | null,
  count: number,
): Uint8Array {
  const width = element.type === "INT32" ? 4 : element.type === "INT64" ? 8 : element.type_length!;
  const bytes = new Uint8Array(width * count);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    let value = values[i]!;
    if (element.type === "INT32") view.setInt32(at, Number(value), true);
    else if (element.type === "INT64") view.setBigInt64(at, value, true);
    else {
      // More than 18 digits take nine bytes or more: the low eight at once, then the rest.
      view.setBigUint64(at + width - 8, BigInt.asUintN(64, value));
      value >>= 64n;
      if (width === 16) view.setBigInt64(at, value);
      else
        for (let byte = width - 9; byte >= 0; byte--) {
          bytes[at + byte] = Number(value & 0xffn);
          value >>= 8n;
        }
    }
    at += width;
  }
  return bytes;
}
