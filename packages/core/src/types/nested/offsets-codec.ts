/** Encodes how many parts each value has. */
import { damaged, type ByteReader, type ByteWriter } from "../../bytes/bytes.ts";
import type { ArrayAllocator } from "../array-allocator.ts";
import { MAX_BATCH_ROWS } from "../column-codec.ts";
import type { PresentValue } from "../vector.ts";
import { partsOf } from "./parts.ts";

export function encodeLengths(writer: ByteWriter, values: readonly PresentValue[]): void {
  for (const value of values) writer.varint(partsOf(value).length);
}

/** Decodes the lengths of `count` values into offsets. */
export function decodeOffsets(
  reader: ByteReader,
  count: number,
  arrays: ArrayAllocator,
): Int32Array {
  const offsets = arrays.int32(count + 1);
  let end = 0;
  offsets[0] = 0;
  for (let i = 0; i < count; i++) {
    end += reader.varint();
    if (end > MAX_BATCH_ROWS) throw damaged(`claims ${end} elements`);
    offsets[i + 1] = end;
  }
  return offsets;
}
