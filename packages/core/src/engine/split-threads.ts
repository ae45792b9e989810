/** Computes splits in threads. */
import { inThreads, type RunInThread } from "../threads/shared-threads.ts";
import { moduleUrl, type WorkerTask } from "../threads/worker-pool.ts";
import { buffersOfBatch, ownBatch } from "./batch-bytes.ts";
import type { Split, SplitAnswers } from "./compute-split.ts";

/** Computes a split in a thread. */
export const splitInThread: RunInThread<Split, SplitAnswers> = inThreads(
  moduleUrl(import.meta.url, "../", "split-task"),
);

/** The message for a split. Its rows share no memory with those of other splits. */
export function splitTask(split: Split): WorkerTask<Split> {
  const own: Split = {
    ...split,
    starts: split.starts.slice(),
    times: split.times.slice(),
    batches: split.batches.map(ownBatch),
  };
  return {
    task: own,
    buffers: [
      own.starts.buffer as ArrayBuffer,
      own.times.buffer as ArrayBuffer,
      ...own.batches.flatMap(buffersOfBatch),
    ],
  };
}
