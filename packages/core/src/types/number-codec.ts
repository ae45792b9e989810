/** Encodes whole numbers as varints of their differences. */
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";

const RAW = 0;
const VARINT = 1;

/**
 * Encodes numbers as differences if they and their differences are safe integers, else as doubles.
 */
export function encodeDeltas(writer: ByteWriter, values: readonly number[]): void {
  let previous = 0;
  const safe = values.every((value) => {
    const delta = value - previous;
    previous = value;
    return Number.isSafeInteger(value) && Math.abs(delta) < 2 ** 51;
  });
  writer.byte(safe ? VARINT : RAW);
  previous = 0;
  for (const value of values) {
    if (safe) writer.zigzag(value - previous);
    else writer.float64(value);
    previous = value;
  }
}

export function decodeDeltas<T extends Int32Array | Float64Array>(
  reader: ByteReader,
  values: T,
  count: number,
): T {
  if (reader.byte() !== RAW) reader.deltas(values, count);
  else for (let i = 0; i < count; i++) values[i] = reader.float64();
  return values;
}

export function encodeInt64s(writer: ByteWriter, values: readonly bigint[]): void {
  // A bigint beyond 2^50 is at least 2^50 as a double. A smaller one is exact as a double.
  const numbers = new Float64Array(values.length);
  let small = true;
  for (let i = 0; i < values.length; i++) {
    numbers[i] = Number(values[i]!);
    if (Math.abs(numbers[i]!) >= 2 ** 50) small = false;
  }
  writer.byte(small ? VARINT : RAW);
  let previous = 0;
  for (let i = 0; i < values.length; i++) {
    if (small) writer.zigzag(numbers[i]! - previous);
    else writer.int64(values[i]!);
    previous = numbers[i]!;
  }
}

export function decodeInt64s(
  reader: ByteReader,
  values: BigInt64Array,
  count: number,
): BigInt64Array {
  const raw = reader.byte() === RAW;
  let previous = 0;
  for (let i = 0; i < count; i++)
    values[i] = raw ? reader.int64() : BigInt((previous += reader.zigzag()));
  return values;
}
