/**
 * Encodes one column of one row group as pages. hyparquet-writer encodes the format; this module
 * keeps values in typed arrays until then.
 */
import { crc32 } from "node:zlib";
import type { ColumnChunk, Encoding, SchemaElement } from "hyparquet";
import type { PageLocation } from "hyparquet/src/types.js";
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import { layoutOf, type ScalarVector, wellFormedText } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";
import { zstd, zstdAsync } from "./codecs.ts";
import { boundOf, columnIndexOf, type IndexedChunk } from "./column-index.ts";
import type { LeafValues } from "./levels.ts";
import { pathOf } from "./schema-tree.ts";
import type { ColumnRange } from "./statistics.ts";

/** The size (bytes) below which compressing a page costs more than it saves. */
const MIN_COMPRESSED_BYTES = 256;
/** The same of each page of a column with many. */
const MIN_COMPRESSED_PAGE_BYTES = 1025;
/** From this size (bytes) on, a page is compressed in another thread. */
const MIN_ASYNC_BYTES = 65_536;
/** Of many pages, a compressed one is kept if it is smaller than this part of the page. */
const MAX_KEPT_PART = 0.9;

/** The rows of each data page of a column. The same cuts lie in every column. */
export interface PageCut {
  readonly from: number;
  readonly to: number;
}

/** Cuts the rows of a row group into pages of so many rows. Default: one page has all rows. */
export function pageCuts(rows: number, pageRows: number = rows): readonly PageCut[] {
  if (rows <= pageRows) return [{ from: 0, to: rows }];
  return Array.from({ length: Math.ceil(rows / pageRows) }, (_, page) => ({
    from: page * pageRows,
    to: Math.min(rows, (page + 1) * pageRows),
  }));
}

/** The bytes that a page takes besides its values: its header, and its places in the index. */
const PAGE_COST = 16;

/** Whether a column without parts has so few bytes that pages would take more. */
export function isSmallColumn(
  element: SchemaElement,
  vector: ScalarVector,
  rows: number,
  pages: number,
): boolean {
  const most = pages * PAGE_COST;
  if (vector.kind === "string" && vector.distinct === true) return false;
  const { valid } = vector;
  let present = rows;
  if (valid !== null) for (let i = 0; i < rows; i++) present -= 1 - valid[i]!;
  if (vector.kind !== "string" && vector.kind !== "boolean" && present * 4 > most) return false;
  if (valid !== null && levelBytes(valid, 1).length > most) return false;
  const bytes = valueBytes(element, vector, present, false);
  return (vector.kind === "boolean" ? zstd(bytes) : bytes).length <= most;
}

/** The pages of a column while they are being compressed. */
export interface ChunkPages {
  readonly path: readonly string[];
  /** The statistics; null: the column has none. */
  readonly range: ColumnRange | null;
  /** The number of entries of the dictionary and its page; null without a dictionary. */
  readonly dictionary: { readonly size: number; readonly page: EncodedPage } | null;
  readonly data: readonly DataPage[];
}

/** A data page. */
interface DataPage {
  readonly firstRow: number;
  readonly rows: number;
  /** The number of values and nulls. */
  readonly slots: number;
  readonly nulls: number;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  readonly values: EncodedPage;
  /** The least and the greatest value; null: the column has none. */
  readonly range: ColumnRange | null;
}

interface EncodedPage {
  readonly length: number;
  /** null: the page is not compressed. */
  readonly compressed: Promise<Uint8Array> | null;
  readonly bytes: Uint8Array;
}

/** Makes the pages of a column without parts. `ranges`: of each page. */
export function makePages(
  element: SchemaElement,
  vector: ScalarVector,
  cuts: readonly PageCut[],
  range: ColumnRange,
  ranges: readonly ColumnRange[],
): ChunkPages {
  const isOptional = element.repetition_type === "OPTIONAL";
  return {
    path: [element.name],
    range,
    ...valuePages(element, vector, cuts, (values, { from, to }, page) => {
      const own = ranges[page]!;
      const rows = to - from;
      const none = new Uint8Array(0);
      return {
        firstRow: from,
        rows,
        slots: rows,
        nulls: own.nulls,
        repetition: none,
        definition: isOptional ? levelBytes(values.valid ?? new Uint8Array(rows).fill(1), 1) : none,
        range: own,
        present: rows - own.nulls,
      };
    }),
  };
}

