/** The hash of a text: the first 8 bytes of the MD5 of its UTF-8, big-endian. */
import { md5 } from "../bytes/md5.ts";
import { encodeUtf8, writeUtf8 } from "../bytes/utf8.ts";

const state = new Int32Array(4);
let utf8 = new Uint8Array(256);

/** Returns the two halves of the hash, as signed integers of 32 bits. */
export function hashOfText(text: string): { readonly high: number; readonly low: number } {
  if (utf8.length < text.length * 3) utf8 = new Uint8Array(text.length * 6);
  const length = writeUtf8(utf8, 0, text);
  if (length >= 0) md5(utf8, length, state);
  else {
    // Half of a surrogate pair becomes its escape.
    const bytes = encodeUtf8(text);
    md5(bytes, bytes.length, state);
  }
  return { high: bigEndian(state[0]!), low: bigEndian(state[1]!) };
}

function bigEndian(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
