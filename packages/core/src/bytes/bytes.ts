/** A growing buffer to write to, and a cursor that reads it back. */
import { TidemarkError } from "../errors.ts";
import { decodeUtf8, encodeUtf8, wellFormedText, writeUtf8 } from "./utf8.ts";
import { REBUILD_STEP } from "../rebuild-step.ts";

/** A text of at most this many UTF-16 units has at most 126 bytes. So its length takes one byte. */
const SHORT_TEXT = 42;

/** A buffer that grows while it is written. */
export class ByteWriter {
  length = 0;
  private bytes: Uint8Array;
  private data: DataView;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.data = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** The written bytes; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    this.ensureCapacity(1);
    this.bytes[this.length++] = value;
  }

  /** Writes a safe integer of at least 0 as LEB128. */
  varint(value: number): void {
    this.ensureCapacity(8);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    // The rest fits 31 bits, where shifts are cheaper than divisions.
    while (rest > 127) {
      this.bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Writes an integer of either sign below 2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  float64(value: number, littleEndian = true): void {
    this.ensureCapacity(8);
    this.data.setFloat64(this.length, value, littleEndian);
    this.length += 8;
  }

  int64(value: bigint, littleEndian = true): void {
    this.ensureCapacity(8);
    this.data.setBigInt64(this.length, value, littleEndian);
    this.length += 8;
  }

  /** Writes a text's length in bytes, then its UTF-8. */
  text(value: string): void {
    if (value.length >= SHORT_TEXT) {
      const encoded = encodeUtf8(value);
      this.varint(encoded.length);
      this.raw(encoded);
      return;
    }
    this.ensureCapacity(value.length * 3 + 1);
    const start = this.length + 1;
    const end = writeUtf8(this.bytes, start, value);
    if (end < 0) {
      this.text(wellFormedText(value));
      return;
    }
    this.bytes[this.length] = end - start;
    this.length = end;
  }

  raw(value: Uint8Array): void {
    this.ensureCapacity(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  private ensureCapacity(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array((this.bytes.length + count) * 2);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.data = new DataView(larger.buffer);
  }
}

/**
 * Reads what a ByteWriter wrote.
 *
 * @throws STATE_DAMAGED when the bytes are not those of a ByteWriter.
 */
export class ByteReader {
  position = 0;
  private readonly bytes: Uint8Array;
  private readonly data: DataView;

  constructor(bytes: Uint8Array) {
    // `slice` of a Buffer does not copy, and returns a Buffer.
    this.bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    if (this.position >= this.bytes.length) throw damaged("ends in the middle");
    return this.bytes[this.position++]!;
  }

  varint(): number {
    const first = this.byte();
    if (first < 128) return first;
    let value = first & 127;
    for (let weight = 128; value <= Number.MAX_SAFE_INTEGER; weight *= 128) {
      const byte = this.byte();
      value += (byte & 127) * weight;
      if (byte < 128 && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    throw damaged("has a number out of range");
  }

  /** Reads a number of items that take at least one byte each. */
  itemCount(): number {
    const count = this.varint();
    this.requireBytes(count);
    return count;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Reads `count` varints into the first `count` items. */
  varints(into: Int32Array, count: number): void {
    const { bytes } = this;
    for (let i = 0; i < count; i++) {
      const byte = bytes[this.position];
      if (byte !== undefined && byte < 128) {
        into[i] = byte;
        this.position++;
      } else into[i] = this.varint();
    }
  }

  /** Reads `count` zigzags, and writes their running sums into the first `count` items. */
  deltas(into: Int32Array | Float64Array, count: number): void {
    const { bytes } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      let { position } = this;
      let value = 0;
      let weight = 1;
      let byte = bytes[position++];
      // Seven bytes hold 49 bits. A longer number, or an end in the middle, is left to `varint`.
      for (let n = 0; n < 6 && byte !== undefined && byte > 127; n++) {
        value += (byte & 127) * weight;
        weight *= 128;
        byte = bytes[position++];
      }
      if (byte === undefined || byte > 127) value = this.varint();
      else {
        value += byte * weight;
        this.position = position;
      }
      sum += value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      into[i] = sum;
    }
  }

  float64(): number {
    this.requireBytes(8);
    const value = this.data.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  float64s(into: Float64Array, count: number): void {
    this.requireBytes(count * 8);
    const { data, position } = this;
    for (let i = 0; i < count; i++) into[i] = data.getFloat64(position + i * 8, true);
    this.position += count * 8;
  }

  int64(): bigint {
    this.requireBytes(8);
    const value = this.data.getBigInt64(this.position, true);
    this.position += 8;
    return value;
  }

  text(): string {
    const size = this.itemCount();
    const { bytes } = this;
    const start = this.position;
    this.position += size;
    if (size < 24) {
      let text = "";
      let i = start;
      while (i < this.position && bytes[i]! < 128) text += String.fromCharCode(bytes[i++]!);
      if (i === this.position) return text;
    }
    return decodeUtf8(bytes.subarray(start, this.position));
  }

  /** A second reader that starts at this position. */
  fork(): ByteReader {
    const reader = new ByteReader(this.bytes);
    reader.position = this.position;
    return reader;
  }

  /** Skips a text. */
  skipText(): void {
    const size = this.itemCount();
    this.position += size;
  }

  raw(size: number): Uint8Array {
    this.requireBytes(size);
    const value = this.bytes.subarray(this.position, this.position + size);
    this.position += size;
    return value;
  }

  /** The bytes from a position up to this one. */
  rawFrom(start: number): Uint8Array {
    return this.bytes.subarray(start, this.position);
  }

  /** Goes behind the next bytes if they are equal to these. Returns whether they are. */
  skipIfEqual(expected: Uint8Array): boolean {
    const { bytes, position } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[position + i] !== expected[i]) return false;
    this.position += expected.length;
    return true;
  }

  skip(size: number): void {
    this.requireBytes(size);
    this.position += size;
  }

  private requireBytes(count: number): void {
    if (this.position + count > this.bytes.length) throw damaged("ends in the middle");
  }
}

/** The error of bytes that Tidemark did not write. */
export function damaged(what: string): TidemarkError {
  return new TidemarkError("STATE_DAMAGED", `a cell of the online store ${what}: ${REBUILD_STEP}`);
}
