/**
 * Columns in frames. The buffers lie as Arrow lays them out, so that other languages read them as
 * they are: a validity bitmap (empty if no value is missing), and then the values. Texts have codes
 * into a dictionary. A flag has a byte. A time is an int64 of µs, a decimal 16 bytes. Each buffer
 * has its length before it, and starts at a multiple of 8.
 */
import type { TypeSpec, Vector } from "@tidemark/core/spi";
import { lengthOf } from "@tidemark/core/internal";
import { frameInvalid } from "./frames.ts";

/** Writes the buffers of columns, one after the other. */
export class BufferWriter {
  readonly parts: Uint8Array[] = [];

  /** Two numbers of 32 bits. */
  pair(first: number, second: number): void {
    this.parts.push(new Uint8Array(Uint32Array.of(first, second).buffer));
  }

  buffer(values: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = values;
    this.pair(byteLength, 0);
    this.parts.push(new Uint8Array(buffer, byteOffset, byteLength));
    const padding = -byteLength & 7;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
  }
}

/** Reads the buffers of columns, one after the other. They stay in the memory of the frame. */
export class BufferReader {
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  pair(): readonly [number, number] {
    if (this.at + 8 > this.bytes.length) throw frameInvalid("has a frame that is too short");
    const pair = [this.view.getUint32(this.at, true), this.view.getUint32(this.at + 4, true)];
    this.at += 8;
    return pair as [number, number];
  }

  /** The next buffer. `expected` is the number of its bytes; left out, any number is right. */
  buffer(expected?: number): Uint8Array<ArrayBuffer> {
    const [length] = this.pair();
    const end = this.at + length + (-length & 7);
    if (end > this.bytes.length) throw frameInvalid("has a buffer that is longer than its frame");
    if (expected !== undefined && length !== expected)
      throw frameInvalid(`has a buffer of ${length} bytes where ${expected} were expected`);
    const buffer = this.bytes.subarray(this.at, this.at + length);
    this.at = end;
    return buffer;
  }

  /** Throws unless all was read. */
  end(): void {
    if (this.at !== this.bytes.length) throw frameInvalid("has a frame with more than its columns");
  }
}

const encoder = new TextEncoder();
const MAX_BYTES = 2 ** 31 - 1;

/** Writes one column. */
export function writeColumn(writer: BufferWriter, type: TypeSpec, vector: Vector): void {
  const length = lengthOf(vector);
  writer.buffer(bitmapOf(vector.valid, length));
  switch (vector.kind) {
    case "string": {
      const { codes, dictionary } = usedTexts(vector);
      writer.buffer(codes);
      writeBytes(
        writer,
        dictionary.map((text) => encoder.encode(text)),
      );
      return;
    }
    case "float64":
      writer.buffer(type.type === "timestamp" ? longsOf(vector.values) : vector.values);
      return;
    case "int64":
    case "int32":
    case "boolean":
      writer.buffer(vector.values);
      return;
    case "big":
      writer.buffer(decimalsOf(vector.values));
      return;
    case "bytes":
      writeBytes(writer, vector.values);
      return;
    case "list":
      writer.buffer(vector.offsets);
      writeColumn(writer, type.element!, vector.elements);
      return;
    case "map":
      writer.buffer(vector.offsets);
      writeColumn(writer, type.keys!, vector.keys);
      writeColumn(writer, type.values!, vector.values);
      return;
    case "struct":
      vector.fields.forEach((field, i) => {
        writeColumn(writer, type.fields![i]!, field);
      });
  }
}

/**
 * Reads one column of so many values.
 *
 * @throws KERNEL_FRAME_INVALID when the buffers are not those of such a column.
 */
export function readColumn(reader: BufferReader, type: TypeSpec, length: number): Vector {
  const valid = validityOf(reader.buffer(), length);
  switch (type.type) {
    case "string":
    case "json": {
      const codes = new Int32Array(aligned(reader.buffer(4 * length)));
      const dictionary = readBytes(reader).map(textOf);
      for (let i = 0; i < length; i++) {
        if (valid !== null && valid[i] === 0) codes[i] = -1;
        else if (codes[i]! < 0 || codes[i]! >= dictionary.length)
          throw frameInvalid("has a text that its dictionary lacks");
      }
      return { kind: "string", codes, dictionary, valid };
    }
    case "float64": {
      const values = new Float64Array(aligned(reader.buffer(8 * length)));
      return { kind: "float64", values, valid };
    }
    case "timestamp": {
      const values = doublesOf(aligned(reader.buffer(8 * length)), length);
      return { kind: "float64", values, valid };
    }
    case "int64": {
      const values = new BigInt64Array(aligned(reader.buffer(8 * length)));
      return { kind: "int64", values, valid };
    }
    case "int32":
    case "date": {
      const values = new Int32Array(aligned(reader.buffer(4 * length)));
      return { kind: "int32", values, valid };
    }
    case "boolean":
      return { kind: "boolean", values: reader.buffer(length), valid };
    case "decimal":
      return { kind: "big", values: bigintsOf(reader.buffer(16 * length), valid), valid };
    case "bytes": {
      const values = readBytes(reader);
      if (values.length !== length) throw frameInvalid("has offsets of another length");
      return { kind: "bytes", values, valid };
    }
    case "list": {
      const offsets = readOffsets(reader, length);
      const elements = readColumn(reader, type.element!, offsets[length]!);
      return { kind: "list", offsets, elements, valid };
    }
    case "map": {
      const offsets = readOffsets(reader, length);
      const keys = readColumn(reader, type.keys!, offsets[length]!);
      const values = readColumn(reader, type.values!, offsets[length]!);
      return { kind: "map", offsets, keys, values, valid };
    }
    case "struct": {
      const fields = type.fields!.map((field) => readColumn(reader, field, length));
      return { kind: "struct", fields, valid };
    }
  }
}

