/**
 * Decodes Parquet's delta encodings. hyparquet decodes int32; the others are decoded here, because
 * hyparquet bounds neither the length of a number nor the texts that share a beginning.
 */
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";

/** Reads from a page, as hyparquet's functions do. */
export interface PageReader {
  readonly view: DataView;
  offset: number;
}

const MAX_BIT_WIDTH = 64;

/** Decodes DELTA_BINARY_PACKED numbers of 64 bits. */
export function int64Deltas(data: Uint8Array, count: number): BigInt64Array {
  const values = new BigInt64Array(count);
  // A number is read by eight bytes at a time, so bytes follow the last one.
  const padded = new Uint8Array(data.length + 16);
  padded.set(data);
  const view = new DataView(padded.buffer);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= data.length) throw new Error("the numbers of a page end too soon");
      const byte = padded[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error("a number of a page is too long");
  };
  const zigzag = (): bigint => {
    const value = varint();
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  };
  const blockSize = Number(varint());
  const miniblocks = Number(varint());
  varint(); // how many numbers follow, which the page header says too
  const perMiniblock = blockSize / miniblocks;
  if (!Number.isInteger(perMiniblock) || perMiniblock % 8 !== 0 || perMiniblock === 0)
    throw new Error(`a page has ${miniblocks} blocks in ${blockSize} numbers`);
  let value = zigzag();
  values[0] = value;
  for (let done = 1; done < count;) {
    const least = zigzag();
    const widths = padded.subarray(at, at + miniblocks);
    at += miniblocks;
    if (at > data.length) throw new Error("the numbers of a page end too soon");
    for (const width of widths) {
      if (done === count) break;
      const end = at + (width * perMiniblock) / 8;
      if (
        width > MAX_BIT_WIDTH ||
        at + Math.ceil((width * Math.min(perMiniblock, count - done)) / 8) > data.length
      )
        throw new Error("the numbers of a page end too soon");
      const mask = (1n << BigInt(width)) - 1n;
      for (let bit = at * 8, i = 0; i < perMiniblock && done < count; i++, bit += width) {
        let delta = 0n;
        if (width > 0) {
          const shift = bit & 7;
          delta = view.getBigUint64(bit >>> 3, true) >> BigInt(shift);
          if (shift + width > 64) delta |= BigInt(padded[(bit >>> 3) + 8]!) << BigInt(64 - shift);
        }
        value = BigInt.asIntN(64, value + least + (delta & mask));
        values[done++] = value;
      }
      at = end;
    }
  }
  return values;
}

function int32Deltas(reader: PageReader, count: number): Int32Array {
  const values = new Int32Array(count);
  deltaBinaryUnpack(reader, count, values);
  return values;
}

/** Decodes DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
export function lengthsThenBytes(reader: PageReader, count: number): Uint8Array[] {
  const lengths = int32Deltas(reader, count);
  return Array.from(lengths, (length) => take(reader, length));
}

/**
 * Decodes DELTA_BYTE_ARRAY, where values share the beginning of the one before. `spend` is called
 * with the size of each value that is made anew.
 */
export function prefixedBytes(
  reader: PageReader,
  count: number,
  spend: (bytes: number) => void,
): Uint8Array[] {
  const prefixes = int32Deltas(reader, count);
  const suffixes = int32Deltas(reader, count);
  let previous: Uint8Array = new Uint8Array(0);
  return Array.from(prefixes, (prefix, i) => {
    const suffix = take(reader, suffixes[i]!);
    if (prefix === 0) return (previous = suffix);
    if (!(prefix > 0 && prefix <= previous.length))
      throw new Error("a value of a page shares more than the one before has");
    spend(prefix + suffix.length);
    const value = new Uint8Array(prefix + suffix.length);
    value.set(previous.subarray(0, prefix));
    value.set(suffix, prefix);
    return (previous = value);
  });
}

function take(reader: PageReader, length: number): Uint8Array {
  const { view, offset } = reader;
  if (!(length >= 0 && length <= view.byteLength - offset))
    throw new Error("the values of a page end outside it");
  reader.offset += length;
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + offset, length);
}
