/** The worker of `group-thread.ts`. */
import { parentPort } from "node:worker_threads";
import { encodeGroup } from "./parquet/group.ts";
import type { Done, Task } from "./group-thread.ts";

parentPort!.on("message", async ({ id, group }: Task) => {
  // if the encoding fails here, the caller's thread encodes again and meets the error itself
  const answer = await encodeGroup(group).catch(() => null);
  parentPort!.postMessage(
    { id, answer } satisfies Done,
    answer !== null && "bytes" in answer ? [answer.bytes.buffer as ArrayBuffer] : [],
  );
});
