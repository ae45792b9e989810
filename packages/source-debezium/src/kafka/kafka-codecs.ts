/**
 * The codecs of Kafka's compressed batches. kafkajs brings GZIP and Node brings ZSTD. Snappy comes
 * with the package `snappyjs`.
 */
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs from "kafkajs";

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

interface Snappy {
  compress(bytes: Uint8Array): Uint8Array;
  uncompress(bytes: Uint8Array): Uint8Array;
}

/**
 * Registers the codecs of ZSTD and Snappy with kafkajs. The registration holds for the whole
 * process. A codec that the application registered stays.
 */
export async function registerCodecs(): Promise<void> {
  const { CompressionTypes } = kafkajs;
  const CompressionCodecs: Record<number, () => unknown> = kafkajs.CompressionCodecs;
  const offer = (type: number, codec: Codec): void => {
    if (!isRegistered(CompressionCodecs[type]!)) CompressionCodecs[type] = () => codec;
  };
  offer(CompressionTypes.ZSTD, {
    compress: ({ buffer }) => promisify(zstdCompress)(buffer),
    decompress: (buffer) => promisify(zstdDecompress)(buffer),
  });
  const snappy = await installedSnappy();
  if (snappy !== null) {
    offer(CompressionTypes.Snappy, {
      compress: async ({ buffer }) => Buffer.from(snappy.compress(buffer)),
      decompress: async (buffer) => decompressFrames(buffer, (bytes) => snappy.uncompress(bytes)),
    });
  }
}

function isRegistered(codec: () => unknown): boolean {
  try {
    codec();
    return true;
  } catch {
    return false;
  }
}

async function installedSnappy(): Promise<Snappy | null> {
  const name: string = "snappyjs";
  const found = await (import(name) as Promise<Snappy & { readonly default?: Snappy }>).catch(
    () => null,
  );
  return found === null ? null : (found.default ?? found);
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

/**
 * Decompresses a Snappy message. Java's clients send a frame: a magic, two versions, then blocks
 * with their lengths. Other clients send one bare block.
 */
function decompressFrames(buffer: Buffer, uncompress: (bytes: Uint8Array) => Uint8Array): Buffer {
  if (!buffer.subarray(0, 8).equals(XERIAL_MAGIC)) return Buffer.from(uncompress(buffer));
  const blocks: Uint8Array[] = [];
  for (let at = 16; at < buffer.length;) {
    const length = buffer.readUInt32BE(at);
    blocks.push(uncompress(buffer.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}
