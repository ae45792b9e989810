/**
 * Decodes one data page into its levels and its physical values. A damaged page is an error, never
 * an endless loop or a read beyond the page.
 */
import type { CompressionCodec, DecodedArray, SchemaElement } from "hyparquet";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import { isOneRun, type StoredPage } from "./chunk-pages.ts";
import { decompress } from "./codecs.ts";
import { int64Deltas, lengthsThenBytes, prefixedBytes } from "./deltas.ts";
import type { GroupMemory } from "./limits.ts";
import type { ParquetNode } from "./schema-tree.ts";

export interface DecodedPage {
  /** The number of slots: values, nulls and empty lists. */
  readonly count: number;
  /** The definition level of each slot; null if each has a value. */
  readonly definition: Uint8Array | null;
  /** The repetition level of each slot; null if the column has no lists. */
  readonly repetition: Uint8Array | null;
  /**
   * The values that are present; where `indexed`, their indexes in the dictionary. A boolean is 0
   * or 1.
   */
  readonly values: DecodedArray;
  readonly indexed: boolean;
}

/** Decodes a data page. `room` is the number of slots that still have no page. */
export function decodePage(
  { header, body, values }: StoredPage,
  { element, ...max }: Pick<ParquetNode, "element" | "definition" | "repetition">,
  codec: CompressionCodec,
  room: number,
  memory: GroupMemory,
): DecodedPage {
  const v2 = header.data_page_header_v2;
  const { num_values: count, encoding } = (v2 ?? header.data_page_header)!;
  if (!(count >= 0 && count <= room)) throw new Error(`a page claims ${count} rows of ${room}`);
  if (values === null) memory.spend(header.uncompressed_page_size);
  const levels = (bytes: Uint8Array, from: number, to: number, greatest: number): Uint8Array =>
    unpackLevels(bytes, from, to, greatest, count);
  let repetition: Uint8Array | null = null;
  let definition: Uint8Array | null = null;
  let data: Uint8Array;
  if (v2) {
    const { repetition_levels_byte_length: first, definition_levels_byte_length: second } = v2;
    const start = first + second;
    if (!(first >= 0 && second >= 0 && start <= body.length))
      throw new Error("the levels of a page lie outside it");
    if (max.repetition > 0) repetition = levels(body, 0, first, max.repetition);
    const hasAll = values !== null && second === 0;
    if (max.definition > 0 && !hasAll && !isOneRun(body, first, start, max.definition, count))
      definition = levels(body, first, start, max.definition);
    const rest = body.subarray(start);
    data =
      v2.is_compressed === false
        ? rest
        : (values ?? decompress(rest, header.uncompressed_page_size - start, codec));
  } else {
    data = decompress(body, header.uncompressed_page_size, codec);
    const next = (greatest: number): Uint8Array => {
      const end = 4 + lengthAt(data, 0);
      const found = levels(data, 4, end, greatest);
      data = data.subarray(end);
      return found;
    };
    if (max.repetition > 0) repetition = next(max.repetition);
    if (max.definition > 0) definition = next(max.definition);
  }
  let present = count;
  if (definition !== null) {
    present = 0;
    for (let i = 0; i < count; i++) if (definition[i] === max.definition) present++;
    if (present === count) definition = null;
  }
  const indexed = encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY";
  return {
    count,
    definition,
    repetition,
    indexed,
    values: indexed
      ? dictionaryIndexes(data, present)
      : decodeValues(data, encoding, element, present, memory),
  };
}

function unpackLevels(
  bytes: Uint8Array,
  from: number,
  to: number,
  greatest: number,
  count: number,
): Uint8Array {
  const levels = unpack(bytes, from, to, 32 - Math.clz32(greatest), new Uint8Array(count));
  // where the levels fill their bits, no level can be too great
  if ((greatest & (greatest + 1)) !== 0)
    for (let i = 0; i < count; i++)
      if (levels[i]! > greatest) throw new Error(`a level is ${levels[i]} of ${greatest}`);
  return levels;
}

function dictionaryIndexes(data: Uint8Array, count: number): Int32Array {
  if (count === 0) return new Int32Array(0);
  if (data.length === 0) throw new Error("a page is empty");
  return unpack(data, 1, data.length, data[0]!, new Int32Array(count));
}

