/** Decodes row groups in threads, while the caller's thread works with the rows before them. */
import { inThreads, moduleUrl, type RunInThread } from "@tidemark/core/internal";
import type { DecodedGroup, FetchedGroup } from "./decode-group.ts";

/** Decodes a row group in a thread. null: no thread could, and the caller's thread does. */
export type DecodeInThread = (fetch: () => Promise<FetchedGroup>) => Promise<DecodedGroup | null>;

/** Returns what decodes row groups. No thread is started before there is work. */
export function decodeThreads(
  run: RunInThread<FetchedGroup, DecodedGroup> = inThreads(
    moduleUrl(import.meta.url, "../", "decode-task"),
  ),
): DecodeInThread {
  return (fetch) =>
    run(async () => {
      const group = await fetch();
      // the bytes of several chunks may lie in one buffer
      const bytes = group.bytes.map((chunk) => chunk.slice());
      return { task: { ...group, bytes }, buffers: bytes.map(({ buffer }) => buffer) };
    });
}
