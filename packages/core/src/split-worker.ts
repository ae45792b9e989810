/** The worker of `engine/split-threads.ts`. */
import { parentPort } from "node:worker_threads";
import { buffersOfVector } from "./engine/batch-bytes.ts";
import { computeSplit, type Split, type SplitAnswers } from "./engine/compute-split.ts";
import type { WorkerReply } from "./engine/worker-pool.ts";
import { isTidemarkError } from "./errors.ts";

parentPort!.on("message", async (split: Split) => {
  try {
    const answer = await computeSplit(split);
    const buffers = answer.answers.flatMap(({ values, statuses, times }) => [
      ...buffersOfVector(values),
      statuses.buffer as ArrayBuffer,
      times.buffer as ArrayBuffer,
    ]);
    parentPort!.postMessage({ answer } satisfies WorkerReply<SplitAnswers>, buffers);
  } catch (error) {
    const { message } = error as Error;
    const code = isTidemarkError(error) ? error.code : null;
    parentPort!.postMessage({ error: { code, message } } satisfies WorkerReply<SplitAnswers>);
  }
});
