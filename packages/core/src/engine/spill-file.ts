/**
 * A temporary file of batches, for events that do not fit in memory. It has no name where the
 * system allows it, so nothing is left behind by a process that dies.
 */
import type { FileHandle } from "node:fs/promises";
import { TidemarkError } from "../errors.ts";
import { nodeCrypto, nodeFs, nodeOs, nodeV8 } from "../node-modules.ts";
import type { EventBatch } from "./event-batch.ts";

/** Where batches lie in the file. */
export interface SpilledBatches {
  readonly offset: number;
  readonly length: number;
}

/** Batches on disk. */
export interface SpillFile {
  write(batches: readonly EventBatch[]): Promise<SpilledBatches>;
  read(batches: SpilledBatches): Promise<readonly EventBatch[]>;
  close(): Promise<void>;
}

/**
 * Makes a file in the folder for temporary files, readable by this user alone.
 *
 * @throws TEMPORARY_FILE_FAILED when it cannot be made, written or read.
 */
export async function openSpillFile(): Promise<SpillFile> {
  const { open, rm } = nodeFs().promises;
  const folder = nodeOs().tmpdir();
  const path = `${folder}/tidemark-${nodeCrypto().randomUUID()}.events`;
  const file = await guarded(folder, () => open(path, "wx+", 0o600));
  // Windows keeps the name of an open file
  const isUnnamed = await rm(path).then(
    () => true,
    () => false,
  );
  let end = 0;
  return {
    write: (batches) =>
      guarded(folder, async () => {
        const bytes = nodeV8().serialize(batches);
        const place = { offset: end, length: bytes.length };
        end += bytes.length;
        await writeAll(file, bytes, place.offset);
        release(bytes);
        return place;
      }),
    read: ({ offset, length }) =>
      guarded(folder, async () => {
        const bytes = Buffer.allocUnsafeSlow(length);
        let read = 0;
        while (read < length) {
          const { bytesRead } = await file.read(bytes, read, length - read, offset + read);
          if (bytesRead === 0) throw new Error("the file is shorter than what was written");
          read += bytesRead;
        }
        return nodeV8().deserialize(bytes) as readonly EventBatch[];
      }),
    async close() {
      await file.close();
      if (!isUnnamed) await rm(path, { force: true });
    },
  };
}

/** Frees the memory of an array at once. A collection of garbage may come late. */
function release({ buffer }: Uint8Array<ArrayBufferLike>): void {
  (buffer as ArrayBuffer & { transfer(bytes: number): ArrayBuffer }).transfer(0);
}

async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const rest = bytes.length - written;
    const { bytesWritten } = await file.write(bytes, written, rest, start + written);
    written += bytesWritten;
  }
}

async function guarded<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new TidemarkError(
      "TEMPORARY_FILE_FAILED",
      `a training set needs a temporary file in ${folder}, and it failed ` +
        `(${(error as Error).message}); free space there, name another folder in TMPDIR, ` +
        "or raise memoryLimit",
      { cause: error },
    );
  }
}