/** Makes the pages of one leaf of a column with parts. It has no statistics. */
export function makeLeafPages(
  { leaf: { node }, values, count, definition, repetition }: LeafValues,
  rows: readonly PageCut[],
): ChunkPages {
  const slots = slotCuts(repetition, rows);
  let at = 0;
  const valueCuts = slots.map(({ from, to }) => {
    const first = at;
    for (let i = from; i < to; i++) if (definition[i] === node.definition) at++;
    return { from: first, to: at };
  });
  if (at !== count) throw new Error(`column "${pathOf(node).join(".")}" has ${count} values`);
  return {
    path: pathOf(node),
    range: null,
    ...valuePages(node.element, values, valueCuts, (_, { from, to }, page) => {
      const slot = slots[page]!;
      return {
        firstRow: rows[page]!.from,
        rows: rows[page]!.to - rows[page]!.from,
        slots: slot.to - slot.from,
        nulls: slot.to - slot.from - (to - from),
        repetition: levelBytes(repetition.subarray(slot.from, slot.to), node.repetition),
        definition: levelBytes(definition.subarray(slot.from, slot.to), node.definition),
        range: null,
        present: to - from,
      };
    }),
  };
}

/** The slots of the rows of each page. A row begins with a slot of repetition level 0. */
function slotCuts(repetition: Uint8Array, rows: readonly PageCut[]): readonly PageCut[] {
  if (rows.length === 1) return [{ from: 0, to: repetition.length }];
  const cuts: PageCut[] = [];
  let row = -1;
  let from = 0;
  for (let i = 0; i < repetition.length; i++) {
    if (repetition[i] !== 0 || ++row !== rows[cuts.length]!.to) continue;
    cuts.push({ from, to: i });
    from = i;
  }
  return [...cuts, { from, to: repetition.length }];
}

/** Makes a dictionary page for strings, then the data pages. */
function valuePages(
  element: SchemaElement,
  vector: ScalarVector,
  cuts: readonly PageCut[],
  describe: (
    values: ScalarVector,
    cut: PageCut,
    page: number,
  ) => Omit<DataPage, "values"> & { readonly present: number },
): Pick<ChunkPages, "dictionary" | "data"> {
  const isDistinct = vector.kind === "string" && vector.distinct === true;
  const dictionary =
    vector.kind === "string" && !isDistinct
      ? textBytes(vector.dictionary.map(wellFormedText))
      : null;
  const raw = cuts.map((cut, p) => {
    const values =
      cuts.length === 1
        ? vector
        : (layoutOf(vector).slice(vector, cut.from, cut.to) as ScalarVector);
    const { present, ...page } = describe(values, cut, p);
    return { page, bytes: valueBytes(element, values, present, isDistinct) };
  });
  const least = cuts.length === 1 ? MIN_COMPRESSED_BYTES : MIN_COMPRESSED_PAGE_BYTES;
  // a small page is compressed if its dictionary is
  const rest = cuts.length === 1 ? (dictionary?.length ?? 0) : 0;
  return {
    dictionary:
      dictionary === null
        ? null
        : {
            size: (vector as Vector & { kind: "string" }).dictionary.length,
            page: encodedPage(
              dictionary,
              dictionary.length + (cuts.length === 1 ? raw[0]!.bytes.length : 0) >=
                MIN_COMPRESSED_BYTES,
            ),
          },
    data: raw.map(({ page, bytes }) => ({
      ...page,
      values: encodedPage(bytes, rest + bytes.length >= least),
    })),
  };
}

/** Encodes the values of a page. Texts that seldom repeat are written themselves. */
function valueBytes(
  element: SchemaElement,
  vector: ScalarVector,
  present: number,
  isDistinct: boolean,
): Uint8Array {
  if (vector.kind !== "string") return plainBytes(element, vector, present);
  const { codes, dictionary, valid } = vector;
  const presentCodes = presentValues(codes, valid, present);
  if (!isDistinct) return codeBytes(presentCodes, dictionary.length);
  return textBytes(
    dictionary.length === present
      ? dictionary
      : Array.from(presentCodes, (code) => dictionary[code]!),
  );
}

function encodedPage(bytes: Uint8Array, isCompressed: boolean): EncodedPage {
  if (!isCompressed) return { length: bytes.length, compressed: null, bytes };
  const compressed =
    bytes.length < MIN_ASYNC_BYTES ? Promise.resolve(zstd(bytes)) : zstdAsync(bytes);
  // another column may be refused before this one is waited for
  compressed.catch(() => undefined);
  return { length: bytes.length, compressed, bytes };
}

