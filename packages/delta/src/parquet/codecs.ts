import { promisify } from "node:util";
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
  type ZstdOptions,
} from "node:zlib";
import type { CompressionCodec, Compressors } from "hyparquet";
import { decompressPage } from "hyparquet/src/datapage.js";
import { decompressLz4, decompressLz4Raw } from "./lz4.ts";

// The checksum of a frame finds a flipped bit in any page.
const ZSTD_OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

const compress = promisify(zstdCompress);

export function zstd(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, zstdOptions(bytes));
}

/** Compresses in another thread, so that the next page is made meanwhile. */
export function zstdAsync(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes, zstdOptions(bytes));
}

/** The most bytes that a frame of bytes that cannot be compressed has beside them. */
const FRAME_BYTES = 1024;

/** A known size makes smaller frames, and one piece of output is not copied. */
function zstdOptions({ length }: Uint8Array): ZstdOptions {
  return { ...ZSTD_OPTIONS, pledgedSrcSize: length, chunkSize: length + FRAME_BYTES };
}

/**
 * The decompressors for reading. hyparquet itself has snappy. None makes more bytes than the page
 * says that it has.
 */
export const decompressors: Compressors = {
  ZSTD: (input, size) => zstdDecompressSync(input, inOnePiece(size)),
  GZIP: (input, size) => gunzipSync(input, inOnePiece(size)),
  BROTLI: (input, size) => brotliDecompressSync(input, inOnePiece(size)),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

/** The least size of a piece of output that Node allows. */
const LEAST_PIECE = 64;

/** Options that make one piece of output. It has room, since a full one would ask for another. */
function inOnePiece(size: number): { maxOutputLength: number; chunkSize: number } {
  return { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size + 1, LEAST_PIECE) };
}

/** Decompresses the bytes of a page, or part of them, to exactly `size` bytes. */
export function decompress(bytes: Uint8Array, size: number, codec: CompressionCodec): Uint8Array {
  if (!(size >= 0)) throw new Error(`a page claims ${size} bytes`);
  // Some writers leave out the frame of a page without values.
  if (size === 0) return new Uint8Array(0);
  return decompressPage(bytes, size, codec, decompressors);
}

/** True if pages of this codec can be read. */
export function isReadable(codec: string): boolean {
  return codec === "UNCOMPRESSED" || codec === "SNAPPY" || codec in decompressors;
}
