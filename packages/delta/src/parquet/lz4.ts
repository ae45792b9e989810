/**
 * Decompresses LZ4 blocks. Own code, because libraries for it do not bound a match by the size of
 * the page.
 */

const MIN_MATCH = 4;
/** The bytes before a block in Hadoop's framing: its sizes, uncompressed and compressed. */
const FRAME_HEADER_BYTES = 8;

/** Decompresses one LZ4 block of `size` bytes. */
export function decompressLz4Raw(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  if (decompressBlock(input, output, 0) !== size) throw new Error("an LZ4 block is cut off");
  return output;
}

/**
 * Decompresses LZ4 as older writers have it: blocks in Hadoop's framing, or one block without a
 * frame.
 */
export function decompressLz4(input: Uint8Array, size: number): Uint8Array {
  return decompressFrames(input, size) ?? decompressLz4Raw(input, size);
}

/** Decompresses Hadoop's framing; null if the bytes have none. */
function decompressFrames(input: Uint8Array, size: number): Uint8Array | null {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const output = new Uint8Array(size);
  let written = 0;
  for (let at = 0; at < input.length;) {
    if (input.length - at < FRAME_HEADER_BYTES) return null;
    const end = written + view.getUint32(at);
    const next = at + FRAME_HEADER_BYTES + view.getUint32(at + 4);
    if (end > size || next > input.length) return null;
    // One frame may hold several blocks in the original Hadoop. Writers of Parquet put one there.
    try {
      written = decompressBlock(input.subarray(at + FRAME_HEADER_BYTES, next), output, written);
    } catch {
      return null;
    }
    if (written !== end) return null;
    at = next;
  }
  return written === size ? output : null;
}

/** Decompresses a block into `output` from `start` on, and returns where its bytes end. */
function decompressBlock(input: Uint8Array, output: Uint8Array, start: number): number {
  let to = start;
  let at = 0;
  const lengthFrom = (nibble: number): number => {
    if (nibble < 15) return nibble;
    for (let length = nibble; ;) {
      if (at >= input.length) throw new Error("an LZ4 block is cut off");
      const next = input[at++]!;
      length += next;
      if (next < 255) return length;
    }
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = lengthFrom(token >> 4);
    if (literals > input.length - at || literals > output.length - to)
      throw new Error("the literals of an LZ4 block lie outside it");
    output.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === input.length) return to;
    if (input.length - at < 2) throw new Error("an LZ4 block is cut off");
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    const match = lengthFrom(token & 15) + MIN_MATCH;
    if (distance === 0 || distance > to - start || match > output.length - to)
      throw new Error("a match of an LZ4 block lies outside it");
    if (distance >= match) output.copyWithin(to, to - distance, to - distance + match);
    else for (let i = 0; i < match; i++) output[to + i] = output[to + i - distance]!;
    to += match;
  }
  return to;
}
