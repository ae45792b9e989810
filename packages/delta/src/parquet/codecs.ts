import { promisify } from "node:util";
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import type { Compressors } from "hyparquet";

// The checksum of a frame finds a flipped bit in any page.
const ZSTD_OPTIONS = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

const compress = promisify(zstdCompress);

export function zstd(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, ZSTD_OPTIONS);
}

/** Compresses in another thread, so that the next page is made meanwhile. */
export function zstdAsync(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes, ZSTD_OPTIONS);
}

/** The decompressors for reading. hyparquet itself has snappy. */
export const decompressors: Compressors = {
  ZSTD: (input) => zstdDecompressSync(input),
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};
