/** The threads that compute splits. */
import type { Worker } from "node:worker_threads";
import { nodeThreads } from "../node-modules.ts";
import { buffersOfBatch, ownBatch } from "./batch-bytes.ts";
import type { Split, SplitAnswers } from "./compute-split.ts";
import { workerPool, type WorkerPool, type WorkerTask } from "./worker-pool.ts";

/** Makes the pool of threads. None is started before there is work. */
export function splitThreads(): WorkerPool<Split, SplitAnswers> {
  return workerPool(startThread);
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

/** Starts the worker whose file lies beside this file, built or not. */
function startThread(): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  const { Worker: ThreadWorker } = nodeThreads();
  return new ThreadWorker(
    new URL(isSource ? "../split-worker.ts" : "./split-worker.js", import.meta.url),
    { name: "tidemark splits" },
  );
}
