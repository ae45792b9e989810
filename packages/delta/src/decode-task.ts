/** The task of `parquet/decode-threads.ts`. */
import { buffersOfVector, type TaskAnswer } from "@tidemark/core/internal/columns";
import { decodeGroup, type DecodedGroup, type FetchedGroup } from "./parquet/decode-group.ts";

export async function answerTask(group: FetchedGroup): Promise<TaskAnswer<DecodedGroup>> {
  const answer = await decodeGroup(group);
  return { answer, buffers: answer.vectors.flatMap(buffersOfVector) };
}
