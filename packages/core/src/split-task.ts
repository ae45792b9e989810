/** The task of `engine/split-threads.ts`. */
import { buffersOfVector } from "./engine/batch-bytes.ts";
import { computeSplit, type Split, type SplitAnswers } from "./engine/compute-split.ts";
import type { TaskAnswer } from "./threads/shared-threads.ts";

export async function answerTask(split: Split): Promise<TaskAnswer<SplitAnswers>> {
  const answer = await computeSplit(split);
  const buffers = answer.answers.flatMap(({ values, statuses, times }) => [
    ...buffersOfVector(values),
    statuses.buffer as ArrayBuffer,
    times.buffer as ArrayBuffer,
  ]);
  return { answer, buffers };
}
