/** The worker of `row-group-worker.ts`. */
import { parentPort } from "node:worker_threads";
import { encodeGroup } from "./parquet/row-group.ts";
import type { EncodeResult, EncodeTask } from "./row-group-worker.ts";

parentPort!.on("message", async ({ id, group }: EncodeTask) => {
  // if the encoding fails here, the caller's thread encodes again and meets the error itself
  const answer = await encodeGroup(group).catch(() => null);
  parentPort!.postMessage(
    { id, answer } satisfies EncodeResult,
    answer !== null && "bytes" in answer ? [answer.bytes.buffer as ArrayBuffer] : [],
  );
});
