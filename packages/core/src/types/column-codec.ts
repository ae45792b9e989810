/** Encodes the values of a column or of a part, with those that are missing. */
import { damaged, type ByteReader, type ByteWriter } from "../bytes/bytes.ts";
import type { Value } from "../specs.ts";
import type { ArrayAllocator } from "./array-allocator.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";
import type { Vector } from "./vector.ts";

const CONSTANT = 0;
const PLAIN = 1;
const NULLS = 2;
/**
 * More rows than any cell holds. A damaged length beyond it is refused before memory is allocated.
 */
export const MAX_BATCH_ROWS: number = 2 ** 24;

/** Encodes item `c` of each row, some of them missing. */
export function encodeColumn(
  writer: ByteWriter,
  type: TypeDescriptor,
  rows: readonly (readonly Value[])[],
  c: number,
): void {
  if (rows.length === 0) return;
  const first = rows[0]![c]!;
  if (rows.length > 1 && rows.every((row) => Object.is(row[c], first))) {
    writer.byte(CONSTANT);
    writer.byte(first === null ? NULLS : PLAIN);
    if (first !== null) type.encode(writer, [first]);
    return;
  }
  const values: Exclude<Value, null>[] = [];
  if (rows.some((row) => row[c] === null)) {
    writer.byte(NULLS);
    let bits = 0;
    for (let i = 0; i < rows.length; i++) {
      const value = rows[i]![c]!;
      if (value !== null) {
        bits |= 1 << (i & 7);
        values.push(value);
      }
      if ((i & 7) === 7 || i === rows.length - 1) {
        writer.byte(bits);
        bits = 0;
      }
    }
  } else {
    writer.byte(PLAIN);
    for (const row of rows) values.push(row[c]!);
  }
  if (values.length > 0) type.encode(writer, values);
}

/** Decodes `length` values, some of them missing. */
export function decodeColumn(
  reader: ByteReader,
  type: TypeDescriptor,
  length: number,
  arrays: ArrayAllocator,
): Vector {
  const none = (): Vector => type.layout.builder(1).finish();
  if (length === 0) return none();
  const form = reader.byte();
  if (form === PLAIN) return type.decode(reader, length, arrays);
  const denseIndexes = arrays.int32(length);
  if (form === CONSTANT) {
    const missing = reader.byte() === NULLS;
    denseIndexes.fill(0, 0, length);
    return type.layout.expand(
      missing ? none() : type.decode(reader, 1, arrays),
      length,
      denseIndexes,
      missing ? arrays.bytes(length).fill(0, 0, length) : null,
      arrays,
    );
  }
  if (form !== NULLS) throw damaged(`has a column of form ${form}`);
  const bits = reader.raw((length + 7) >>> 3);
  const valid = arrays.bytes(length);
  let present = 0;
  for (let i = 0; i < length; i++) {
    valid[i] = (bits[i >>> 3]! >>> (i & 7)) & 1;
    denseIndexes[i] = present;
    present += valid[i]!;
  }
  return type.layout.expand(
    present === 0 ? none() : type.decode(reader, present, arrays),
    length,
    denseIndexes,
    valid,
    arrays,
  );
}
