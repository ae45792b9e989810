/** The worker of `parquet/decode-threads.ts`. */
import { parentPort } from "node:worker_threads";
import { buffersOfVector, errorReply, type WorkerReply } from "@tidemark/core/internal/columns";
import { decodeGroup, type DecodedGroup, type FetchedGroup } from "./parquet/decode-group.ts";

parentPort!.on("message", async (group: FetchedGroup) => {
  try {
    const answer = await decodeGroup(group);
    parentPort!.postMessage({ answer } satisfies WorkerReply<DecodedGroup>, [
      ...new Set(answer.vectors.flatMap(buffersOfVector)),
    ]);
  } catch (error) {
    parentPort!.postMessage(errorReply(error));
  }
});
