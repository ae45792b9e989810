/** Reads the lines of a file, gzipped or not, in chunks. */
import { createReadStream } from "node:fs";
import { type Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { TidemarkError } from "@tidemark/core";

const CHUNK_BYTES = 256 * 1024;

/**
 * Gives the lines of one chunk after the other. The last line needs no line break.
 *
 * @throws TOPIC_NOT_FOUND when the file does not exist.
 * @throws TOPIC_UNREADABLE when the file is damaged or may not be read.
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

/** Counts the lines. Gives null for a gzipped file, which would have to be unpacked. */
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
  // A failure of either stream destroys both. The loop below throws the error.
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
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw fileNotFound(path, cause);
    throw new TidemarkError(
      "TOPIC_UNREADABLE",
      `recorded topic ${path}: ${(cause as Error).message}; the file is damaged, was cut off, ` +
        "or this process may not read it: copy the file again, or check its permissions",
      { cause },
    );
  } finally {
    file.destroy();
  }
}

/** Makes the error of a file that does not exist. */
export function fileNotFound(path: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    "TOPIC_NOT_FOUND",
    `recorded topic ${path}: the file does not exist; check the path`,
    { cause },
  );
}
