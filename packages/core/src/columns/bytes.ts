/** Bytes that grow while they are written, and a cursor that reads them back. */
import { TidemarkError } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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

  /** What was written; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  /** A safe integer from 0 on, as LEB128. */
  count(value: number): void {
    this.room(8);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** An integer of either sign below 2^52. */
  zigzag(value: number): void {
    this.count(value < 0 ? -value * 2 - 1 : value * 2);
  }

  float64(value: number): void {
    this.room(8);
    this.data.setFloat64(this.length, value, true);
    this.length += 8;
  }

  int64(value: bigint): void {
    this.room(8);
    this.data.setBigInt64(this.length, value, true);
    this.length += 8;
  }

  /** Length, then UTF-8. */
  text(value: string): void {
    this.room(value.length * 3 + 8);
    const short = value.length < 42;
    if (short) {
      const { written } = encoder.encodeInto(value, this.bytes.subarray(this.length + 1));
      this.bytes[this.length] = written;
      this.length += written + 1;
      return;
    }
    const encoded = encoder.encode(value);
    this.count(encoded.length);
    this.raw(encoded);
  }

  raw(value: Uint8Array): void {
    this.room(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array((this.bytes.length + count) * 2);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.data = new DataView(larger.buffer);
  }
}

export class ByteReader {
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly data: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new TidemarkError("STATE_DAMAGED", "a cell of the online store ends in the middle: rebuild the online store from history");
    return this.bytes[this.at++]!;
  }

  count(): number {
    const first = this.byte();
    if (first < 128) return first;
    this.at--;
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * weight;
      if (byte < 128) return value;
      weight *= 128;
    }
  }

  zigzag(): number {
    const value = this.count();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float64(): number {
    const value = this.data.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  int64(): bigint {
    const value = this.data.getBigInt64(this.at, true);
    this.at += 8;
    return value;
  }

  text(): string {
    const size = this.count();
    const { bytes } = this;
    const start = this.at;
    this.at += size;
    if (size < 24) {
      let text = "";
      let i = start;
      while (i < this.at && bytes[i]! < 128) text += String.fromCharCode(bytes[i++]!);
      if (i === this.at) return text;
    }
    return decoder.decode(bytes.subarray(start, this.at));
  }

  raw(size: number): Uint8Array {
    const value = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return value;
  }
}
