/** The task of `parquet/encode-threads.ts`. */
import type { TaskAnswer } from "@tidemark/core/internal/columns";
import {
  encodeGroup,
  type EncodedGroup,
  type EncodingRefusal,
  type RowGroupRows,
} from "./parquet/row-group.ts";

export async function answerTask(
  group: RowGroupRows,
): Promise<TaskAnswer<EncodedGroup | EncodingRefusal>> {
  const answer = await encodeGroup(group);
  return { answer, buffers: "bytes" in answer ? [answer.bytes.buffer as ArrayBuffer] : [] };
}
