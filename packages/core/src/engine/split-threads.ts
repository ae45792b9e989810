/** The threads that compute splits. */
import { buffersOfBatch, ownBatch } from "./batch-bytes.ts";
import type { Split, SplitAnswers } from "./compute-split.ts";
import { startWorker, workerPool, type WorkerPool, type WorkerTask } from "./worker-pool.ts";

/** Makes the pool of threads. None is started before there is work. */
export function splitThreads(): WorkerPool<Split, SplitAnswers> {
  return workerPool(() => startWorker(import.meta.url, "../", "split-worker"));
}

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