function decodeValues(
  data: Uint8Array,
  encoding: string,
  element: SchemaElement,
  count: number,
  memory: GroupMemory,
): DecodedArray {
  const type = element.type!;
  const reader = { view: new DataView(data.buffer, data.byteOffset, data.byteLength), offset: 0 };
  if (count === 0) return [];
  switch (encoding) {
    case "PLAIN":
      return plainValues(data, element, count);
    case "RLE":
      return unpack(data, 4, 4 + lengthAt(data, 0), 1, new Uint8Array(count));
    case "BYTE_STREAM_SPLIT":
      return byteStreamSplit(reader, count, type, element.type_length);
    case "DELTA_BINARY_PACKED": {
      if (type !== "INT32") return int64Deltas(data, count);
      const values = new Int32Array(count);
      deltaBinaryUnpack(reader, count, values);
      return values;
    }
    case "DELTA_LENGTH_BYTE_ARRAY":
      return lengthsThenBytes(reader, count);
    case "DELTA_BYTE_ARRAY":
      return prefixedBytes(reader, count, (bytes) => memory.spend(bytes));
    default:
      throw new Error(`encoding ${encoding} is not known`);
  }
}

/**
 * Checks the claimed size against the page first, because hyparquet takes views of the whole
 * buffer.
 */
export function plainValues(
  data: Uint8Array,
  { type, type_length: width }: SchemaElement,
  count: number,
): DecodedArray {
  const bits =
    type === "BOOLEAN"
      ? 1
      : type === "INT32" || type === "FLOAT"
        ? 32
        : type === "INT64" || type === "DOUBLE"
          ? 64
          : type === "INT96"
            ? 96
            : type === "BYTE_ARRAY"
              ? 32
              : 8 * (width ?? 0);
  if (!(count >= 0 && Math.ceil((count * bits) / 8) <= data.length))
    throw new Error(`${count} values do not fit in ${data.length} bytes`);
  if (type === "BOOLEAN") return plainBits(data, count);
  const reader = { view: new DataView(data.buffer, data.byteOffset, data.byteLength), offset: 0 };
  const values = readPlain(reader, type!, count, width);
  if (reader.offset > data.length) throw new Error("the values of a page end outside it");
  return values;
}

function plainBits(data: Uint8Array, count: number): Uint8Array {
  const bits = new Uint8Array(count);
  for (let i = 0; i < count; i++) bits[i] = (data[i >>> 3]! >>> (i & 7)) & 1;
  return bits;
}

function lengthAt(data: Uint8Array, at: number): number {
  const length = new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(at, true);
  if (at + 4 + length > data.length) throw new Error("a run of a page ends outside it");
  return length;
}

/** Decodes Parquet's hybrid of runs and bit-packed groups of eight. */
function unpack<T extends Uint8Array | Int32Array>(
  bytes: Uint8Array,
  from: number,
  to: number,
  width: number,
  out: T,
): T {
  if (width > 32) throw new Error(`${width} bits are too many for a place`);
  const step = (width + 7) >> 3;
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let at = from;
  let done = 0;
  while (done < out.length) {
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= to || shift > 28) throw new Error("the runs of a page end too soon");
      const byte = bytes[at++]!;
      head |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const count = Math.min((head & 1) === 1 ? (head >>> 1) * 8 : head >>> 1, out.length - done);
    if ((head & 1) === 0) {
      if (at + step > to) throw new Error("the runs of a page end too soon");
      let value = 0;
      for (let byte = 0; byte < step; byte++) value |= bytes[at + byte]! << (8 * byte);
      out.fill(value, done, done + count);
      at += step;
    } else {
      if (at + ((count * width + 7) >> 3) > to) throw new Error("the runs of a page end too soon");
      for (let i = 0, bit = 0; i < count; i++, bit += width) {
        const byte = at + (bit >>> 3);
        const shift = bit & 7;
        let value =
          (bytes[byte]! |
            (bytes[byte + 1]! << 8) |
            (bytes[byte + 2]! << 16) |
            (bytes[byte + 3]! << 24)) >>>
          shift;
        if (shift + width > 32) value |= bytes[byte + 4]! << (32 - shift);
        out[done + i] = value & mask;
      }
      at += (head >>> 1) * width;
    }
    done += count;
  }
  return out;
}
