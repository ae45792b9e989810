/** Lines of a file, gzipped or not, a chunk at a time. */
import { createReadStream } from "node:fs";
import { type Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { TidemarkError } from "@tidemark/core";

const CHUNK_BYTES = 256 * 1024;

/**
 * The lines of one chunk after the other; the last line needs no end. Throws `TOPIC_NOT_FOUND` and
 * `TOPIC_UNREADABLE`.
 */
export async function* lineChunks(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[]> {
  let rest: Buffer[] = [];
  for await (const chunk of byteChunks(path, signal)) {
    const found: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      if (rest.length === 0) found.push(chunk.toString("utf8", start, end));
      else {
        found.push(Buffer.concat([...rest, chunk.subarray(0, end)]).toString("utf8"));
        rest = [];
      }
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    yield found;
  }
  if (rest.length > 0) yield [Buffer.concat(rest).toString("utf8")];
}

/** How many lines; null for a gzipped file, which would have to be unpacked. */
export async function countLines(
  path: string,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  if (path.endsWith(".gz")) return null;
  let count = 0;
  let last = 0x0a;
  for await (const chunk of byteChunks(path, signal)) {
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) count++;
    last = chunk.at(-1)!;
  }
  return last === 0x0a ? count : count + 1;
}

async function* byteChunks(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  // A failure of either stream destroys both, and the loop below throws it.
  const stream: Readable = path.endsWith(".gz")
    ? pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
    : file;
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      yield chunk as Buffer;
    }
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw new TidemarkError("TOPIC_NOT_FOUND", `recorded topic ${path}: there is no such file`, {
        cause,
      });
    throw new TidemarkError(
      "TOPIC_UNREADABLE",
      `recorded topic ${path}: ${(cause as Error).message}; the file is damaged, was cut off, ` +
        "or cannot be read here",
      { cause },
    );
  } finally {
    file.destroy();
  }
}