/** A bit for each value, the lowest first. Empty: no value is missing. */
function bitmapOf(valid: Uint8Array | null, length: number): Uint8Array {
  if (valid === null) return new Uint8Array(0);
  const bits = new Uint8Array((length + 7) >>> 3);
  for (let i = 0; i < length; i++) if (valid[i] === 1) bits[i >>> 3]! |= 1 << (i & 7);
  return bits;
}

function validityOf(bits: Uint8Array, length: number): Uint8Array | null {
  if (bits.length === 0) return null;
  if (bits.length < (length + 7) >>> 3) throw frameInvalid("has a validity that is too short");
  const valid = new Uint8Array(length);
  for (let i = 0; i < length; i++) valid[i] = (bits[i >>> 3]! >>> (i & 7)) & 1;
  return valid;
}

/** The memory of a buffer. Every buffer of a frame starts at a multiple of 8. */
function aligned({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Texts that are used, each once, and a code for each row. A missing one has the code 0. */
function usedTexts({ codes, dictionary, valid }: Extract<Vector, { kind: "string" }>): {
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
} {
  const places = new Map<string, number>();
  const placeOfCode = new Int32Array(dictionary.length).fill(-1);
  const used = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const code = codes[i]!;
    let place = placeOfCode[code]!;
    if (place < 0) {
      const text = dictionary[code]!;
      place = places.get(text) ?? places.size;
      places.set(text, place);
      placeOfCode[code] = place;
    }
    used[i] = place;
  }
  return { codes: used, dictionary: [...places.keys()] };
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw frameInvalid("has a text that is no UTF-8");
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function writeBytes(writer: BufferWriter, values: readonly Uint8Array[]): void {
  const offsets = new Int32Array(values.length + 1);
  let end = 0;
  values.forEach((value, i) => {
    end += value.length;
    if (end > MAX_BYTES) throw frameInvalid("would need a column of more than 2 GiB");
    offsets[i + 1] = end;
  });
  const bytes = new Uint8Array(end);
  values.forEach((value, i) => {
    bytes.set(value, offsets[i]!);
  });
  writer.buffer(offsets);
  writer.buffer(bytes);
}

function readBytes(reader: BufferReader): Uint8Array[] {
  const buffer = reader.buffer();
  if (buffer.length < 4 || buffer.length % 4 !== 0) throw frameInvalid("has offsets that are cut");
  const offsets = checkedOffsets(new Int32Array(aligned(buffer)));
  const bytes = reader.buffer();
  if (bytes.length < offsets.at(-1)!) throw frameInvalid("has offsets beyond their bytes");
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    bytes.subarray(offsets[i], offsets[i + 1]),
  );
}

function readOffsets(reader: BufferReader, length: number): Int32Array {
  return checkedOffsets(new Int32Array(aligned(reader.buffer(4 * (length + 1)))));
}

function checkedOffsets(offsets: Int32Array): Int32Array {
  for (let i = 0; i < offsets.length; i++)
    if (offsets[i]! < (i === 0 ? 0 : offsets[i - 1]!)) throw frameInvalid("has offsets that fall");
  if (offsets[0] !== 0) throw frameInvalid("has offsets that do not start at 0");
  return offsets;
}

const HALF = 2 ** 32;

/** Whole numbers below 2^53 as int64. NaN becomes 0; the validity says that it is missing. */
function longsOf(values: Float64Array): BigInt64Array {
  const longs = new BigInt64Array(values.length);
  const halves = new Int32Array(longs.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    halves[2 * i] = value % HALF;
    halves[2 * i + 1] = Math.floor(value / HALF);
  }
  return longs;
}

function doublesOf(longs: ArrayBuffer, length: number): Float64Array {
  const low = new Uint32Array(longs);
  const high = new Int32Array(longs);
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = high[2 * i + 1]! * HALF + low[2 * i]!;
  return values;
}

function decimalsOf(values: readonly bigint[]): BigInt64Array {
  const halves = new BigInt64Array(2 * values.length);
  values.forEach((value, i) => {
    halves[2 * i] = value;
    halves[2 * i + 1] = value >> 64n;
  });
  return halves;
}

function bigintsOf(bytes: Uint8Array<ArrayBuffer>, valid: Uint8Array | null): bigint[] {
  const halves = new BigInt64Array(aligned(bytes));
  return Array.from({ length: halves.length / 2 }, (_, i) =>
    valid !== null && valid[i] === 0
      ? 0n
      : (halves[2 * i + 1]! << 64n) | BigInt.asUintN(64, halves[2 * i]!),
  );
}
