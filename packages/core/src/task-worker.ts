/** The worker of `threads/shared-threads.ts`. It loads the module of a task when the task comes. */
import { parentPort } from "node:worker_threads";
import type { ModuleTask, TaskModule } from "./threads/shared-threads.ts";
import { errorReply, type WorkerReply } from "./threads/worker-pool.ts";

parentPort!.on("message", async ({ module, task }: ModuleTask) => {
  const loaded = await (import(module) as Promise<TaskModule>).catch(() => null);
  if (loaded === null) {
    parentPort!.postMessage({ unable: true } satisfies WorkerReply<never>);
    return;
  }
  try {
    const { answer, buffers } = await loaded.answerTask(task);
    parentPort!.postMessage({ answer } satisfies WorkerReply<unknown>, [...new Set(buffers)]);
  } catch (error) {
    parentPort!.postMessage(errorReply(error));
  }
});
