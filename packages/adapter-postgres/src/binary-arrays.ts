/**
 * Arrays as parameters of a statement, in PostgreSQL's binary form. Text would double the bytes of
 * a value.
 */

const OIDS = { bytea: 17, int8: 20, float8: 701 } as const;
const HEADER_BYTES = 20;

/** An array of byte strings. */
export function byteaArray(values: readonly (Uint8Array | null)[]): Buffer {
  let bytes = HEADER_BYTES;
  for (const value of values) bytes += 4 + (value?.length ?? 0);
  const array = header("bytea", values, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    array.writeInt32BE(value === null ? -1 : value.length, at);
    at += 4;
    if (value === null) continue;
    array.set(value, at);
    at += value.length;
  }
  return values.length === 0 ? array.subarray(0, 12) : array;
}

/** An array of whole numbers. */
export function int8Array(values: readonly (number | null)[]): Buffer {
  return numbers("int8", values, (array, value, at) => array.writeBigInt64BE(BigInt(value), at));
}

/** An array of numbers. */
export function float8Array(values: readonly (number | null)[]): Buffer {
  return numbers("float8", values, (array, value, at) => array.writeDoubleBE(value, at));
}

function numbers(
  type: "int8" | "float8",
  values: readonly (number | null)[],
  write: (array: Buffer, value: number, at: number) => void,
): Buffer {
  let bytes = HEADER_BYTES;
  for (const value of values) bytes += value === null ? 4 : 12;
  const array = header(type, values, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    array.writeInt32BE(value === null ? -1 : 8, at);
    at += 4;
    if (value === null) continue;
    write(array, value, at);
    at += 8;
  }
  return values.length === 0 ? array.subarray(0, 12) : array;
}

/** The dimensions, whether an element is null, the type, the length, and the first index. */
function header(type: keyof typeof OIDS, values: readonly unknown[], bytes: number): Buffer {
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  array.writeInt32BE(OIDS[type], 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
