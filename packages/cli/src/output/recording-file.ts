/** Writes a recording: one message per line, packed if the file's name says so. */
import { createWriteStream } from "node:fs";
import { chmod } from "node:fs/promises";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { TidemarkError } from "@tidemark/core";
import type { AtomicFile } from "./atomic-file.ts";

/**
 * Writes the texts to the unfinished file. Each text is read when the text before it was written.
 * Gives the size of the file in bytes.
 *
 * @throws OUT_NOT_WRITABLE when the file cannot be written.
 */
export async function writeRecording(
  { temporary }: AtomicFile,
  out: string,
  texts: AsyncIterable<string>,
): Promise<number> {
  const packer = out.endsWith(".gz")
    ? createGzip()
    : out.endsWith(".zst")
      ? createZstdCompress()
      : new PassThrough();
  // A recording holds rows of the database, so only its owner may read it.
  await chmod(temporary, 0o600);
  const file = createWriteStream(temporary);
  try {
    await pipeline(Readable.from(texts, { highWaterMark: 1 }), packer, file);
  } catch (cause) {
    // Errors of the file system name their system call. Others are of the messages.
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new TidemarkError(
      "OUT_NOT_WRITABLE",
      `${out}: it cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  }
  return file.bytesWritten;
}
