/** Encodes texts by dictionary. */
import { damaged, type ByteReader, type ByteWriter } from "../bytes/bytes.ts";
import type { ArrayAllocator } from "./array-allocator.ts";
import { LazyTexts } from "./layouts/texts.ts";
import type { VectorOf } from "./vector.ts";

export function encodeTexts(writer: ByteWriter, values: readonly string[]): void {
  const known = new Map<string, number>();
  const codes = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let code = known.get(values[i]!);
    if (code === undefined) known.set(values[i]!, (code = known.size));
    codes[i] = code;
  }
  writer.varint(known.size);
  for (const value of known.keys()) writer.text(value);
  if (known.size === 1) return;
  for (const code of codes) writer.varint(code);
}

export function decodeTexts(
  reader: ByteReader,
  count: number,
  arrays: ArrayAllocator,
): VectorOf<"string"> {
  const size = reader.itemCount();
  const texts = reader.fork();
  for (let i = 0; i < size; i++) reader.skipText();
  const codes = arrays.int32(count);
  if (size > 1) reader.varints(codes, count);
  else codes.fill(0, 0, count);
  for (let i = 0; i < count; i++)
    if (codes[i]! >= size) throw damaged("has a text that its dictionary lacks");
  return new LazyTexts(codes, null, () => Array.from({ length: size }, () => texts.text()));
}
