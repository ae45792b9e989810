/** Reads the lines of a file, packed or not, in chunks. */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { TidemarkError } from "@tidemark/core";
import { isPlainUtf8, textFileBytes } from "@tidemark/core/internal";

const CHUNK_BYTES = 256 * 1024;
/** The longest line of a recording. A line holds one Kafka message. */
const MAX_LINE_BYTES = 128 * 2 ** 20;

/** The lines of one chunk. A line that is not UTF-8 comes as its bytes. */
export interface LineChunk {
  readonly lines: readonly (string | Buffer)[];
  /** Whether every line has a line end. Only the last line of a file may lack it. */
  readonly ended: boolean;
}

/**
 * Gives the lines of one chunk after the other. The last line needs no line break. A byte order
 * mark at the beginning of a line is left out, so that joined files are read.
 *
 * @throws TOPIC_NOT_FOUND when the file does not exist.
 * @throws TOPIC_UNREADABLE when the file is damaged or may not be read, or a line is too long.
 */
export async function* lineChunks(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<LineChunk> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let count = 0;
  for await (const chunk of byteChunks(path, signal)) {
    const lines: (string | Buffer)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      if (rest.length === 0) lines.push(lineText(chunk.subarray(start, end)));
      else {
        lines.push(lineText(Buffer.concat([...rest, chunk.subarray(0, end)])));
        rest = [];
        restBytes = 0;
      }
      start = end + 1;
    }
    count += lines.length;
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > MAX_LINE_BYTES) throw lineTooLong(path, count + 1);
    }
    yield { lines, ended: true };
  }
  if (rest.length > 0) yield { lines: [lineText(Buffer.concat(rest))], ended: false };
}

/** Counts the lines. Gives null for a packed file, which would have to be unpacked. */
export async function countLines(
  path: string,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  if (!(await readable(path, isPlainUtf8(path)))) return null;
  let count = 0;
  let last = 0x0a;
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) count++;
      last = chunk.at(-1)!;
    }
  } finally {
    file.destroy();
  }
  return last === 0x0a ? count : count + 1;
}

const BYTE_ORDER_MARK = 0xfeff;

/** The text of a line; its bytes if they are not UTF-8. */
function lineText(bytes: Buffer): string | Buffer {
  const text = bytes.toString("utf8");
  // Bytes that are not UTF-8 become U+FFFD, which a text may hold too.
  if (text.includes("\uFFFD") && !isUtf8(bytes)) return bytes;
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

async function* byteChunks(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const chunks = textFileBytes(path, signal);
  try {
    for (;;) {
      const next = await readable(path, chunks.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return(undefined);
  }
}

/** Turns a failure to read the file into an error with a code. */
async function readable<T>(path: string, step: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw fileNotFound(path, cause);
    throw new TidemarkError(
      "TOPIC_UNREADABLE",
      `recorded topic ${path}: ${(cause as Error).message}; the file is damaged, was cut off, ` +
        "or this process may not read it: copy the file again, or check its permissions",
      { cause },
    );
  }
}

function lineTooLong(path: string, number: number): TidemarkError {
  return new TidemarkError(
    "TOPIC_UNREADABLE",
    `recorded topic ${path}: line ${number} is longer than ${MAX_LINE_BYTES / 2 ** 20} MiB; ` +
      "a recording holds one Kafka message per line: write its messages with line ends between " +
      "them, as tidemark record does",
  );
}

/** Makes the error of a file that does not exist. */
export function fileNotFound(path: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    "TOPIC_NOT_FOUND",
    `recorded topic ${path}: the file does not exist; check the path`,
    { cause },
  );
}
