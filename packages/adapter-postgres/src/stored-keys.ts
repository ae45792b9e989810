/**
 * Keys as the table's index holds them. An entry of the index has at most 2,704 bytes, so a longer
 * key is stored as its beginning and a hash, and the whole key stands beside it.
 */
import { createHash } from "node:crypto";

/** The longest key that is stored as it is. */
const LONGEST_KEY = 2000;
const HASH_BYTES = 32;
/** The bytes of a longer key that are stored before its hash. */
const KEPT_BYTES = LONGEST_KEY + 1 - HASH_BYTES;

/** The key in the index. That of a long key is longer than any key that is stored as it is. */
export function storedKey(key: Uint8Array): Uint8Array {
  if (key.length <= LONGEST_KEY) return key;
  return Buffer.concat([key.subarray(0, KEPT_BYTES), createHash("sha256").update(key).digest()]);
}

/** The column `whole`: a key that is not stored as it is. */
export function wholeKey(key: Uint8Array): Uint8Array | null {
  return key.length <= LONGEST_KEY ? null : key;
}

/** The range of stored keys whose keys may begin with this prefix: from `from`, before `end`. */
export function rangeOf(prefix: Uint8Array): { readonly from: Buffer; readonly end: Buffer } {
  const from = Buffer.from(prefix.subarray(0, KEPT_BYTES));
  let last = from.length - 1;
  while (last >= 0 && from[last] === 255) last--;
  // no stored key is as long
  if (last < 0) return { from, end: Buffer.alloc(LONGEST_KEY + 2, 255) };
  const end = Buffer.from(from.subarray(0, last + 1));
  end[last]!++;
  return { from, end };
}
