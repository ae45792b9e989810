/** Threads that decode row groups, while the caller's thread works with the rows before them. */
import type { Worker } from "node:worker_threads";
import { startWorker, workerPool } from "@tidemark/core/internal";
import type { DecodedGroup, FetchedGroup } from "./decode-group.ts";

/** Threads that decode row groups. */
export interface DecodeThreads {
  /** Decodes a row group. null: no thread could, and the caller's thread does. */
  decode(fetch: () => Promise<FetchedGroup>): Promise<DecodedGroup | null>;
  close(): Promise<void>;
}

/** Makes the threads. None is started before there is work. */
export function decodeThreads(
  start: () => Worker = () => startWorker(import.meta.url, "../", "decode-worker"),
): DecodeThreads {
  const pool = workerPool<FetchedGroup, DecodedGroup>(start);
  return {
    decode: (fetch) =>
      pool.run(async () => {
        const group = await fetch();
        // the bytes of several chunks may lie in one buffer
        const bytes = group.bytes.map((chunk) => chunk.slice());
        return { task: { ...group, bytes }, buffers: bytes.map(({ buffer }) => buffer) };
      }),
    close: () => pool.close(),
  };
}
