/** The worker of `engine/split-threads.ts`. */
import { parentPort } from "node:worker_threads";
import { buffersOfVector } from "./engine/batch-bytes.ts";
import { computeSplit, type Split, type SplitAnswers } from "./engine/compute-split.ts";
import { errorReply, type WorkerReply } from "./engine/worker-pool.ts";

parentPort!.on("message", async (split: Split) => {
  try {
    const answer = await computeSplit(split);
    const buffers = answer.answers.flatMap(({ values, statuses, times }) => [
      ...buffersOfVector(values),
      statuses.buffer as ArrayBuffer,
      times.buffer as ArrayBuffer,
    ]);
    // columns may share their times
    parentPort!.postMessage({ answer } satisfies WorkerReply<SplitAnswers>, [...new Set(buffers)]);
  } catch (error) {
    parentPort!.postMessage(errorReply(error));
  }
});