/** Appends the pages of a column to `writer`. More than one page have an index. */
export async function writeChunk(
  writer: ByteWriter,
  element: SchemaElement,
  { path, range, dictionary, data }: ChunkPages,
): Promise<IndexedChunk> {
  const start = writer.offset;
  let uncompressed = 0;
  let slots = 0;
  let isCompressed = false;

  let dictionaryOffset: bigint | undefined;
  if (dictionary !== null) {
    const { page } = dictionary;
    // a dictionary page does not say whether it is compressed: the chunk's codec does
    isCompressed =
      page.compressed !== null || data.some(({ values }) => values.compressed !== null);
    const bytes = isCompressed ? await (page.compressed ?? zstdAsync(page.bytes)) : page.bytes;
    dictionaryOffset = BigInt(writer.offset);
    writePageHeader(writer, {
      type: "DICTIONARY_PAGE",
      uncompressed_page_size: page.length,
      compressed_page_size: bytes.length,
      dictionary_page_header: { num_values: dictionary.size, encoding: "PLAIN" },
    });
    uncompressed += writer.offset - start + page.length;
    writer.appendBytes(bytes);
  }

  const dataOffset = writer.offset;
  const encoding: Encoding = dictionary === null ? "PLAIN" : "RLE_DICTIONARY";
  const locations: PageLocation[] = [];
  for (const { firstRow, rows, slots: count, nulls, repetition, definition, values } of data) {
    const compressed = await values.compressed;
    const isSmaller =
      compressed !== null &&
      (data.length === 1 || compressed.length < values.length * MAX_KEPT_PART);
    const page = isSmaller ? compressed : values.bytes;
    // a compressed page has a checksum of its own
    const hasChecksum = data.length > 1 && !isSmaller;
    isCompressed ||= isSmaller;
    const levels = repetition.length + definition.length;
    const offset = writer.offset;
    writePageHeader(writer, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: levels + values.length,
      compressed_page_size: levels + page.length,
      ...(hasChecksum && { crc: checksum([repetition, definition, page]) }),
      data_page_header_v2: {
        num_values: count,
        num_nulls: nulls,
        num_rows: rows,
        encoding,
        definition_levels_byte_length: definition.length,
        repetition_levels_byte_length: repetition.length,
        is_compressed: isSmaller,
      },
    });
    uncompressed += writer.offset - offset + levels + values.length;
    slots += count;
    writer.appendBytes(repetition);
    writer.appendBytes(definition);
    writer.appendBytes(page);
    locations.push({
      offset: BigInt(offset),
      compressed_page_size: writer.offset - offset,
      first_row_index: BigInt(firstRow),
    });
  }

  const columnIndex = columnIndexOf(element, data);
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        type: element.type!,
        path_in_schema: [...path],
        codec: isCompressed ? "ZSTD" : "UNCOMPRESSED",
        num_values: BigInt(slots),
        encodings: dictionary === null ? ["PLAIN", "RLE"] : ["PLAIN", "RLE", "RLE_DICTIONARY"],
        total_compressed_size: BigInt(writer.offset - start),
        total_uncompressed_size: BigInt(uncompressed),
        data_page_offset: BigInt(dataOffset),
        ...(dictionaryOffset === undefined ? {} : { dictionary_page_offset: dictionaryOffset }),
        ...(range === null ? {} : { statistics: statisticsOf(element, range) }),
      },
    },
    ...(locations.length > 1 && {
      offsetIndex: { page_locations: locations },
      ...(columnIndex !== null && { columnIndex }),
    }),
  };
}

/** The CRC of the bytes of a page, as Parquet's headers hold it: with a sign. */
function checksum(parts: readonly Uint8Array[]): number {
  return parts.reduce((crc, part) => crc32(part, crc), 0) | 0;
}

function statisticsOf(
  element: SchemaElement,
  { nulls, min, max }: ColumnRange,
): NonNullable<NonNullable<ColumnChunk["meta_data"]>["statistics"]> {
  const bounds =
    min === null || max === null
      ? {}
      : { min_value: boundOf(element, min, -0), max_value: boundOf(element, max, 0) };
  return { null_count: BigInt(nulls), ...bounds };
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
