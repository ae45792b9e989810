/**
 * Reads the bytes of a text file as UTF-8. A file may be packed with gzip or zstd, and may be
 * UTF-16, as PowerShell's `>` writes it. The content decides, not the file's name.
 */
import { nodeFs, nodeStream, nodeZlib } from "./node-modules.ts";

const CHUNK_BYTES = 256 * 1024;
/** How many bytes decide what a file is. */
const HEAD_BYTES = 4;

/** What the first bytes of a file say about the rest. */
type Packing = "plain" | "gzip" | "zstd";

/**
 * Gives the bytes of a file, unpacked and as UTF-8, in chunks. A byte order mark of UTF-8 stays. A
 * `.gz` file of several members and a `.zst` file of several frames are read to their end.
 *
 * Errors are those of Node, and an `Error` that says what is wrong with the content.
 *
 * @example
 * for await (const chunk of textFileBytes("topic.jsonl.gz", signal)) size += chunk.length;
 */
export async function* textFileBytes(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  yield* asUtf8(unpackedBytes(path, signal));
}

/** Says whether the bytes of the file are its text: a file, neither packed nor UTF-16. */
export async function isPlainUtf8(path: string): Promise<boolean> {
  const file = await nodeFs().promises.open(path);
  try {
    if (!(await file.stat()).isFile()) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    return packingOf(head) === "plain" && utf16Of(head) === null;
  } finally {
    await file.close();
  }
}

async function* unpackedBytes(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const info = await nodeFs().promises.stat(path);
  const size = info.isFile() ? info.size : null;
  let from = 0;
  do {
    const used = yield* unpackedFrom(path, from, signal);
    if (used === null) return;
    if (size === null) throw new Error("a pipe holds packed bytes; unpack them before the pipe");
    from += used;
    // A reader that stops at the end of the first member would lose the others without a word.
  } while (from < size && !(await holdsOnlyZeros(path, from, signal)));
}

/**
 * Unpacks one member of the file, from an offset on. Gives the bytes that it took; null for a file
 * that is not packed.
 */
async function* unpackedFrom(
  path: string,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, number | null> {
  // Without an offset, a pipe can be read too.
  const start = from === 0 ? {} : { start: from };
  const file = nodeFs().createReadStream(path, { highWaterMark: CHUNK_BYTES, ...start });
  try {
    const chunks = withHead(file[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
    const head = await chunks.head;
    const packing = packingOf(head);
    if (packing === "plain") {
      if (from > 0) throw new Error(`bytes that are not packed follow at byte ${from}`);
      for await (const chunk of chunks.all()) {
        signal?.throwIfAborted();
        yield chunk;
      }
      return null;
    }
    const { createGunzip, createZstdDecompress } = nodeZlib();
    const unpacker =
      packing === "gzip"
        ? createGunzip({ chunkSize: CHUNK_BYTES })
        : createZstdDecompress({ chunkSize: CHUNK_BYTES });
    const { pipeline, Readable } = nodeStream();
    // A failure of either stream destroys both. The loop throws the error.
    pipeline(Readable.from(chunks.all()), unpacker, () => undefined);
    for await (const chunk of unpacker) {
      signal?.throwIfAborted();
      yield chunk as Buffer;
    }
    return unpacker.bytesWritten;
  } finally {
    file.destroy();
  }
}

/** Takes the first bytes of a stream, and gives all of its chunks afterwards. */
function withHead(chunks: AsyncIterator<Buffer>): {
  readonly head: Promise<Buffer>;
  all(): AsyncGenerator<Buffer>;
} {
  const head = (async () => {
    let first: Buffer = Buffer.alloc(0);
    while (first.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done === true) break;
      first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
    }
    return first;
  })();
  return {
    head,
    async *all() {
      const first = await head;
      if (first.length > 0) yield first;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
        yield next.value;
    },
  };
}

function packingOf(head: Buffer): Packing {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length < HEAD_BYTES) return "plain";
  const magic = head.readUInt32LE(0);
  // Parallel compressors write a skippable frame first.
  return magic === 0xfd2f_b528 || (magic & 0xffff_fff0) === 0x184d_2a50 ? "zstd" : "plain";
}

/** Padding with zeros at the end of a packed file is no content. */
async function holdsOnlyZeros(
  path: string,
  from: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const file = nodeFs().createReadStream(path, { highWaterMark: CHUNK_BYTES, start: from });
  try {
    for await (const chunk of file) {
      signal?.throwIfAborted();
      if ((chunk as Buffer).some((byte) => byte !== 0)) return false;
    }
    return true;
  } finally {
    file.destroy();
  }
}

/** Says which UTF-16 the bytes are, by their byte order mark or by the zeros beside ASCII. */
function utf16Of(head: Buffer): "utf-16le" | "utf-16be" | null {
  const [a, b, c, d] = head;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? null : "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return "utf-16le";
  return a === 0 && b !== 0 && c === 0 && d !== 0 ? "utf-16be" : null;
}

async function* asUtf8(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const { head, all } = withHead(chunks);
  const encoding = utf16Of(await head);
  if (encoding === null) return yield* all();
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decoded = (chunk?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }), "utf8");
    } catch (cause) {
      throw new Error(`it begins as ${encoding.toUpperCase()} and goes on as other text`, {
        cause,
      });
    }
  };
  for await (const chunk of all()) yield decoded(chunk);
  yield decoded();
}
